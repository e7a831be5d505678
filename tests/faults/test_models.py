"""Faults at every file operation of save and load: after each, a model is there to load."""

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

if sys.platform == "win32":
    pytest.skip("forks and limits of POSIX", allow_module_level=True)

from faults import contents, faults_at_each, full_disks

from mmgraph import DataError, MultimodalGraphClassifier, Text, load
from mmgraph.system.atomic import heal

#: What may be raised where a disk is full or fails.
ERRORS = (OSError, DataError)


@pytest.fixture(scope="module")
def fitted():
    frame = pd.DataFrame({"text": ["red rose", "blue sky"] * 10})
    text = Text("text", features=None)
    clf = MultimodalGraphClassifier([text], channels=8, epochs=1, refit=False, verbose=False)
    return clf.fit(frame, ["warm", "cold"] * 10)


def put_back(path, kept):
    if path.is_dir():
        shutil.rmtree(path)
        shutil.copytree(kept, path)
    else:
        shutil.copyfile(kept, path)


@pytest.mark.parametrize("name", ["model", "model.mmgraph"])
def test_save(fitted, room, tmp_path, name):
    path, places = room / name, []
    for version in (1, 2):
        places.append(tmp_path / f"{version}{path.suffix}")
        fitted.fitted_params_["random_state"] = version
        fitted.save(places[-1])
    before, after = map(contents, places)
    assert before != after
    fitted.save(path)

    def check(outcome):
        heal(path)
        allowed = {"failed": [before], "survived": [after]}.get(outcome.result, [before, after])
        assert contents(path) in allowed, outcome
        results.add((outcome.fault, outcome.result))

    results = set()
    work = lambda: fitted.save(path, overwrite=True)  # noqa: E731
    begin = lambda: put_back(path, places[0])  # noqa: E731
    for outcome in faults_at_each(work, room, documented=ERRORS, begin=begin):
        check(outcome)
    begin()
    for outcome in full_disks(work, documented=ERRORS):
        check(outcome)
        put_back(path, places[0])
    assert {("kill", "killed"), ("EIO", "failed"), ("full", "failed")} <= results
    fitted.save(path, overwrite=True)
    assert contents(path) == after
    assert load(path).random_state == 2
    assert sorted(os.listdir(room)) == [name, "temporary"]


def test_load(fitted, room):
    path = room / "model.mmgraph"
    fitted.save(path)
    frame = pd.DataFrame({"text": ["red sky"]})
    expected = fitted.predict_proba(frame)
    outcomes = list(faults_at_each(lambda: load(path), room, documented=ERRORS))
    outcomes += full_disks(lambda: load(path), documented=ERRORS)
    assert {"killed", "failed"} <= {each.result for each in outcomes}
    loaded = load(path)
    np.testing.assert_array_equal(loaded.predict_proba(frame), expected)
    assert len(os.listdir(room / "temporary")) == 1
    del loaded
    assert not os.listdir(room / "temporary")
