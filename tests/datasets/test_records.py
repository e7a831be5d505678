"""Rows of files: values are of the type that is asked for, or an error names row and key."""

import pytest

from mmgraph.datasets import Record
from mmgraph.errors import DataError

ROW = Record(
    "rows.jsonl, line 3",
    {"price": "1.5", "rooms": 3, "none": None, "yes": True, "word": "many", "nan": "nan", "": ""}
    | {"huge": 10**400},
)


def test_numbers():
    assert ROW.number("price") == 1.5
    rooms = ROW.number("absent", "rooms")
    assert rooms == 3
    assert type(rooms) is float  # which labels of a regression have to be


@pytest.mark.parametrize("key", ["none", "yes", "word", "nan", "", "huge"])
def test_what_is_no_number(key):
    with pytest.raises(DataError, match=f"line 3: expected a finite number as '{key}', got"):
        ROW.number(key)


@pytest.mark.parametrize("method", ["text", "texts", "identity", "number"])
def test_what_is_absent_or_null(method):
    with pytest.raises(DataError, match="line 3: expected the key 'absent', got"):
        getattr(ROW, method)("absent")
    with pytest.raises(DataError, match=r"line 3: expected .* as 'none', got None"):
        getattr(ROW, method)("none")
