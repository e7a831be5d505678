"""Hugging Face datasets that stay on disk, and streams, give what the same rows in memory do."""

import gc
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage

from mmgraph import (
    ArrowTable,
    DataError,
    Image,
    MissingPackageError,
    ParquetTable,
    Tabular,
    Text,
    arrow,
    tables,
)
from mmgraph.cells import read_cells

datasets = pytest.importorskip("datasets")
if not hasattr(datasets, "Dataset"):  # the folder of this name, not the package
    pytest.skip("Hugging Face's datasets is not installed", allow_module_level=True)

ROWS = 60
MODALITIES = [Text("text", features=None), Tabular(["number"])]


def make_columns():
    random = np.random.default_rng(0)
    label = ["cat" if row % 3 else "dog" for row in range(ROWS)]
    words = {"cat": ["meow", "purr", "paw"], "dog": ["bark", "woof", "paw"]}
    text = [" ".join(random.choice(words[name], 1 + row % 5)) for row, name in enumerate(label)]
    text[4] = None
    number = [None if row % 10 == 7 else row for row in range(ROWS)]
    return {"text": text, "number": number, "label": label, "group": [r // 3 for r in range(ROWS)]}


@pytest.fixture
def dataset():
    return datasets.Dataset.from_dict(make_columns())


@pytest.fixture
def pictures(tmp_path):
    """A dataset with images as files and as bytes, of which one is missing."""
    paths = []
    for number in range(6):
        pixels = np.full((5, 4, 3), 40 * number, np.uint8)
        PILImage.fromarray(pixels).save(tmp_path / f"{number}.png")
        paths.append(str(tmp_path / f"{number}.png"))
    cells = [*paths[:3], None, *({"bytes": Path(path).read_bytes()} for path in paths[4:])]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    rows = {"image": cells, "label": [0, 1, 0, 1, 0, 1]}
    return datasets.Dataset.from_dict(rows, features=features)


def assert_same_cells(frame, other, columns):
    for column in columns:
        assert read_cells(frame, [column]) == read_cells(other, [column])


def test_rows_in_any_order(dataset):
    table, frame = ArrowTable(dataset), pd.DataFrame(make_columns(), dtype=object)
    rows = np.array([7, 3, 3, 59, 0])
    taken = table.take(rows)
    assert taken.index.tolist() == rows.tolist()
    assert_same_cells(taken, frame.iloc[rows], table.columns)
    joined = pd.concat(table.parts(25))
    assert joined.index.tolist() == list(range(ROWS))
    assert_same_cells(joined, frame, table.columns)
    assert_same_cells(table.frame(), frame, table.columns)
    assert table.head(2)["label"].tolist() == ["dog", "cat"]


def test_columns(dataset):
    table = ArrowTable(dataset)
    assert table["label"].tolist() == make_columns()["label"]
    assert table.drop(columns=["label", "group"]).columns == ["text", "number"]
    assert table.select(["group", "nothing"]).columns == ["group"]
    with pytest.raises(DataError, match=r"there is no column 'nope'; there are \['text'"):
        table["nope"]


def test_chosen_rows_and_formats_of_the_dataset_are_kept(dataset):
    chosen = dataset.select([5, 9]).with_format("numpy")
    assert ArrowTable(chosen)["group"].tolist() == [1, 3]


def test_images_are_decoded_for_each_batch(pictures):
    table = ArrowTable(pictures)
    taken = table.take(np.array([1, 3, 5]))["image"].tolist()
    assert taken[1] is None
    assert [np.asarray(image).max() for image in (taken[0], taken[2])] == [40, 200]
    assert table.nbytes > 6 * 2**19


def test_saved_folders(dataset, tmp_path, make_classifier):
    dataset.save_to_disk(tmp_path / "rows")
    table = ArrowTable(tmp_path / "rows")
    assert len(pickle.loads(pickle.dumps(table))) == len(table) == ROWS
    assert_same_cells(tables.open_table(tmp_path / "rows"), dataset.to_pandas(), ["text", "label"])
    datasets.DatasetDict({"train": dataset}).save_to_disk(tmp_path / "all")
    with pytest.raises(DataError, match=r"expected one dataset, got \['train'\]; name one"):
        tables.open_table(tmp_path / "all")
    (tmp_path / "rows" / "state.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read by datasets"):
        ArrowTable(tmp_path / "rows")


def test_a_folder_called_datasets_is_not_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", type(pytest)("datasets"))
    with pytest.raises(MissingPackageError, match="pip install datasets"):
        ArrowTable(tmp_path)


def test_which_datasets_stay_on_disk(dataset, pictures, monkeypatch):
    assert isinstance(tables.open_table(dataset), pd.DataFrame)
    assert isinstance(tables.open_table(ArrowTable(dataset)), ArrowTable)
    monkeypatch.setattr(tables, "IN_MEMORY_BYTES", 2**20)
    assert isinstance(tables.open_table(dataset), pd.DataFrame)
    assert isinstance(tables.open_table(pictures), ArrowTable)


def test_fits_and_predicts_as_in_memory(dataset, make_classifier, monkeypatch):
    options = {"epochs": 2, "batch_size": 16, "random_state": 1, "validation": 0.2}
    memory = make_classifier(MODALITIES, **options).fit(dataset, "label", groups="group")
    monkeypatch.setattr(tables, "IN_MEMORY_ROWS", 20)
    for data in (dataset, dataset.to_iterable_dataset()):
        disk = make_classifier(MODALITIES, **options).fit(data, "label", groups="group")
        assert disk.facts_["rows_with"] == memory.facts_["rows_with"]
        assert disk.facts_["held_out_rows"] == memory.facts_["held_out_rows"]
        expected = disk.predict_proba(dataset.to_pandas())
        np.testing.assert_array_equal(disk.predict_proba(data), expected)
        assert disk.score(data, "label") == disk.score(dataset, "label")


def test_streams_are_written_to_disk_and_deleted(dataset, monkeypatch):
    monkeypatch.setattr(arrow, "_PART", 25)
    table = arrow.spill(dataset.to_iterable_dataset())
    folder = table.path
    assert isinstance(table, ParquetTable)
    assert len(list(folder.iterdir())) == 3
    assert_same_cells(table.frame(), pd.DataFrame(make_columns(), dtype=object), table.columns)
    left = table.drop(columns=["label"])
    del table
    gc.collect()
    assert left.take(np.array([59]))["group"].tolist() == [19]
    del left
    gc.collect()
    assert not folder.exists()


def test_streams_keep_images_as_they_are_encoded(pictures, make_classifier):
    known = arrow.spill(pictures.to_iterable_dataset())
    assert known.take(np.array([4]))["image"][4]["bytes"][:4] == b"\x89PNG"

    def rows():
        yield from ({"image": image, "label": label} for image, label in zip(*columns, strict=True))

    columns = pictures["image"], pictures["label"]
    unknown = arrow.spill(datasets.IterableDataset.from_generator(rows))
    image = Image("image", backbone=None, size=8)
    pixels = [
        [items[0]["pixels"].sum() if items else None for items in image.transform(cells)]
        for cells in (read_cells(table.frame(), ["image"]) for table in (known, unknown))
    ]
    assert pixels[0] == pixels[1]
    assert pixels[0][3] is None


def test_streams_that_cannot_be_written():
    empty = datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset().take(0)
    with pytest.raises(DataError, match="got an empty stream"):
        tables.read_frame(empty)

    def mixed():
        yield from ({"a": "text"}, {"a": 5})

    with pytest.raises(DataError, match="rows from 0 on: cannot be written as Parquet"):
        arrow.spill(datasets.IterableDataset.from_generator(mixed))
