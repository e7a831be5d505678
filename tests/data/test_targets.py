import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.exceptions import DataConversionWarning

from mmgraph import DataError
from mmgraph.data.numbers import encode_numbers
from mmgraph.data.targets import (
    class_weights,
    encode_classes,
    encode_groups,
    encode_labels,
    is_multilabel,
    match_classes,
    one_column,
)
from mmgraph.tables.values import read_values


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


NUMBERS = [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "numbers",
    [
        NUMBERS,
        tuple(NUMBERS),
        np.array(NUMBERS),
        np.array(NUMBERS, dtype=object),
        np.array(NUMBERS, dtype=np.float16),
        np.array([3, 1, 2], dtype=np.uint8),
        np.array(NUMBERS)[:, None],
        pd.Series(NUMBERS, index=[7, 8, 9]),
        pd.Series([3, 1, 2], dtype="Int64"),
        pd.DataFrame({"a": NUMBERS}),
        [Decimal("3"), Decimal("1"), Decimal("2")],
        torch.tensor(NUMBERS, requires_grad=True),
    ],
    ids=lambda numbers: type(numbers).__name__,
)
def test_numbers_in_every_form(numbers):
    found = encode_numbers(read_values(numbers, "y"), range(3))
    assert found.dtype == torch.float64
    assert found.tolist() == [[3], [1], [2]]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (pd.Series([1, None], dtype="Int64"), "row 1: expected a number to predict, got a missing"),
        ([1.0, None], "row 1: expected a number to predict, got a missing"),
        ([1.0, float("inf")], "row 1: .*infinite"),
        ([1.0, 1e39], "row 1: .*at most 1e.37.*divide"),
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), "convert them"),
        (pd.to_timedelta(["1D", "2D"]), "convert them"),
        ([2**62, 2**62 + 1], f"subtract {2**62}"),
        (["cheap", "dear"], "got str"),
    ],
)
def test_numbers_that_cannot_be_predicted(numbers, message):
    with pytest.raises(DataError, match=message):
        encode_numbers(numbers, range(2))


LABELS = ["b", "a", "b"]


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        tuple(LABELS),
        np.array(LABELS),
        np.array(LABELS, dtype=object),
        pd.Series(LABELS, index=[7, 8, 9]),
        pd.Series(LABELS, dtype="string"),
        pd.Categorical(LABELS),
        pd.Index(LABELS),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_labels_in_every_form(labels):
    classes, codes = encode_classes(read_values(labels, "y"), range(3))
    assert classes.tolist() == ["a", "b"]
    assert codes.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "truths",
    [
        [True, False],
        np.array([True, False]),
        pd.Series([True, False], dtype="boolean"),
        pd.Series([True, False], dtype=object),
        pd.Series([True, False], dtype="category"),
        torch.tensor([True, False]),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_truth_values_stay_truth_values(truths):
    classes, codes = encode_classes(read_values(truths, "y"), range(2))
    assert classes.dtype == bool
    assert codes.tolist() == [1, 0]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"label": [1, 0, 1]}),
        pd.DataFrame({"label": [True, False, True]}),
        np.array([[1], [0], [1]]),
        [[1], [0], [1]],
        ([1], [0], [1]),
        torch.tensor([[1], [0], [1]]),
        csr_array([[1], [0], [1]]),
    ],
    ids=lambda table: type(table).__name__,
)
def test_a_table_of_one_column_is_one_label_a_row(table):
    values = read_values(table, "y")
    with pytest.warns(DataConversionWarning, match="one column"):
        column = one_column(values)
    assert not is_multilabel(column)
    classes, codes = encode_classes(column, range(3))
    assert classes.tolist() == [0, 1]
    assert codes.tolist() == [1, 0, 1]


@pytest.mark.parametrize("labels", [[{"a"}, {"b"}], [["a"], ["b", "c"]], pd.Series([["a"], ["b"]])])
def test_sets_are_no_column(labels):
    assert is_multilabel(one_column(labels))


@pytest.mark.parametrize(
    "values", [{"a", "b"}, {"row": "a", "other": "b"}, frozenset({1, 2}), {1: 2}.keys()]
)
def test_values_without_an_order(values):
    with pytest.raises(DataError, match="y: expected values in the order of the rows"):
        read_values(values, "y")


LABEL = st.one_of(st.text(), st.integers(), st.booleans(), st.text(st.characters(codec=None)))


@given(st.lists(LABEL, min_size=2, max_size=6))
def test_labels_that_differ_never_become_one(labels):
    """Either every label keeps a class of its own and its type, or all are refused."""
    try:
        classes, codes = encode_classes(labels, range(len(labels)))
    except DataError:
        return
    again = np.array(json.loads(json.dumps(classes.tolist(), ensure_ascii=False).encode()))
    for found in (classes, again):
        assert [found.tolist()[code] for code in codes] == labels
        assert {type(label) for label in found.tolist()} == {type(label) for label in labels}


@pytest.mark.parametrize(
    "labels", [["a", "a\0"], ["a", "\ud800"], [2**60, 2.0**60 + 2**10, 1.0], ["a\0b", "c"]]
)
def test_labels_that_would_be_lost(labels):
    with pytest.raises(DataError, match=r"^y: expected"):
        encode_classes(labels, range(len(labels)))


@pytest.mark.parametrize(
    ("labels", "places"), [(["b", "x"], [1, -1]), (pd.Series(["a", "a"]), [0, 0])]
)
def test_labels_among_known_classes(labels, places):
    assert match_classes(labels, np.array(["a", "b"]), range(2)).tolist() == places


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 1], "labels of the type"), (["a", None], "row 1: expected a label")],
)
def test_labels_that_no_class_can_be(labels, message):
    with pytest.raises(DataError, match=message):
        match_classes(labels, np.array(["a", "b"]), range(2))


@pytest.mark.parametrize(
    ("chosen", "weights"),
    [
        (None, [1, 1]),
        ("balanced", [1, 1]),
        ({"a": 2}, [2, 1]),
        ({"b": 0.5, "a": np.float32(3)}, [3, 0.5]),
        ({"a": 1, "b": 2, "not in this fold": 9}, [1, 2]),
    ],
)
def test_weights_of_classes(chosen, weights):
    assert class_weights(chosen, np.array(["a", "b"])) == weights


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("balance", 'expected "balanced", None or a dict'),
        ([1, 2], 'expected "balanced", None or a dict'),
        ({"A": 2}, r"expected labels among \['a', 'b'\], got 'A'"),
        ({"a": -1}, "positive number for 'a', got -1"),
        ({"a": float("nan")}, "positive number"),
        ({"a": "2"}, "positive number"),
    ],
)
def test_weights_that_are_none(chosen, message):
    with pytest.raises(DataError, match=message):
        class_weights(chosen, np.array(["a", "b"]))


def test_arrow_values():
    arrow = pytest.importorskip("pyarrow")
    for numbers in (
        arrow.array([3, 1]),
        arrow.chunked_array([[3], [1]]),
        arrow.table({"a": [3, 1]}),
        pd.Series([3, 1], dtype="int64[pyarrow]"),
    ):
        assert encode_numbers(read_values(numbers, "y"), range(2)).tolist() == [[3], [1]]
    for labels in (arrow.array(["b", "a"]), pd.Series(["b", "a"], dtype="string[pyarrow]")):
        assert encode_classes(read_values(labels, "y"), range(2))[0].tolist() == ["a", "b"]
    with pytest.warns(DataConversionWarning):
        column = one_column(read_values(arrow.table({"a": [True, False]}), "y"))
    assert encode_classes(column, range(2))[0].dtype == bool
