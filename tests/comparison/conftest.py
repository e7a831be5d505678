from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from mmgraph import Features
from mmgraph.comparison import compare
from mmgraph.comparison.baselines import boosting, regression


class Says(ClassifierMixin, BaseEstimator):
    """Says what a column says, and something else in a share of the rows, by seed."""

    #: One entry for each fit of any instance.
    fits: ClassVar[list] = []
    #: Fits before a simulated crash; None: no crash.
    crash_after = None

    def __init__(self, column="clue", wrong=0.0, random_state=0):
        self.column = column
        self.wrong = wrong
        self.random_state = random_state

    def fit(self, X, y):
        if Says.crash_after is not None and len(Says.fits) >= Says.crash_after:
            raise KeyboardInterrupt
        Says.fits.append((self.column, self.random_state, len(X)))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        random = np.random.default_rng(self.random_state)
        table = 0.8 * (X[self.column].to_numpy()[:, None] == self.classes_) + 0.1
        flipped = random.random(len(X)) < self.wrong
        table[flipped] = table[flipped][:, ::-1]
        return table / table.sum(1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


@pytest.fixture(autouse=True)
def no_fits_yet():
    Says.fits.clear()
    Says.crash_after = None
    yield
    Says.crash_after = None


@pytest.fixture
def says():
    return Says


@pytest.fixture
def table():
    """40 rows of two classes; "clue" is wrong in rows 3 and 30, "hint" in those and in ten more."""
    label = np.tile(["cat", "dog"], 20)
    other = {"cat": "dog", "dog": "cat"}
    clue = [other[x] if row in (3, 30) else x for row, x in enumerate(label)]
    hint = [other[x] if row in (3, 30, *range(10, 20)) else x for row, x in enumerate(label)]
    split = ["train"] * 20 + ["val"] * 10 + ["test"] * 10
    return (
        pd.DataFrame(
            {"x": [[float(n)] for n in range(40)], "clue": clue, "hint": hint, "label": label}
        )
        .assign(split=split, group=np.arange(40) // 2, index=np.arange(100, 140))
        .set_index("index")
    )


@pytest.fixture
def run(table, tmp_path):
    """Return a function that compares two cheap methods."""

    def start(**options):
        given = {
            "methods": {"clue": Says("clue"), "hint": Says("hint")},
            "modalities": [Features("x")],
            "reference": "clue",
            "baselines": False,
            "seeds": (0, 1),
            "folds": 4,
            "output": tmp_path / "runs",
        }
        inputs = table.drop(columns="split") if options.get("folds") != "split" else table
        return compare(inputs, "label", **(given | options))

    return start


@pytest.fixture
def quick_baselines(monkeypatch):
    """One penalty and few trees are enough where figures do not matter."""
    monkeypatch.setattr(regression, "choose_strength", lambda gram, rows: 4.0)
    monkeypatch.setattr(boosting, "_TREES", (5, 10, 20))
