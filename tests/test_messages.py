"""What messages quote is bounded, whatever cells, labels and names hold."""

import base64
import io
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from mmgraph import Audio, Features, Image, Tabular, Text
from mmgraph.data.infer import infer_modalities
from mmgraph.data.numbers import encode_numbers
from mmgraph.data.targets import class_weights, encode_classes, encode_labels
from mmgraph.data.transform import fit_modality, transform
from mmgraph.errors import CellError, DataError, names, quote, reason
from mmgraph.modalities.decoding.files import inline, located
from mmgraph.modalities.decoding.image import decode_image
from mmgraph.modalities.decoding.video import decode_video
from mmgraph.tables.opening import read_frame, take_columns

#: Most characters of a message; a page of a terminal has some 2,000.
BOUND = 1000

LONG = {
    "base64": base64.b64encode(bytes(range(256)) * 2000).decode(),
    "broken data": "data:image/png;base64,iVBORw0KGgo" + "A" * 300_001 + "!",
    "lines": "x\n" * 200_000,
    "path": "/".join(["folder"] * 50_000) + ".png",
    "bytes": b"\x89" * 300_000,
    "number": 10**4000,
    "list": [["x" * 1000] * 1000] * 100,
    "object": {"key" * 1000: object()},
    "control": "\x1b[31m\0\x07" * 100_000,
    "surrogate": "\ud800" * 100_000,
}


@pytest.mark.parametrize("raw", LONG.values(), ids=LONG)
@pytest.mark.parametrize(
    "modality",
    [
        Image("x", backbone=None, size=16),
        Audio("x"),
        Features("x"),
        Text("x", features=None),
        Tabular(["x"], kinds={"x": "number"}),
        Tabular(["x"], kinds={"x": "datetime"}),
        Tabular(["x"], kinds={"x": "category"}),
    ],
    ids=lambda modality: f"{type(modality).__name__}",
)
def test_cells_are_quoted_in_part(modality, raw):
    frame = pd.DataFrame({"x": pd.Series([raw] * 2, dtype=object)})
    with suppress(DataError) if readable(modality, raw) else pytest.raises(DataError) as caught:
        transform([fit_modality(modality, frame, seed=0)], frame)
    if caught is not None:
        assert len(str(caught.value)) < BOUND
        assert str(caught.value).isprintable()


def readable(modality, raw):
    """Say whether this may be read as what it is: any text as a text, or as a category."""
    return isinstance(modality, Text | Tabular) and isinstance(raw, str | int)


@pytest.mark.parametrize("raw", [raw for name, raw in LONG.items() if name != "bytes"])
def test_videos_are_quoted_in_part(raw):
    with pytest.raises(CellError) as caught:
        decode_video(located(raw, "folder"), 8)
    assert len(caught.value.reason) < BOUND


@pytest.mark.parametrize("raw", LONG.values(), ids=LONG)
def test_targets_are_quoted_in_part(raw):
    frame = pd.DataFrame({"x": [1, 2]})
    for refused in (
        lambda: encode_classes([raw, None], range(2)),
        lambda: encode_classes([raw, raw], range(2)),
        lambda: encode_labels([["a"], raw], range(2)),
        lambda: encode_numbers([raw, "a"], range(2)),
        lambda: class_weights({str(raw): 1}, np.array(["a", "b"])),
        lambda: class_weights(raw, np.array(["a", "b"])),
        lambda: take_columns(frame, str(raw), "y"),
        lambda: take_columns(frame, [raw, raw, raw], "y"),
        lambda: encode_numbers([None, 1], [raw, "b"]),
    ):
        with pytest.raises(DataError) as caught:
            refused()
        assert len(str(caught.value)) < BOUND


@pytest.mark.parametrize("name", [name for name in LONG.values() if isinstance(name, str)])
def test_names_are_quoted_in_part(name):
    columns = pd.Index([name, "b"], dtype=object)
    frame = pd.DataFrame([[object(), object()]] * 2, columns=columns)
    for refused in (
        lambda: infer_modalities(frame),
        lambda: fit_modality(Text("text"), frame, seed=0),
        lambda: fit_modality(Text(name), frame[["b"]], seed=0),
        lambda: fit_modality(Text(name), frame, seed=0),
        lambda: take_columns(frame, "c", "groups"),
    ):
        with pytest.raises(DataError) as caught:
            refused()
        assert len(str(caught.value)) < BOUND


def test_tables_of_many_columns_are_named_in_part():
    frame = pd.DataFrame({f"column {number}": [0] for number in range(5000)})
    with pytest.raises(DataError, match="and 4988 more") as caught:
        fit_modality(Text("text"), frame, seed=0)
    assert len(str(caught.value)) < BOUND
    with pytest.raises(DataError) as caught:
        read_frame(pd.concat([frame, frame], axis=1))
    assert len(str(caught.value)) < BOUND


@given(st.text() | st.binary() | st.floats() | st.lists(st.text()), st.integers(20, 90))
def test_quotes_are_short_and_on_one_line(value, most):
    text = quote(value, most)
    assert len(text) <= most + 40
    assert text.isprintable()


@given(st.lists(st.text(max_size=200), max_size=50))
def test_lists_of_names_are_short(values):
    assert len(names(values)) < 13 * 125


def test_reasons_leave_out_paths():
    error = FileNotFoundError(2, "No such file", "a" * 9999)
    assert reason(error) == "No such file"
    assert len(reason(ValueError("a\n" * 9999))) == 200


def test_inline_images_are_decoded():
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Picture.fromarray(pixels).save(file, "png")
    body = base64.b64encode(file.getvalue()).decode()
    for cell in (
        body,
        f"data:image/png;base64,{body}",
        f"DATA:image/png;base64,{body[:80]}\n{body[80:]}",
    ):
        np.testing.assert_array_equal(np.asarray(decode_image(inline(cell))), pixels)
        assert Image.accepts([cell]) or cell.startswith("DATA")
        frame = pd.DataFrame({"x": [cell]})
        image = fit_modality(Image("x", backbone=None, size=40), frame, seed=0)
        assert (
            len(transform([image], frame)["image" if image.node_type == "image" else "x"][0]) == 1
        )
    frame = pd.DataFrame({"x": [f"data:image/png;base64,{body[:-3]}"]})
    with pytest.raises(DataError, match=r"row 0, column 'x': .* may be cut off"):
        transform([image], frame)
