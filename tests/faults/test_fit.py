"""Faults at file operations of fit, with checkpoints and logs, and a clock that jumps.

Some of the operations; `SOAK_SECONDS=1 pytest tests/faults` takes all of them in turn.
"""

import os
import random
import shutil
import sys
import time

import numpy as np
import pandas as pd
import pytest

if sys.platform == "win32":
    pytest.skip("forks and limits of POSIX", allow_module_level=True)

from faults import faults_at_each, full_disks

from mmgraph import DataError, MultimodalGraphClassifier, Text, load
from mmgraph.system.cache import FeatureCache

FRAME = pd.DataFrame({"text": ["red rose", "blue sky"] * 8})
LABELS = ["warm", "cold"] * 8


def fit(room):
    options = {"channels": 4, "num_layers": 1, "epochs": 2, "refit": False, "verbose": False}
    folders = {"checkpoint_dir": room / "checkpoints", "log_dir": room / "logs"}
    text = Text("text", features=None)
    return MultimodalGraphClassifier([text], **options, **folders).fit(FRAME, LABELS)


def test_fit_is_begun_again(room):
    """After a fault anywhere, the same call goes on or begins anew, and ends as it would have."""
    expected = fit(room).predict_proba(FRAME)

    def begin():
        for name in ("checkpoints", "logs"):
            shutil.rmtree(room / name, ignore_errors=True)

    results = set()
    step = 1 if "SOAK_SECONDS" in os.environ else 29
    ways = (
        faults_at_each(
            lambda: fit(room), room, documented=(OSError, DataError), begin=begin, step=step
        ),
        full_disks(lambda: fit(room), documented=(OSError, DataError)),
    )
    for way in ways:
        for outcome in way:
            results.add(outcome.result)
            np.testing.assert_array_equal(fit(room).predict_proba(FRAME), expected)
            assert not any((room / "checkpoints").glob("*.ckpt"))
    assert "killed" in results
    assert len(results) > 1


def test_a_clock_that_jumps(room, monkeypatch):
    """Back by years, ahead by years: whatever time it is, nothing else changes."""
    expected = fit(room).predict_proba(FRAME)
    draw, real = random.Random(0), time.time
    monkeypatch.setattr(time, "time", lambda: real() + draw.choice([-1, 0, 1]) * 3e8)
    clf = fit(room)
    clf.save(room / "model.mmgraph")
    clf.save(room / "model.mmgraph", overwrite=True)
    np.testing.assert_array_equal(load(room / "model.mmgraph").predict_proba(FRAME), expected)
    cache = FeatureCache("encoder", room)
    cache.put_many({b"a": np.ones(3, np.float32)})
    assert FeatureCache("encoder", room).get_many([b"a"])[b"a"].tolist() == [1, 1, 1]
