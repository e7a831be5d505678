"""What is right and what is predicted, as explanations say it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmgraph import DataError, Tabular
from mmgraph.explain import explain_model
from mmgraph.explain.wording import headline


def classes(frame):
    cold = (frame["degrees"] < 10).to_numpy(float)
    return np.stack([0.9 * cold + 0.05, 0.95 - 0.9 * cold], axis=1)


def sets(frame):
    return np.stack([frame["degrees"] > 0, frame["degrees"] > 20, frame["degrees"] > 0], 1) * 0.9


ROWS = pd.DataFrame({"degrees": [3.0, 30.0], "said": [0, 1], "of": ["cold", "cold"]})


def explain(predict, truth, **options):
    return explain_model(
        predict, ROWS, [Tabular(["degrees"])], truth=truth, method="occlusion", **options
    )


@pytest.mark.parametrize("truth", ["of", ["cold", "cold"], ROWS["of"], ("cold", "cold")])
def test_classes(truth):
    first, second = explain(classes, truth, outputs=["cold", "warm"])
    assert (first.truth, first.decided, first.is_right) == (("cold",), ("cold",), True)
    assert (second.truth, second.decided, second.is_right) == (("cold",), ("warm",), False)
    assert headline(first) == "row 0: cold 95.0%, which is right, by occlusion"
    assert headline(second) == "row 1: warm 95.0%, truth cold, by occlusion"
    other = replace(second, target=0)
    assert headline(other) == "row 1: cold 5.0%, predicted warm, truth cold, by occlusion"


def test_whole_numbers_are_the_classes_they_name():
    first, second = explain(classes, np.array([0.0, np.nan]), outputs=[0, 1])
    assert (first.truth, first.is_right) == (("0",), True)
    assert (second.truth, second.is_right) == (None, None)


@pytest.mark.parametrize(
    "truth", [[{"a", "c"}, {"a"}], np.array([[1, 0, 1], [1, 0, 0]]), [["c", "a"], ["a"]]]
)
def test_sets_of_labels(truth):
    first, second = explain(sets, truth, outputs=["a", "b", "c"], task="multilabel")
    assert first.decided == ("a", "c")
    assert first.is_right
    assert second.decided == ("a", "b", "c")
    assert second.is_right is False


def test_numbers_are_neither_right_nor_wrong():
    first, _ = explain(lambda frame: frame["degrees"].fillna(0.0) / 2, "said")
    assert (first.truth, first.decided, first.is_right) == ((0.0,), (1.5,), None)


def test_what_is_no_truth():
    with pytest.raises(DataError, match="name of a column of the table, got 'nothing'"):
        explain(classes, "nothing")
    with pytest.raises(DataError, match="a target for each of 2 rows, got 3"):
        explain(classes, [0, 1, 0])
    assert all(each.truth is None for each in explain(classes, None))


def test_the_column_that_was_fitted_is_known(frame, make_classifier):
    model = make_classifier(epochs=1, linear=False).fit(frame, frame["label"])
    (found,) = model.explain(frame[:1], method="gradient")
    assert found.truth == (frame["label"][0],)
    np.testing.assert_allclose(found.vector, model.transform(frame[:1])[0], atol=1e-5)
    (found,) = model.explain(frame[:1].drop(columns="label"), method="gradient")
    assert found.truth is None
