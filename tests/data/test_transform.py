import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import Audio, DataError, Image, MissingPackageError, Text
from mmgraph.data.batch import Batch
from mmgraph.data.cells import read_cells
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.sampling import BucketSampler
from mmgraph.data.transform import fit_modality, row_error, transform
from mmgraph.errors import CellError
from mmgraph.tables.missing import is_missing
from mmgraph.tables.opening import read_frame


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), pd.NaT, pd.NA, "", "  \n", [], (), b"", np.array([]), Decimal("sNaN")],
)
def test_missing_values(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, False, "a", [None], b"x", np.zeros(2), np.float32(1)])
def test_values_that_are_there(value):
    assert not is_missing(value)


def test_cells_flatten_lists_and_columns():
    frame = pd.DataFrame({"a": [["x", None], "y", None], "b": ["z", "", "w"]}, index=[5, 5, 6])
    assert read_cells(frame, ["a", "b"]) == [["x", "z"], ["y"], ["w"]]
    with pytest.raises(DataError, match=r"'c'.*\['a', 'b'\]"):
        read_cells(frame, ["a", "c"])


def test_cells_by_column_and_with_whole_lists():
    vector, table = [0.5, 1.0], ((1, 2), (3, 4))
    frame = pd.DataFrame({"a": [vector, None, [vector, vector]], "b": [3, table, "file.npy"]})
    frame["b"] = frame["b"].astype(object)
    assert read_cells(frame, ["a"], takes_lists=True) == [[vector], [], [[vector, vector]]]
    assert read_cells(frame, ["b"], takes_lists=True) == [[3], [table], ["file.npy"]]
    assert read_cells(frame[["b"]], ["b"], by_column=True)[2] == [("b", "file.npy")]
    nested = pd.DataFrame({"a": [np.array([np.zeros(2), np.ones(2), None], dtype=object)[:2]]})
    assert len(read_cells(nested, ["a"], takes_lists=True)[0]) == 1
    files = pd.DataFrame({"a": [["x.npy", "y.npy"]]})
    assert read_cells(files, ["a"], takes_lists=True) == [["x.npy", "y.npy"]]
    arrays = pd.DataFrame({"a": [[np.zeros(2), np.ones(2)]]})
    assert len(read_cells(arrays, ["a"], takes_lists=True)[0]) == 2


def test_a_signal_with_its_rate_is_one_value():
    signal = np.zeros(8)
    frame = pd.DataFrame({"a": [(signal, 8000), [(signal, 8000), (signal, 16000)]]})
    one, two = read_cells(frame, ["a"])
    assert [rate for _, rate in one] == [8000]
    assert [rate for _, rate in two] == [8000, 16000]
    assert len(read_cells(pd.DataFrame({"a": [(signal, signal)]}), ["a"])[0]) == 2


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda f, p: f.to_csv(p, index=False)),
        ("t.tsv", lambda f, p: f.to_csv(p, index=False, sep="\t")),
        ("t.jsonl", lambda f, p: f.to_json(p, orient="records", lines=True)),
    ],
)
def test_files(tmp_path, name, write):
    frame = pd.DataFrame({"text": ["a", "b"], "label": [1, 0]})
    write(frame, tmp_path / name)
    assert read_frame(tmp_path / name).to_dict() == frame.to_dict()
    assert read_frame(str(tmp_path / name)).to_dict() == frame.to_dict()


class LikeHuggingFace:
    column_names = ("text",)

    def to_pandas(self):
        raise AssertionError("would not decode images")

    def __getitem__(self, name):
        return ["a", "b"]


def test_other_tables():
    assert read_frame(LikeHuggingFace())["text"].tolist() == ["a", "b"]
    assert read_frame({"text": ["a"]})["text"].tolist() == ["a"]


def test_unusable_tables(tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bad.jsonl").write_text("{nonsense")
    for source, message in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path / "table.xls", "expected a table ending in .csv"),
        (tmp_path / "empty.csv", "empty file"),
        (tmp_path / "bad.jsonl", "cannot be read as jsonl"),
        (pd.DataFrame({"a": []}), "at least one row"),
        (5, "got int"),
    ):
        with pytest.raises(DataError, match=message):
            read_frame(source)


def make_dataset(frame):
    modalities = [Image("image", backbone=None, size=32), Text("text", features=None)]
    cells = [m.fit(read_cells(frame, m.column_list)) for m in modalities]
    return SampleDataset(cells, transform(cells, frame), torch.arange(len(frame)))


def test_collate_and_batches(frame):
    frame.loc[1, "image"] = None
    dataset = make_dataset(frame)
    batch = dataset.collate([2, 1])
    assert batch.target.tolist() == [2, 1]
    assert batch.items["image"].sample.tolist() == [0]
    assert batch.items["text"].batch_size == 2
    moved = batch.to("cpu")
    assert isinstance(moved, Batch)
    assert torch.equal(moved.items["text"].data["ids"], batch.items["text"].data["ids"])
    sizes = [len(part.target) for part in dataset.batches(10)]
    assert sizes == [10, 10, 4]
    assert dataset.subset([3, 4]).target.tolist() == [3, 4]
    assert dataset.num_nodes[1] == len(dataset.items["text"][1][0]["ids"])


def test_augmentation_is_for_training_only(frame):
    dataset = make_dataset(frame)
    plain = dataset.subset([0]).collate([0]).items["image"].data["pixels"]
    again = dataset.subset([0]).collate([0]).items["image"].data["pixels"]
    assert torch.equal(plain, again)
    changed = dataset.subset([0], augment=True).collate([0]).items["image"].data["pixels"]
    assert not torch.equal(plain, changed)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 9), st.integers())
def test_bucket_sampler_gives_each_row_once(lengths, batch_size, seed):
    generator = torch.Generator().manual_seed(seed % 2**32)
    sampler = BucketSampler(np.array(lengths), batch_size, generator=generator)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


def test_tensors_are_not_missing():
    assert not is_missing(torch.zeros(2, 3))


def test_lists_from_parquet_are_lists():
    frame = pd.DataFrame({"a": [np.array(["x", None, "y"], dtype=object), np.array(["z"])]})
    assert read_cells(frame, ["a"]) == [["x", "y"], ["z"]]


def test_json_lines_keep_their_types(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "007", "date": "2020-01-01"}\n{"text": "08", "date": "x"}\n')
    assert read_frame(path).to_dict("list") == {"text": ["007", "08"], "date": ["2020-01-01", "x"]}


def test_parquet_without_its_package(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    with pytest.raises(MissingPackageError, match=r"mmgraph\[parquet\]"):
        read_frame(tmp_path / "t.parquet")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"text": [["a", "b"], ["c"]]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_cells(read_frame(tmp_path / "t.parquet"), ["text"]) == [["a", "b"], ["c"]]


def test_columns_of_several_lengths():
    with pytest.raises(DataError, match="one list for each column"):
        read_frame({"text": ["a"], "label": [1, 2]})


@pytest.mark.parametrize(
    ("index", "row"),
    [
        (range(3), "row 1,"),
        ([7, 9, 9], r"row 9 \(position 1\),"),
        (["a", "b", "c"], r"row 'b' \(position 1\),"),
        (pd.MultiIndex.from_tuples([(0, 1), (0, 2), (1, 1)]), r"row \(.*\) \(position 1\),"),
    ],
)
def test_errors_of_cells_name_row_and_column(index, row):
    frame = pd.DataFrame({"a": ["x", b"y", "z"], "b": "w"}, index=index)
    with pytest.raises(DataError, match=f"^{row} column 'a', 'b': expected text, got bytes b'y'"):
        fit_modality(Text(["a", "b"], features=None), frame, seed=0)


def test_errors_without_a_row_name_the_column():
    error = row_error(pd.DataFrame(), Text("a"), CellError("expected words"))
    assert str(error) == "column 'a': expected words"


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=30),
    st.floats(0.01, 1),
    st.integers(0, 100),
)
def test_modality_dropout_always_leaves_something(present, rate, seed):
    modalities = [Text(name, features=None).fit([["a b"]]) for name in "xyz"]
    item = modalities[0].transform([["a b"]])[0]
    items = {
        name: [list(item) if row[number] else [] for row in present]
        for number, name in enumerate("xyz")
    }
    dataset = SampleDataset(modalities, items, modality_dropout=rate)
    torch.manual_seed(seed)
    batch = dataset.collate(range(len(present)))
    left = torch.stack([batch.items[name].nodes_per_sample > 0 for name in "xyz"], dim=1)
    had = torch.tensor(present)
    assert not (left & ~had).any()
    assert torch.equal(left.any(1), had.any(1))
    plain = dataset.subset(range(len(present))).collate(range(len(present)))
    shown = torch.stack([plain.items[name].nodes_per_sample > 0 for name in "xyz"], dim=1)
    assert torch.equal(shown, had)


def test_modality_dropout_hides_at_its_rate():
    modalities = [Text(name, features=None).fit([["a b"]]) for name in "xyz"]
    item = modalities[0].transform([["a b"]])[0]
    items = {name: [list(item)] * 4000 for name in "xyz"}
    torch.manual_seed(0)
    batch = SampleDataset(modalities, items, modality_dropout=0.3).collate(range(4000))
    hidden = [float((batch.items[name].nodes_per_sample == 0).float().mean()) for name in "xyz"]
    # Hidden by chance, but for the third of rows where all three are: one of them stays.
    np.testing.assert_allclose(hidden, 0.3 - 0.3**3 / 3, atol=0.025)


@pytest.mark.parametrize("kind", [Image, Audio])
def test_what_is_none_of_the_choices_is_refused(kind):
    modality = kind()
    object.__setattr__(modality, "unreadable", "skip")  # types are checked in tests only
    frame = pd.DataFrame({modality.columns: [None]})
    with pytest.raises(ValueError, match="unreadable to be one of 'raise', 'missing', got 'skip'"):
        fit_modality(modality, frame, seed=0)
