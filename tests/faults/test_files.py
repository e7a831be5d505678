"""Faults at every file operation of tables and caches: nothing is half there afterwards."""

import os
import random
import sys

import numpy as np
import pandas as pd
import pytest

if sys.platform == "win32":
    pytest.skip("forks and limits of POSIX", allow_module_level=True)

from faults import faults_at_each, full_disks, killed_after

from mmgraph.cli.predictions import open_writer
from mmgraph.errors import DataError
from mmgraph.system.atomic import written_at_once
from mmgraph.system.cache import FeatureCache

#: What may be raised where a disk is full or fails.
ERRORS = (OSError, DataError)


def test_cache(room):
    arrays = {bytes([n]) * 16: np.full((3, 50), n, np.float32) for n in range(40)}
    known = dict(list(arrays.items())[:10])
    FeatureCache("encoder", room).put_many(known)

    def work():
        cache = FeatureCache("encoder", room)
        cache.put_many(arrays)
        cache.get_many(list(arrays))

    def check():
        cache = FeatureCache("encoder", room)
        found = cache.get_many(list(arrays))
        assert found.keys() >= known.keys()
        for digest, array in found.items():
            np.testing.assert_array_equal(array, arrays[digest])

    # A cache never ends a fit: nothing is documented that it could raise.
    for _ in faults_at_each(work, room, documented=()):
        check()
    for outcome in full_disks(work, documented=()):
        assert outcome.result == "survived"
        check()
    for number in range(20):
        killed_after(work, random.Random(number).uniform(0, 0.03))
        check()
    work()
    assert FeatureCache("encoder", room).get_many(list(arrays)).keys() == arrays.keys()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predictions(room, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet")
    path = room / f"predictions{suffix}"
    before = b"the predictions of yesterday"
    part = pd.DataFrame({"row": range(500), "prediction": ["a", "b"] * 250})

    def work():
        with written_at_once(path) as draft, open_writer(draft, separator="|") as writer:
            writer.write(part)
            writer.write(part)

    work()
    after = path.read_bytes()
    outcomes = []
    for way in (faults_at_each(work, room, documented=ERRORS), full_disks(work, documented=ERRORS)):
        path.write_bytes(before)
        for outcome in way:
            allowed = {"failed": [before], "survived": [after]}
            assert path.read_bytes() in allowed.get(outcome.result, [before, after]), outcome
            path.write_bytes(before)
            outcomes.append(outcome.result)
    assert {"killed", "failed"} <= set(outcomes)
    work()
    assert path.read_bytes() == after
    assert sorted(os.listdir(room)) == [path.name, "temporary"]
