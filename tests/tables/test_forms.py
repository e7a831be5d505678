import numpy as np
import pandas as pd
import pytest

from mmgraph import DataError
from mmgraph.tables.opening import read_frame


@pytest.mark.parametrize(
    "rows",
    [
        {"text": ["red", "blue"], "n": [1, 2]},
        [{"text": "red", "n": 1}, {"text": "blue", "n": 2}],
        pd.DataFrame({"text": ["red", "blue"], "n": [1, 2]}),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_rows_in_every_form(rows):
    assert read_frame(rows).to_dict("list") == {"text": ["red", "blue"], "n": [1, 2]}


@pytest.mark.parametrize(
    "row", [{"text": "red", "n": [1, 2]}, pd.Series({"text": "red", "n": [1, 2]}, name=7)]
)
def test_one_row(row):
    assert read_frame(row).to_dict("records") == [{"text": "red", "n": [1, 2]}]


def test_a_named_series_is_a_column():
    assert read_frame(pd.Series(["red", "blue"], name="text")).columns.tolist() == ["text"]


def test_arrow():
    arrow = pytest.importorskip("pyarrow")
    frame = read_frame(arrow.table({"text": ["red", None], "n": [1, None]}))
    assert frame["text"].tolist()[0] == "red"
    assert frame["n"].tolist() == [1, None]


def test_polars():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"text": ["red", "blue"], "n": [1, 2]})
    for rows in (table, table.lazy()):
        assert read_frame(rows).to_dict("list") == {"text": ["red", "blue"], "n": [1, 2]}


@pytest.mark.parametrize("rows", [["red"], np.array([["red"]]), 7, None, [1, {"text": "red"}]])
def test_what_is_no_table_says_what_to_do(rows):
    with pytest.raises(DataError, match=r"pandas.DataFrame\(\{'text': texts\}\)"):
        read_frame(rows)
    with pytest.raises(DataError, match="lists of the same length"):
        read_frame({"text": ["red"], "n": [1, 2]})
