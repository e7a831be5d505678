"""Tables in parts are the whole tables."""

import csv

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph import DataError
from mmgraph.tables.missing import is_missing
from mmgraph.tables.opening import read_frame
from mmgraph.tables.table_file import TableFile

CELLS = (
    st.integers(-(10**12), 10**12).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.sampled_from(["True", "False"]),
    st.sampled_from(["a", "b c", "x,y", 'he said "so"', "007", "1.50", "two\nlines"]),
    st.just(""),
)


@st.composite
def tables(draw):
    """Cells of a table whose columns hold one kind of value, or several."""
    rows = draw(st.integers(1, 12))
    columns = []
    for _ in range(2):
        kinds = draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3))
        columns.append(draw(st.lists(st.one_of(kinds), min_size=rows, max_size=rows)))
    return list(zip(*columns, strict=True))


def same(one, other):
    return (is_missing(one) and is_missing(other)) or (one == other and str(one) == str(other))


@settings(max_examples=60)
@given(rows=tables(), size=st.integers(1, 5))
def test_parts_of_csv_files_are_the_whole(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *rows])
    whole, table = read_frame(path), TableFile(path)
    parts = list(table.parts(size))
    assert max(map(len, parts)) <= size
    assert table.count_rows() == len(whole) == len(rows)
    assert [row for part in parts for row in part.index] == list(range(len(rows)))
    for name in whole:
        cells = [value for part in parts for value in part[name].tolist()]
        pairs = zip(cells, whole[name].tolist(), strict=True)
        assert all(same(one, other) for one, other in pairs), (cells, whole[name].tolist())


def test_first_look_goes_beyond_its_first_part(tmp_path, monkeypatch):
    monkeypatch.setattr("mmgraph.tables.table_file.LOOK_ROWS", 2)
    path = tmp_path / "t.csv"
    path.write_text("code,size\n1,1\n02,2\n3,\nx4,4\n")
    parts = list(TableFile(path).parts(2))
    assert [code for part in parts for code in part["code"]] == ["1", "02", "3", "x4"]
    assert {str(part["size"].dtype) for part in parts} == {"float64"}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_files_in_parts(tmp_path, suffix):
    frame = pd.DataFrame({"text": ["007", "a", "b", None, "d"], "size": [1, 2, 3, 4, 5]})
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
        path.write_text(path.read_text() + "\n")
    table = TableFile(path)
    parts = list(table.parts(2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert table.count_rows() == 5
    together = pd.concat(parts)
    assert together["size"].tolist() == [1, 2, 3, 4, 5]
    assert together["text"].tolist()[:3] == ["007", "a", "b"]
    assert together.index.tolist() == list(range(5))


def test_damaged_files(tmp_path):
    cut = tmp_path / "t.jsonl"
    cut.write_text('{"a": 1}\n{"a": 2}\n{"a"\n')
    with pytest.raises(DataError, match=r"t\.jsonl: cannot be read as jsonl"):
        list(TableFile(cut).parts(1))
    ragged = tmp_path / "t.csv"
    ragged.write_text("a,b\n1,2\n1,2,3,4\n")
    for read in (TableFile(ragged).read, TableFile(ragged).count_rows):
        with pytest.raises(DataError, match=r"t\.csv: cannot be read as csv"):
            read()
    with pytest.raises(DataError, match="no such file"):
        TableFile(tmp_path / "none.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n")
    with pytest.raises(DataError, match="at least one row"):
        list(TableFile(empty).parts(3))
