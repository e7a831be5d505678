"""Targets in the forms that NumPy, pandas, torch and SciPy have: used as there, or refused."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from mmgraph import DataError, MultimodalGraphClassifier, Text
from mmgraph.data.numbers import encode_numbers
from mmgraph.data.targets import indicator, match_classes
from mmgraph.metrics import evaluate_predictions
from mmgraph.tables.opening import take_columns

ROWS = 6
FRAME = pd.DataFrame({"text": ["a", "b"] * 3})
WORDS, WHOLE = ["r", "g"] * 3, [1, 0] * 3


def encode(values):
    _, truth = take_columns(FRAME, values, "y")
    clf = MultimodalGraphClassifier([Text("text", features=None)])
    target, _ = clf._encode(truth, FRAME.index)
    return clf.outputs_.classes.tolist(), clf.multilabel_, target.tolist()


def match(values, classes):
    """Return the places of targets among known classes, as `score`, `add` and `diagnose` do."""
    _, truth = take_columns(FRAME, values, "y")
    return match_classes(truth, np.array(classes), FRAME.index).tolist()


TEXTS = {
    "tuple": tuple(WORDS),
    "objects": np.array(WORDS, object),
    "texts of NumPy": list(np.array(WORDS)),
    "another index": pd.Series(WORDS, index=range(ROWS)[::-1]),
    "unused categories": pd.Categorical(WORDS, categories=["g", "r", "z"]),
    "strings of pandas": pd.Series(WORDS, dtype="string"),
    "values of a dict": dict(enumerate(WORDS)).values(),
    "an index": pd.Index(WORDS),
}


@pytest.mark.parametrize("form", TEXTS)
def test_texts(form):
    assert encode(TEXTS[form]) == (["g", "r"], False, WHOLE)
    assert match(TEXTS[form], ["g", "r", "z"]) == WHOLE
    assert evaluate_predictions(["accuracy"], TEXTS[form], WORDS) == {"accuracy": 1}


COLUMNS = {
    "lists": [[word] for word in WORDS],
    "tuples": tuple((word,) for word in WORDS),
    "arrays": [np.array([word]) for word in WORDS],
    "a column": np.array(WORDS)[:, None],
    "a frame": pd.DataFrame({"y": WORDS}, index=range(ROWS)[::-1]),
    "categories": pd.DataFrame({"y": WORDS}).astype("category"),
    "strings of pandas": pd.DataFrame({"y": WORDS}).astype("string"),
}


@pytest.mark.filterwarnings("ignore:y. got a table of one column")
@pytest.mark.parametrize("form", COLUMNS)
def test_one_column(form):
    assert encode(COLUMNS[form]) == (["g", "r"], False, WHOLE)
    assert match(COLUMNS[form], ["g", "r"]) == WHOLE
    assert evaluate_predictions(["accuracy"], COLUMNS[form], WORDS) == {"accuracy": 1}
    assert evaluate_predictions(["accuracy"], WORDS, COLUMNS[form]) == {"accuracy": 1}


def test_one_column_of_numbers():
    numbers = [[1.5], [2.0]] * 3
    _, truth = take_columns(FRAME, numbers, "y")
    assert encode_numbers(truth, FRAME.index).tolist() == numbers
    assert evaluate_predictions(["mae"], numbers, [1.5, 3.0] * 3) == {"mae": 0.5}
    assert evaluate_predictions(["mae"], [1.5, 3.0] * 3, np.array(numbers)) == {"mae": 0.5}


def test_values_that_can_be_read_once():
    assert encode(word for word in WORDS) == (["g", "r"], False, WHOLE)
    assert match((word for word in WORDS), ["g", "r"]) == WHOLE
    metrics = evaluate_predictions(["accuracy"], iter(WORDS), (word for word in WORDS))
    assert metrics == {"accuracy": 1}


@pytest.mark.parametrize("home", ["pyarrow", "polars", "datasets"])
def test_columns_of_other_software(home):
    software = pytest.importorskip(home)
    if home == "pyarrow":
        table, series = software.table({"y": WORDS}), software.chunked_array([WORDS[:2], WORDS[2:]])
        typed = pd.Series(WORDS, dtype=pd.ArrowDtype(software.string()))
        forms = [series, software.array(WORDS).dictionary_encode(), list(series), typed]
    elif home == "polars":
        table = software.DataFrame({"y": WORDS})
        forms = [table["y"], table["y"].cast(software.Categorical)]
        with pytest.warns(DataConversionWarning):
            assert encode(table.lazy()) == (["g", "r"], False, WHOLE)
    else:
        table = software.Dataset.from_dict({"y": WORDS})
        forms = [table["y"]]
    for form in forms:
        assert encode(form) == (["g", "r"], False, WHOLE)
        assert match(form, ["g", "r"]) == WHOLE
    with pytest.warns(DataConversionWarning):
        assert encode(table) == (["g", "r"], False, WHOLE)


@pytest.mark.parametrize("names", [["y"], ("y",), np.array(["y"]), pd.Index(["y"])], ids=repr)
def test_names_of_columns(names):
    frame, truth = take_columns(FRAME.assign(y=WORDS), names, "y")
    assert frame.columns.tolist() == ["text"]
    assert truth["y"].tolist() == WORDS


NUMBERS = {
    "nullable": (pd.Series(WHOLE, dtype="Int64"), [0, 1]),
    "nullable booleans": (pd.Series(WHOLE, dtype="boolean"), [False, True]),
    "floats": (np.array(WHOLE, np.float32), [0.0, 1.0]),
    "bytes of numbers": (np.array(WHOLE, np.uint8), [0, 1]),
    "negative": ([1, -1] * 3, [-1, 1]),
    "tensors": (list(torch.tensor(WHOLE)), [0, 1]),
    "arrays without an axis": ([np.array(each) for each in WHOLE], [0, 1]),
    "beyond floats": ([2**60 + 1, 2**60] * 3, [2**60, 2**60 + 1]),
    "beyond signed": (np.array([2**63 + 5, 2**63 + 1] * 3, np.uint64), [2**63 + 1, 2**63 + 5]),
    "nothing masked": (np.ma.array(WHOLE), [0, 1]),
    "tensor": (torch.tensor(WHOLE), [0, 1]),
    "tensor with gradients": (torch.tensor([1.0, 0.0] * 3, requires_grad=True), [0.0, 1.0]),
    "tensor of half the bits": (torch.tensor(WHOLE).bfloat16(), [0.0, 1.0]),
}


@pytest.mark.parametrize("form", NUMBERS)
def test_numbers(form):
    values, classes = NUMBERS[form]
    assert encode(values) == (classes, False, WHOLE)
    assert match(values, classes) == WHOLE


TABLE = np.array([[1, 0], [0, 1]] * 3)
SETS = {
    "sets": [{"a"}, {"b"}] * 3,
    "frozen": [frozenset("a"), frozenset("b")] * 3,
    "arrays": pd.Series([np.array(["a"]), np.array(["b"])] * 3),
    "frame": pd.DataFrame(TABLE, columns=["a", "b"]),
    "nullable frame": pd.DataFrame(TABLE, columns=["a", "b"]).astype("Int64"),
}


@pytest.mark.parametrize("form", SETS)
def test_sets(form):
    assert encode(SETS[form]) == (["a", "b"], True, TABLE.tolist())
    assert indicator(SETS[form], np.array(["a", "b"]), FRAME.index).tolist() == TABLE.tolist()


def test_columns_of_labels_go_by_their_names():
    known = np.array(["a", "b"])
    turned = pd.DataFrame(TABLE, columns=["a", "b"])[["b", "a"]]
    assert indicator(turned, known, FRAME.index).tolist() == TABLE.tolist()
    assert indicator(TABLE, known, FRAME.index).tolist() == TABLE.tolist()
    named = pd.DataFrame(TABLE, columns=["x", "y"])
    assert indicator(named, np.array([0, 1]), FRAME.index).tolist() == TABLE.tolist()
    for other in (named, TABLE[:, :1], np.hstack([TABLE, TABLE])):
        with pytest.raises(DataError, match=r"for each of the labels \['a', 'b'\], got"):
            indicator(other, known, FRAME.index)


@pytest.mark.parametrize("values", [WORDS, WHOLE, [{"a"}, "ab"] * 3, [{"a"}, None] * 3])
def test_what_is_no_set_of_labels_is_not_taken_for_one(values):
    with pytest.raises(DataError, match=r"row [01]: expected a set or list of labels"):
        indicator(values, np.array(["a", "b"]), FRAME.index)


def test_labels_that_cannot_be_known():
    table = indicator([["a", ["b"]], ["a"], [], {"c"}, ["b"], []], np.array(["a"]), FRAME.index)
    assert table.tolist() == [[-1], [1], [0], [-1], [-1], [0]]


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.coo_array, np.asarray], ids=str)
@pytest.mark.parametrize("dtype", [int, bool, float])
def test_indicators(form, dtype):
    assert encode(form(TABLE.astype(dtype))) == ([0, 1], True, TABLE.tolist())


REFUSED = {
    "bytes": (np.array(WORDS).astype("S"), "got bytes"),
    "dates": ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 3, "got date"),
    "times": (pd.to_datetime(["2020-01-01", "2021-01-01"] * 3), "got Timestamp"),
    "complex": ([1j, 2j] * 3, "got complex"),
    "mixed": (["r", 1] * 3, "got int and str"),
    "a missing one": (np.array([1.0, 0, 1, 0, np.nan, 1]), "row 4: .*missing value"),
    "infinity": (np.array([1.0, 0, 1, 0, np.inf, 1]), "fractions such as inf in row 4"),
    "a masked one": (np.ma.array(WHOLE, mask=[0, 0, 1, 0, 0, 0]), "row 2: .*missing value"),
    "too many": ([*WORDS, "r"], "each of 6 rows, got 7"),
    "a row": (np.array(WORDS).reshape(1, -1), "each of 6 rows, got 1"),
    "one number alone": (np.array(3), "each of 6 rows, got array"),
    "a generator that is used up": ((word for word in ()), "each of 6 rows, got 0"),
    "a set": (set(WORDS), "in the order of the rows"),
    "a dict": (dict(enumerate(WORDS)), "in the order of the rows"),
    "levels": (pd.MultiIndex.from_arrays([WORDS, WORDS]), "an index of 2 levels"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_refused(form):
    values, message = REFUSED[form]
    with pytest.raises(DataError, match=message):
        encode(values)


def test_a_masked_number_is_missing():
    masked = np.ma.array([1.0, 2, 3, 4, 5, 6], mask=[0, 0, 0, 1, 0, 0])
    _, truth = take_columns(FRAME, masked, "y")
    with pytest.raises(DataError, match=r"row 3: .*missing"):
        encode_numbers(truth, FRAME.index)
