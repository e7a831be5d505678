from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mmgraph import DataError, Image, MultimodalGraphClassifier, Text
from mmgraph.comparison.describe import describe_value, fingerprint, fingerprint_frame
from mmgraph.nn.fusion import LateFusion


def conv(heads):
    return lambda i, o: (i, o, heads)


DIFFERENT = [
    None,
    True,
    1.5,
    "a",
    ["a"],
    {"a": 1},
    {("a", "to", "b"): 1},
    {"a"},
    b"a",
    np.arange(3),
    np.arange(3.0),
    torch.ones(2),
    len,
    LateFusion,
    partial(LateFusion, weighting="learned"),
    partial(LateFusion, weighting="mean"),
    conv(4),
    conv(8),
    LogisticRegression(C=2),
    LogisticRegression(C=3),
    MultimodalGraphClassifier([Text("text")]),
    MultimodalGraphClassifier([Text("text", rnn="lstm")]),
    MultimodalGraphClassifier([Image("image")], conv=conv(4)),
    MultimodalGraphClassifier([Image("image")], conv=conv(8)),
]


def test_what_differs_is_told_apart():
    keys = [fingerprint(value) for value in DIFFERENT]
    assert len(set(keys)) == len(DIFFERENT)


def test_what_is_equal_has_one_key():
    assert fingerprint(conv(4)) == fingerprint(conv(4))
    one, two = (MultimodalGraphClassifier([Text("text")], conv=conv(2)) for _ in range(2))
    assert fingerprint(one) == fingerprint(two)


def test_an_object_without_a_description_is_refused():
    with pytest.raises(DataError, match="__repr__"):
        describe_value(object())


def test_files_count_by_their_contents(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    frame = pd.DataFrame({"file": [str(path), None], "n": [1, 2]})
    before = fingerprint_frame(frame)
    assert fingerprint_frame(frame.copy()) == before
    elsewhere = tmp_path / "other" / "a.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text("one")
    assert fingerprint_frame(frame.assign(file=[str(elsewhere), None])) == before
    path.write_text("two")
    assert fingerprint_frame(frame) != before
    assert fingerprint_frame(frame.assign(n=[1, 3])) != fingerprint_frame(frame)


OWN_CODE = """
from dataclasses import dataclass
from sklearn.base import BaseEstimator

class Base:
    def go(self):
        return {number}

@dataclass
class Settings(Base):
    size: int = 1

class Rates(BaseEstimator):
    def fit(self, X, y):
        self.rate_ = {number}
        return self
"""


@pytest.mark.parametrize("name", ["Settings", "Rates", "Kind"])
def test_objects_of_own_classes_are_described_by_their_code(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for number in (1, 2, 1):
        module = f"own_code_{number}_{len(found)}"
        (tmp_path / f"{module}.py").write_text(OWN_CODE.format(number=number))
        own = __import__(module)
        value = own.Settings if name == "Kind" else getattr(own, name)()
        found.append([each for each in describe_value(value) if module not in str(each)])
    assert found[0] == found[2] != found[1]
