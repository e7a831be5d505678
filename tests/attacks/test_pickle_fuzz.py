"""Thousands of pickles that are nearly right: none crashes, none brings anything but data."""

import json
import os
import subprocess
import sys
from pathlib import Path

COUNT = 4_000


def test_crafted_pickles():
    count = int(os.environ.get("FUZZ_EXAMPLES", 0)) * 100 or COUNT
    child = Path(__file__).with_name("fuzz_pickles.py")
    done = subprocess.run([sys.executable, child, str(count), "0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = json.loads(done.stdout)
    assert outcomes["read"] + outcomes["refused"] == count
    # Most are refused; enough are read that what comes back is looked at.
    assert min(outcomes.values()) > count / 50
