import numpy as np
import pandas as pd
import pytest

from mmgraph import DataError
from mmgraph.targets import encode_classes


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
        ([0.5, 1.5], "row 0.*fraction"),
        (pd.DataFrame({"a": [1, 2]}), "one label for each row"),
    ],
)
def test_unusable_labels(labels, message):
    with pytest.raises(DataError, match=message):
        encode_classes(labels, range(len(labels)))
