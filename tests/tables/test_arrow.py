"""Hugging Face data sets give what the same rows in memory do: on disk, in memory and streamed."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as PILImage
from tolerance import SMALL, rounding

from mmgraph import (
    ArrowTable,
    DataError,
    Image,
    MissingPackageError,
    MultimodalGraphRegressor,
    ParquetTable,
    Tabular,
    Text,
)
from mmgraph.data.cells import read_cells
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.disk_dataset import DiskDataset
from mmgraph.data.survey import fit_on_sample
from mmgraph.data.transform import transform
from mmgraph.tables import opening
from mmgraph.tables import stream as stream_module
from mmgraph.tables.arrow import hugging_face
from mmgraph.tables.stream import RowStream, spooled

datasets = hugging_face() or pytest.skip("without datasets", allow_module_level=True)

MODALITIES = [
    Image("image", backbone=None, size=16),
    Text("text", features=None),
    Tabular(["number"]),
]
COLUMNS = ["image", "text", "number", "label"]
OPTIONS = {"epochs": 1, "batch_size": 16, "random_state": 1, "linear": False}


@pytest.fixture(autouse=True)
def own_files(tmp_path, monkeypatch):
    """Keep what Hugging Face stores to the test, and look for what is left of streams."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hugging_face")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert not list(temporary.glob("mmgraph-*"))


def make_rows(count=60):
    for row in range(count):
        color = [(200, 0, 0), (0, 0, 200)][row % 2]
        yield {
            "image": PILImage.new("RGB", (5, 4), color),
            "text": None
            if row == 4
            else " ".join(["red", "blue"][row % 2] for _ in range(row % 5)),
            "number": None if 30 < row < 40 else row % 3,
            "label": ["red", "blue"][row % 2],
        }


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame(make_rows()).astype({"number": "Int64"})


@pytest.fixture(scope="module")
def dataset():
    features = datasets.Features(
        image=datasets.Image(),
        text=datasets.Value("string"),
        number=datasets.Value("int64"),
        label=datasets.Value("string"),
    )
    return datasets.Dataset.from_list(list(make_rows()), features=features)


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "rows"
    dataset.save_to_disk(str(folder))
    return folder


@pytest.fixture(params=["typed", "untyped"])
def stream(request, dataset):
    if request.param == "typed":
        return dataset.to_iterable_dataset()
    # What `map` returns has no known features.
    return dataset.to_iterable_dataset().map(lambda row: {"more": row["number"]})


def test_rows_in_any_order(folder, frame):
    table = ArrowTable(folder)
    assert (len(table), table.columns) == (60, COLUMNS)
    rows = np.random.default_rng(1).permutation(60)[:40]
    taken = table.take(rows)
    assert taken.index.tolist() == rows.tolist()
    for column in COLUMNS[1:]:
        cells = read_cells(frame, [column])
        assert read_cells(taken, [column]) == [cells[row] for row in rows]
        assert read_cells(pd.concat(table.parts(7)), [column]) == cells
    [image] = read_cells(taken, ["image"])[0]
    assert image.startswith(b"\x89PNG")
    assert table["label"].tolist() == frame["label"].tolist()
    assert table.drop("label").head(3).columns.tolist() == COLUMNS[:3]
    with pytest.raises(DataError, match=r"rows: there is no column 'nope'; there are \['image'"):
        ArrowTable(folder, ["nope"]).head(1)


def test_rows_that_were_left_out_or_moved(dataset):
    half = ArrowTable(dataset.select(range(0, 60, 2)))
    assert set(half["label"]) == {"red"}
    assert half.nbytes == pytest.approx(ArrowTable(dataset).nbytes / 2, rel=0.01)
    moved = dataset.shuffle(seed=0)
    assert opening.read_frame(moved)["label"].tolist() == moved["label"][:]


def test_rows_that_lie_side_by_side_are_drawn_together():
    small, large = (
        ArrowTable(datasets.Dataset.from_dict({"cell": [b"x" * size] * 100}))
        for size in (1000, 2**17)
    )
    groups = small.group_of(np.arange(100))
    assert len(set(groups)) == 1
    assert small.groups_at_once == 128
    assert large.group_of(np.array([31, 32, 99])).tolist() == [0, 1, 3]
    assert large.groups_at_once == 7


def test_rows_of_a_transform(dataset):
    def upper(rows):
        return {"loud": [str(text).upper() for text in rows["text"]]}

    table = ArrowTable(dataset.with_transform(upper))
    assert table.columns == ["loud"]
    assert table.take(np.array([3, 4]))["loud"].tolist() == ["BLUE BLUE BLUE", "NONE"]
    assert table.nbytes > 0
    assert ArrowTable(dataset.with_format("torch")).take(np.array([2]))["number"].tolist() == [2]


def test_lists_of_images_and_arrays(tmp_path):
    image, array = PILImage.new("RGB", (3, 3)), np.ones((2, 3), np.float32)
    features = datasets.Features(
        images=datasets.List(datasets.Image()), array=datasets.Array2D((2, 3), "float32")
    )
    cells = {"images": [[image] * 2, []], "array": [array, None]}
    made = datasets.Dataset.from_dict(cells, features=features)
    for table in (ArrowTable(made), _parquet_of(made.to_iterable_dataset(), tmp_path)):
        read = table.take(np.array([1, 0]))
        assert read["array"].tolist()[0] is None
        assert np.array_equal(read["array"].tolist()[1], array)
        first, second = read_cells(read, ["images"])
        assert first == []
        assert [value[:4] for value in second] == [b"\x89PNG"] * 2


def _parquet_of(stream, folder):
    (folder / "rows").mkdir()
    RowStream(stream).write(folder / "rows")
    return ParquetTable(folder / "rows")


def test_which_data_sets_stay_on_disk(dataset, folder, monkeypatch):
    assert isinstance(opening.open_table(dataset), pd.DataFrame)
    assert isinstance(opening.open_table(folder), pd.DataFrame)
    monkeypatch.setattr(opening, "IN_MEMORY_ROWS", 50)
    assert isinstance(opening.open_table(dataset), ArrowTable)
    assert isinstance(opening.open_table(str(folder)), ArrowTable)


def test_batches_are_those_of_the_rows_in_memory(folder, frame):
    table = ArrowTable(folder).drop(columns=["label"])
    fitted, survey = fit_on_sample(MODALITIES, table, seed=0)
    assert survey.rows_with == {"image": 60, "text": 47, "tabular": 51}
    target = torch.arange(60)
    memory = SampleDataset(fitted, transform(fitted, frame), target)
    stream = DiskDataset(fitted, table, np.arange(60), survey.length, target)
    pairs = zip(stream.batches(8), memory.batches(8), strict=True)
    for ours, theirs in pairs:
        for name, items in theirs.items.items():
            for key, value in items.data.items():
                assert torch.equal(ours.items[name].data[key], value)
    seen = torch.cat([batch.target for batch in stream.loader(8, shuffle=True)])
    assert seen.sort().values.tolist() == list(range(60))


def test_fits_and_predicts_as_in_memory(folder, dataset, frame, make_classifier, monkeypatch):
    memory = make_classifier(MODALITIES, **OPTIONS).fit(frame, "label")
    monkeypatch.setattr(opening, "IN_MEMORY_ROWS", 50)
    for data in (folder, dataset):
        disk = make_classifier(MODALITIES, **OPTIONS).fit(data, "label")
        for name in ("rows_with", "held_out_rows"):
            assert disk.facts_[name] == memory.facts_[name]
        np.testing.assert_allclose(
            disk.predict_proba(data), disk.predict_proba(frame), atol=rounding(SMALL)
        )
        assert disk.score(data, "label") == disk.score(frame, "label")


def test_streams_fit_and_predict_as_in_memory(stream, frame, make_classifier):
    memory = make_classifier(MODALITIES, **OPTIONS).fit(frame, "label")
    clf = make_classifier(MODALITIES, **OPTIONS).fit(stream, "label")
    expected = memory.predict_proba(frame)
    np.testing.assert_allclose(clf.predict_proba(stream), expected, atol=rounding(SMALL))
    assert clf.predict(stream).tolist() == memory.predict(frame).tolist()
    np.testing.assert_allclose(clf.transform(stream), clf.transform(frame), atol=rounding(SMALL))
    assert clf.score(stream, "label") == memory.score(frame, "label")
    pd.testing.assert_frame_equal(clf.count_items(stream), clf.count_items(frame))
    assert len(clf.explain(stream.take(2))) == 2


def test_streams_of_numbers(stream):
    model = MultimodalGraphRegressor(MODALITIES[:2], channels=8, epochs=1, linear=False)
    known = stream.filter(lambda row: row["number"] is not None)
    model.fit(known, "number")
    assert np.isfinite(model.score(known, "number"))


def test_streams_are_written_in_groups(frame, stream, tmp_path, monkeypatch):
    monkeypatch.setattr(stream_module, "_ROWS", 4)
    monkeypatch.setattr(stream_module, "_GROUP_ROWS", 10)
    table = _parquet_of(stream, tmp_path)
    for column in COLUMNS[1:]:
        assert read_cells(table.frame(), [column]) == read_cells(frame, [column])
    assert max(rows for _, _, rows, _ in table._groups) == 8
    # Where types are known, they are those of every part.
    typed = stream.features is not None
    assert len(table._files) == 1 if typed else len(table._files) > 1


def test_streams_are_kept_as_long_as_needed(stream):
    with spooled(stream) as folder:
        assert len(ParquetTable(folder)) == 60
    assert not Path(folder).exists()
    with pytest.raises(RuntimeError), spooled(stream):
        raise RuntimeError


def test_unusable_data_sets(dataset, folder, tmp_path, make_classifier, monkeypatch):
    splits = datasets.DatasetDict({"train": dataset, "test": dataset})
    splits.save_to_disk(str(tmp_path / "both"))
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "state.json").write_text("{")
    none = dataset.to_iterable_dataset().filter(lambda row: False)
    mixed = datasets.IterableDataset.from_generator(_mixed)
    cases = [
        (splits, r"got splits \['train', 'test'\]"),
        (tmp_path / "both", r"name one of them: .*both/train"),
        (tmp_path / "spoilt", "spoilt: cannot be read as Arrow"),
        (dataset.select([]), "at least one row"),
        (none, "at least one row, got a stream without any"),
        (mixed, r"rows 0 to 1 of the stream: expected cells of one kind"),
    ]
    for data, message in cases:
        with pytest.raises(DataError, match=message):
            make_classifier(MODALITIES).fit(data, "label")
    with pytest.raises(DataError, match="save_to_disk of a Hugging Face"):
        len(ArrowTable(tmp_path))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackageError, match=r"mmgraph\[arrow\]"):
        len(ArrowTable(folder))


def test_what_goes_wrong_in_a_stream_is_told_as_it_is(dataset, make_classifier, monkeypatch):
    def fail(row):
        raise OSError("no network")

    with pytest.raises(OSError, match=r"^no network$"):
        make_classifier(MODALITIES).fit(dataset.to_iterable_dataset().map(fail), "label")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", full)
    with pytest.raises(DataError, match="kept there: No space left on device; set TMPDIR"):
        make_classifier(MODALITIES).fit(dataset.to_iterable_dataset(), "label")


def _mixed():
    yield from ({"text": "a", "label": 0}, {"text": 5, "label": 1})


def test_damaged_arrow_file(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    [file] = tmp_path.glob("*.arrow")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as Arrow"):
        ArrowTable(tmp_path).head(1)


def test_errors_name_the_row(dataset, make_classifier, monkeypatch):
    clf = make_classifier(MODALITIES, **OPTIONS).fit(dataset, "label")
    spoilt = dataset.cast_column("image", datasets.Image(decode=False)).map(
        lambda row, place: {"image": {"bytes": b"x" * 9, "path": None}} if place == 50 else row,
        with_indices=True,
    )
    monkeypatch.setattr("mmgraph.data.transform._ROWS_AT_ONCE", 20)
    monkeypatch.setattr(opening, "IN_MEMORY_ROWS", 50)
    for data in (spoilt, spoilt.to_iterable_dataset()):
        with pytest.raises(DataError, match=r"^row 50, column 'image': expected an image"):
            clf.predict(data)
