"""Parquet files that stay on disk give what the same rows in memory do."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import DataError, MissingPackageError, ParquetTable, Tabular, Text
from mmgraph.data import survey as survey_module
from mmgraph.data.cells import read_cells
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.disk_dataset import DiskDataset
from mmgraph.data.sampling import BucketSampler
from mmgraph.data.survey import fit_on_sample
from mmgraph.data.transform import transform
from mmgraph.tables import opening

parquet = pytest.importorskip("pyarrow.parquet")

MODALITIES = [Text("text", features=None), Tabular(["number"])]


def make_frame(rows=90):
    random = np.random.default_rng(0)
    label = np.where(random.random(rows) < 0.5, "cat", "dog")
    words = {"cat": ["meow", "purr", "paw"], "dog": ["bark", "woof", "paw"]}
    text = [" ".join(random.choice(words[name], 1 + row % 7)) for row, name in enumerate(label)]
    text[4], text[70] = None, ""
    # Whole numbers, of which the second file lacks some.
    number = [None if 40 < row < 50 else row % 5 for row in range(rows)]
    frame = pd.DataFrame({"text": text, "label": label, "group": np.arange(rows) // 3})
    return frame.assign(number=pd.Series(number, dtype="Int64"))


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def folder(frame, tmp_path_factory):
    """Return a folder of two files, in row groups of 7."""
    folder = tmp_path_factory.mktemp("shards")
    (folder / "below").mkdir()
    frame[:38].to_parquet(folder / "a.parquet", row_group_size=7)
    frame[38:].to_parquet(folder / "below" / "b.parquet", row_group_size=7)
    return folder


def test_rows_in_any_order(folder, frame):
    table = ParquetTable(folder)
    assert (len(table), table.columns) == (90, ["text", "label", "group", "number"])
    rows = np.random.default_rng(1).permutation(90)[:60]
    taken = table.take(rows)
    assert taken.index.tolist() == rows.tolist()
    for column in ("text", "label", "group", "number"):
        cells = read_cells(frame, [column])
        assert read_cells(taken, [column]) == [cells[row] for row in rows]
    assert table.take(np.array([5, 5, 2]))["group"].tolist() == [1, 1, 0]
    joined = pd.concat(table.parts(20))
    assert joined.index.tolist() == list(range(90))
    assert read_cells(joined, ["number"]) == read_cells(frame, ["number"])
    assert read_cells(opening.read_frame(folder), ["text"]) == read_cells(frame, ["text"])


def test_columns(folder, frame):
    table = ParquetTable(folder)
    assert table["label"].tolist() == frame["label"].tolist()
    assert table[["group", "label"]].columns.tolist() == ["group", "label"]
    left = table.drop(columns=["label"])
    assert left.columns == left.take(np.arange(3)).columns.tolist() == ["text", "group", "number"]
    assert table.drop("nothing", errors="ignore").columns == table.columns
    with pytest.raises(DataError, match=r"there is no column 'nope'; there are \['text'"):
        _ = ParquetTable(folder, ["nope"]).columns


def test_few_row_groups_are_kept(folder):
    table = ParquetTable(folder)
    for row in range(90):
        table.take(np.array([row]))
    assert len(table._kept) == 2
    assert table.groups_at_once == 8


def test_unusable_files(folder, tmp_path, monkeypatch):
    for path, message in ((tmp_path, "there is none"), (tmp_path / "x.parquet", "no such file")):
        with pytest.raises(DataError, match=message):
            len(ParquetTable(path))
    (tmp_path / "a.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as parquet"):
        opening.open_table(tmp_path)
    (tmp_path / "a.parquet").write_bytes((folder / "a.parquet").read_bytes())
    pd.DataFrame({"text": ["a"]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: expected the columns of a\.parquet"):
        len(ParquetTable(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"mmgraph\[parquet\]"):
        len(ParquetTable(folder))


def test_damaged_rows(folder, tmp_path):
    spoilt = bytearray((folder / "a.parquet").read_bytes())
    spoilt[4:200] = bytes(196)
    (tmp_path / "a.parquet").write_bytes(spoilt)
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as parquet"):
        ParquetTable(tmp_path).take(np.arange(3))


def test_which_tables_stay_on_disk(folder, monkeypatch):
    assert isinstance(opening.open_table(folder), pd.DataFrame)
    assert isinstance(opening.open_table(ParquetTable(folder)), ParquetTable)
    monkeypatch.setattr(opening, "IN_MEMORY_ROWS", 50)
    assert isinstance(opening.open_table(folder), ParquetTable)
    assert isinstance(opening.open_table(str(folder / "a.parquet")), pd.DataFrame)
    monkeypatch.setattr(opening, "IN_MEMORY_BYTES", 10)
    assert isinstance(opening.open_table(str(folder / "a.parquet")), ParquetTable)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    *(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**31)),
)
def test_row_groups_are_mixed_and_every_row_comes_once(sizes, batch_size, at_once, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    generator = torch.Generator().manual_seed(seed)
    length = np.arange(len(groups)) % 7
    sampler = BucketSampler(
        length, batch_size, generator=generator, groups=groups, groups_at_once=at_once
    )
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(len(groups)))
    assert {len(batch) for batch in batches[:-1]} <= {batch_size, len(groups) % batch_size}
    # Nothing but the groups of the moment, and those before of which rows were left over.
    kept = [set(groups[batch].tolist()) for batch in batches]
    spans = -(-batch_size // min(sizes)) + 1
    assert all(len(found) <= (spans + 1) * at_once for found in kept)


def test_batches_are_those_of_the_rows_in_memory(folder, frame):
    table = ParquetTable(folder).drop(columns=["label"])
    fitted, survey = fit_on_sample(MODALITIES, table, seed=0)
    assert survey.rows_with == {"text": 88, "tabular": 81}
    assert not survey.several
    target = torch.arange(90)
    memory = SampleDataset(fitted, transform(fitted, frame), target)
    stream = DiskDataset(fitted, table, np.arange(90), survey.length, target)
    assert len(stream) == 90
    some, same = (each.subset(np.arange(10, 80, 2)) for each in (stream, memory))
    pairs = zip(some.batches(8), same.batches(8), strict=True)
    for ours, theirs in pairs:
        assert ours.target.tolist() == theirs.target.tolist()
        assert list(ours.names) == list(theirs.names)
        for name, items in theirs.items.items():
            for key, value in items.data.items():
                assert torch.equal(ours.items[name].data[key], value)
    seen = torch.cat([batch.target for batch in stream.loader(8, shuffle=True)])
    assert seen.sort().values.tolist() == list(range(90))
    # Longer texts are with longer ones.
    widest = [batch.items["text"].length for batch in stream.loader(8, shuffle=True)]
    spread = torch.stack([length.float().std() for length in widest[:-1]]).mean()
    assert spread < memory.collate(range(90)).items["text"].length.float().std() / 1.5


def test_fits_and_predicts_as_in_memory(folder, frame, make_classifier, monkeypatch):
    options = {"epochs": 2, "batch_size": 16, "random_state": 1, "validation": 0.2}
    memory = make_classifier(MODALITIES, **options).fit(frame, "label", groups="group")
    monkeypatch.setattr(opening, "IN_MEMORY_ROWS", 50)
    stream = make_classifier(MODALITIES, **options).fit(folder, "label", groups="group")
    assert stream.facts_["rows_with"] == memory.facts_["rows_with"]
    assert stream.facts_["held_out_rows"] == memory.facts_["held_out_rows"]
    weight, same = (each.model_.linear.weight for each in (stream, memory))
    torch.testing.assert_close(weight, same)
    # Votes are sums whose order depends on the rows that are asked for together.
    both = (stream.predict_proba(rows) for rows in (folder, frame))
    np.testing.assert_allclose(*both, rtol=0, atol=1e-6)
    assert stream.score(folder, "label") == stream.score(frame, "label")
    assert len(stream.count_items(folder)) == 90


def test_modalities_are_inferred_and_fitted_on_a_sample(folder, make_classifier, monkeypatch):
    monkeypatch.setattr(survey_module, "FITTING_ROWS", 25)
    monkeypatch.setattr(DiskDataset, "linear_rows", 25)
    clf = make_classifier(None).set_params(modalities=None)
    clf.fit(ParquetTable(folder), "label", groups="group")
    assert [each.node_type for each in clf.modalities_] == ["text", "tabular"]
    assert clf.facts_["rows"] == 90


def test_errors_name_the_row_of_the_table(folder, tmp_path, make_classifier):
    pd.DataFrame({"text": ["a b"] * 20, "label": [0, 1] * 10}).to_parquet(tmp_path / "a.parquet")
    broken = pd.DataFrame({"text": [b"a"] * 20, "label": [0, 1] * 10})
    (tmp_path / "b").mkdir()
    broken.to_parquet(tmp_path / "b" / "b.parquet")
    with pytest.raises(DataError, match=r"^row 0, column 'text': expected text, got bytes"):
        make_classifier([MODALITIES[0]]).fit(ParquetTable(tmp_path / "b"), "label")
    with pytest.raises(DataError, match=re.escape("got a table with the columns ['text']")):
        make_classifier([Text("nope")]).fit(ParquetTable(tmp_path / "b"), "label")


def test_images_as_hugging_face_writes_them():
    cell = {"bytes": b"x", "path": "a.png"}
    frame = pd.DataFrame({"image": [cell, {"bytes": None, "path": "b.png"}]})
    assert read_cells(frame, ["image"]) == [[b"x"], ["b.png"]]
