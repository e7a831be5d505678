import numpy as np
import pandas as pd
import pytest

from mmgraph import DataError
from mmgraph.data.targets import encode_classes, encode_groups, encode_labels, encode_numbers


@pytest.mark.parametrize(
    ("labels", "classes", "codes"),
    [
        (["b", "a", "b"], ["a", "b"], [1, 0, 1]),
        (pd.Series(["b", "a"], dtype="category"), ["a", "b"], [1, 0]),
        (np.array([3, 1]), [1, 3], [1, 0]),
        ([True, False], [False, True], [1, 0]),
        ([1.0, 2.0], [1, 2], [0, 1]),
    ],
)
def test_classes_are_sorted(labels, classes, codes):
    found, target = encode_classes(labels, range(len(labels)))
    assert found.tolist() == classes
    assert target.tolist() == codes


def test_missing_labels_name_their_rows():
    with pytest.raises(DataError, match=r"row 'b', 'c': expected a label.*2 of 3 rows"):
        encode_classes(["x", None, float("nan")], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], "two classes"),
        (["a", 1], "type"),
        ([0.5, 1.5], "fraction.*row 0"),
        (pd.DataFrame({"a": [1, 2]}), "one label for each row"),
    ],
)
def test_unusable_labels(labels, message):
    with pytest.raises(DataError, match=message):
        encode_classes(labels, range(len(labels)))


@pytest.mark.parametrize(
    "labels", [[True, 2], [("a", 1), ("b", 2)], pd.to_datetime(["2020-01-01", "2020-01-02"])]
)
def test_labels_of_other_types_say_what_to_do(labels):
    with pytest.raises(DataError, match=r"use \.astype\(str\)"):
        encode_classes(labels, range(2))


def test_rows_are_named_as_the_table_shows_them():
    with pytest.raises(DataError, match=r"^row 105: "):
        encode_classes(["a", None], pd.Index([17, 105]))


@pytest.mark.parametrize(
    "groups", [["b", "a", "b"], np.array([7, 3, 7]), pd.Series([2.5, 1, 2.5]), ["x", 4, "x"]]
)
def test_groups_are_numbered(groups):
    assert encode_groups(groups, range(3)).tolist() == [1, 0, 1]


def test_missing_groups_name_their_rows():
    with pytest.raises(DataError, match=r"row 1: expected a group, got a missing value \(1 of 2"):
        encode_groups(["a", None], range(2))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([[1.0, 2.0], [3.0]], "rows of several lengths"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        ([[], []], r"shape \(2, 0\)"),
        ([10**400, 1], "expected numbers, got int"),
        ([1j, 2.0], "expected numbers, got complex"),
    ],
)
def test_unusable_numbers(numbers, message):
    with pytest.raises(DataError, match=message):
        encode_numbers(numbers, range(2))


def test_groups_that_cannot_be_compared():
    with pytest.raises(DataError, match=r"got list; use \.astype\(str\)"):
        encode_groups([[1], [2]], range(2))


@pytest.mark.parametrize("labels", [[[[1]], [2]], [["a", 1], []], [["a"], np.array(5)]])
def test_sets_of_unusable_labels(labels):
    with pytest.raises(DataError, match=r"use \.astype\(str\)|a set or list of labels"):
        encode_labels(labels, range(2))
