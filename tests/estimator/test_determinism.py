"""The same seed and rows give the same predictions, however they are batched and ordered."""

import copy
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import MultimodalGraphClassifier, Tabular, Text

#: How far batches, orders and numbers of threads may move a probability.
TOLERANCE = 1e-5


@contextmanager
def threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def make_frame(rows):
    random = np.random.default_rng(0)
    words = ["red", "rose", "blue", "sky", "green", "grass", "and", "the"]
    texts = [" ".join(random.choice(words, 1 + row % 9)) for row in range(rows)]
    number = random.normal(size=rows)
    number[::7] = np.nan
    frame = pd.DataFrame({"text": texts, "number": number})
    frame["label"] = [
        ("red" in text) + (value > 0) for text, value in zip(texts, number, strict=True)
    ]
    frame.loc[3::7, "text"] = None
    return frame


@pytest.fixture(scope="module")
def frame():
    return make_frame(70)


def fit(frame, *, linear=False):
    modalities = [Text("text", features=None), Tabular(["number"])]
    options = {"batch_size": 16, "epochs": 1, "random_state": 3}
    options |= {"channels": 16, "num_layers": 1, "verbose": False, "linear": linear}
    return MultimodalGraphClassifier(modalities, **options).fit(frame, "label")


@pytest.fixture(scope="module")
def clf(frame):
    """Return a graph by itself: the linear model can outweigh it, and would hide what it does."""
    with threads(1):
        return fit(frame)


@pytest.fixture(scope="module")
def clf_of_two_threads(frame):
    with threads(2):
        return fit(frame)


@pytest.mark.parametrize(("number", "name"), [(1, "clf"), (2, "clf_of_two_threads")])
def test_one_seed_is_one_model_whatever_was_drawn_before(frame, number, name, request):
    clf = request.getfixturevalue(name)
    with threads(number):
        torch.rand(5), np.random.rand(5)
        again = fit(frame).predict_proba(frame)
        np.testing.assert_array_equal(again, clf.predict_proba(frame))


def test_one_seed_is_one_model_with_a_linear_model(frame):
    with threads(1):
        expected = fit(frame, linear=True).predict_proba(frame)
        torch.rand(5), np.random.rand(5)
        again = fit(frame, linear=True).predict_proba(frame)
        np.testing.assert_array_equal(again, expected)


def test_threads_change_roundings_at_most(clf, clf_of_two_threads, frame):
    with threads(1):
        one = clf.predict_proba(frame)
    with threads(2):
        two = clf.predict_proba(frame)
        fitted = clf_of_two_threads.predict_proba(frame)
    np.testing.assert_allclose(fitted, one, atol=TOLERANCE)
    np.testing.assert_allclose(two, one, atol=TOLERANCE)


def test_rows_do_not_see_each_other_at_predict(clf, frame):
    assert clf.model_.weights[1] > 0
    expected = clf.predict_proba(frame)
    assert expected.std(0).min() > 0.01  # else equality would say nothing
    np.testing.assert_array_equal(clf.predict_proba(frame), expected)
    for size in (1, 9, 70):
        other = copy.copy(clf).set_params(batch_size=size)
        np.testing.assert_allclose(other.predict_proba(frame), expected, atol=TOLERANCE)
    order = np.random.default_rng(1).permutation(len(frame))
    moved = clf.predict_proba(frame.iloc[order])
    np.testing.assert_allclose(moved, expected[order], atol=TOLERANCE)
