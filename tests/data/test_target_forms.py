"""Targets in the forms that NumPy, pandas, torch and SciPy have: used as there, or refused."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from mmgraph import DataError, MultimodalGraphClassifier, Text
from mmgraph.data.numbers import encode_numbers
from mmgraph.tables.opening import take_columns

ROWS = 6
FRAME = pd.DataFrame({"text": ["a", "b"] * 3})
WORDS, WHOLE = ["r", "g"] * 3, [1, 0] * 3


def encode(values):
    _, truth = take_columns(FRAME, values, "y")
    clf = MultimodalGraphClassifier([Text("text", features=None)])
    target, _ = clf._encode(truth, FRAME.index)
    return clf.outputs_.classes.tolist(), clf.multilabel_, target.tolist()


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


NUMBERS = {
    "nullable": (pd.Series(WHOLE, dtype="Int64"), [0, 1]),
    "nullable booleans": (pd.Series(WHOLE, dtype="boolean"), [False, True]),
    "floats": (np.array(WHOLE, np.float32), [0.0, 1.0]),
    "bytes of numbers": (np.array(WHOLE, np.uint8), [0, 1]),
    "negative": ([1, -1] * 3, [-1, 1]),
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
    "a generator": ((word for word in WORDS), "each of 6 rows, got <generator"),
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
