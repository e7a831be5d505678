"""Frames of anything at all: what comes is a row for each row, or one documented error.

A few examples, always the same ones; `FUZZ_EXAMPLES=1000 pytest` draws more, and draws anew.
"""

import contextlib
import datetime
import decimal
import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmgraph import (
    Audio,
    DataError,
    Features,
    Image,
    MissingPackageError,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Tabular,
    Text,
)
from mmgraph.data.infer import infer_modalities
from mmgraph.data.targets import encode_groups
from mmgraph.data.transform import fit_modality, transform
from mmgraph.tables.opening import read_frame

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))

fuzzed = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(categories=["Cs", "Cc", "Co", "Mn"]), max_size=5),
    st.sampled_from(
        [
            *(
                "",
                " \n\t",
                "👩‍👩‍👧‍👦🏳️‍🌈",
                "שלום עולם",
                "مرحبا بالعالم",
                "\u202eright\u202c to left",
                "日本語",
            ),
            *("e" + "\u0301" * 40, "\x00", "\ud800", "nan", "1e999", "[1, 2", "[]", "a.png", "-0"),
            *("../", "https://example.org/a.png", "2024-02-30", "1,5", "\ufeffa", "İı", "a\r\nb"),
        ]
    ),
)

NUMBERS = st.one_of(
    *(st.integers(), st.floats(), st.booleans(), st.complex_numbers(), st.decimals()),
    st.sampled_from([np.int8(3), np.float16("inf"), np.uint64(2**64 - 1), 2**70, np.bool_(True)]),
    st.fractions(),
)

OTHERS = st.one_of(
    *(st.none(), st.just(pd.NA), st.just(pd.NaT), st.just(float("nan")), st.binary(max_size=9)),
    *(st.datetimes(), st.dates(), st.timedeltas(), st.times()),
    st.lists(st.one_of(TEXTS, NUMBERS, st.none()), max_size=3),
    st.lists(st.floats(width=32), min_size=1, max_size=4).map(np.array),
    st.tuples(st.integers(), st.text(max_size=3)),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sets(st.integers(), max_size=2),
    st.sampled_from(
        [
            *(np.zeros((2, 2, 3), np.uint8), np.zeros(0), np.array(["a", None], object)),
            *(object(), print, decimal.Decimal("NaN"), datetime.datetime.max, pd.Timestamp.min),
            *(np.zeros((1, 1, 1, 1)), np.array(5), {"bytes": None, "path": None}, b"\x89PNG"),
        ]
    ),
)

CELLS = st.one_of(TEXTS, NUMBERS, OTHERS)

INDEXES = st.sampled_from(["range", "repeated", "text", "dates", "several", "missing"])


def make_index(kind, rows):
    if kind == "several":
        return pd.MultiIndex.from_arrays([[0] * rows, list(range(rows))])
    if kind == "dates":
        return pd.date_range("2024-01-01", periods=rows)
    if kind == "missing":
        return pd.Index([np.nan] * rows)
    names = {"range": range(rows), "repeated": [0] * rows, "text": ["\ud83d"] * rows}
    # With pyarrow installed, pandas would make Arrow strings of texts, which hold no half pairs.
    return pd.Index(list(names[kind]), dtype=object if kind == "text" else None)


@st.composite
def frames(draw, columns=("text", "number"), cells=CELLS):
    """Draw a frame of one kind of cells in each column, or of all kinds."""
    rows = draw(st.integers(1, 6))
    filled = {}
    for name in columns:
        kind = draw(st.sampled_from([cells, TEXTS, NUMBERS, OTHERS]))
        values = draw(st.lists(kind, min_size=rows, max_size=rows))
        filled[name] = pd.Series(values, dtype=object)
    frame = pd.DataFrame(filled)
    if draw(st.booleans()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):  # pandas cannot tell what some of this is
                frame = frame.infer_objects().convert_dtypes()
    return frame.set_axis(make_index(draw(INDEXES), rows))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a small fitted model of a text and a number."""
    words = ["red rose", "blue sky", "a rose", "the sky"] * 6
    frame = pd.DataFrame({"text": words, "number": range(24), "label": ["warm", "cold"] * 12})
    modalities = [Text("text", features=None), Tabular(["number"])]
    clf = MultimodalGraphClassifier(modalities, channels=4, num_layers=1, epochs=1, verbose=False)
    return clf.fit(frame, "label")


@fuzzed
@given(frames())
def test_predictions_are_one_a_row(model, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rows without input, broken entries
        try:
            probability = model.predict_proba(frame)
        except DataError as error:
            names_column = "column" in str(error)
            probability = None
    if probability is None:
        assert names_column
        return
    assert probability.shape == (len(frame), 2)
    assert np.isfinite(probability).all()
    np.testing.assert_allclose(probability.sum(1), 1, atol=1e-5)


MAKERS = {
    "text": lambda unreadable: Text("x", features=None, unreadable=unreadable),
    "tabular": lambda unreadable: Tabular(["x"], unreadable=unreadable),
    "features": lambda unreadable: Features("x", unreadable=unreadable),
    "image": lambda unreadable: Image("x", backbone=None, size=8, unreadable=unreadable),
    "audio": lambda unreadable: Audio("x", unreadable=unreadable),
}


@pytest.mark.parametrize("kind", MAKERS)
@fuzzed
@given(frames(columns=["x"]), frames(columns=["x"]))
def test_every_row_is_read_or_named(kind, train, new):
    for unreadable in ("raise", "missing"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what counts as missing is warned of
            try:
                fitted = fit_modality(MAKERS[kind](unreadable), train, seed=0)
                items = [transform([fitted], each)[fitted.node_type] for each in (train, new)]
            except (DataError, MissingPackageError):
                refused = True
            else:
                refused = False
        if refused:
            # Features of several lengths cannot be stacked, however lenient one is.
            assert unreadable == "raise" or kind == "features"
            continue
        assert [len(each) for each in items] == [len(train), len(new)]
        for samples in items:
            assert fitted.collate(samples).batch_size == len(samples)


@fuzzed
@given(frames(columns=["a", "b", 3, ("c", "d")]))
def test_modalities_are_inferred_or_refused(frame):
    try:
        found = infer_modalities(frame, exclude=["b"], labels=frame["b"])
    except DataError:
        return
    assert "b" not in [column for each in found for column in each.column_list]


@fuzzed
@given(st.dictionaries(st.text(max_size=3), st.lists(CELLS, max_size=3), max_size=3))
def test_mappings_are_frames_or_refused(mapping):
    try:
        frame = read_frame(mapping)
    except DataError:
        return
    assert [len(values) for values in mapping.values()] == [len(frame)] * len(mapping)


def encode_any(kind, values, index):
    if kind == "groups":
        return encode_groups(values, index)
    estimator = MultimodalGraphClassifier if kind == "classes" else MultimodalGraphRegressor
    target, strata = estimator([Text("text")])._encode(values, index)
    assert len(strata) == len(target)
    return target


@pytest.mark.filterwarnings("ignore:y. got a table of one column")
@pytest.mark.parametrize("kind", ["classes", "numbers", "groups"])
@fuzzed
@given(frames(columns=["y"]), st.booleans())
def test_targets_are_taken_or_refused(kind, frame, listed):
    values = frame["y"].tolist() if listed else frame["y"]
    try:
        target = encode_any(kind, values, frame.index)
    except DataError:
        return
    assert len(target) == len(frame)


@pytest.mark.parametrize("character", ["a", " a"])
def test_a_text_of_a_megabyte(model, character):
    frame = pd.DataFrame({"text": [character * (10**6 // len(character)), "red"], "number": 1})
    probability = model.predict_proba(frame)
    assert np.isfinite(probability).all()
    np.testing.assert_allclose(probability[1], model.predict_proba(frame[1:])[0], atol=1e-5)
