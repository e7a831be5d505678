"""Loads models whose config.json was changed, in a process of its own: `MODEL COUNT SEED`.

Numbers become huge, negative or no numbers, texts become names on servers, parts are dropped,
doubled and swapped. Prints as JSON how many were refused, how many predict, the longest time and
the memory that was taken.
"""

import collections
import copy
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from mmgraph import load
from mmgraph.errors import DataError

VALUES = (
    *(0, -1, 1, 3, 10**6, 10**9, 2**62, 10**30, 0.0, -0.5, 1e308, float("nan"), float("inf")),
    *(
        None,
        True,
        False,
        "",
        "hf-hub:someone/model",
        "http://evil.example/x",
        "../../x",
        "resnet18",
    ),
    *([], {}, [0] * 1000, {"kind": "GraphFusion", "options": {"num_layers": 10**9}}),
)


def places(value, above=()):
    """All places in a config, as keys from the top."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in parts:
        yield (*above, key)
        if isinstance(each, dict | list):
            yield from places(each, (*above, key))


def changed(config, source):
    """Return a config with one or a few changes."""
    config = copy.deepcopy(config)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        # What is only shown is left alone: it changes no prediction.
        known = [each for each in places(config) if each[0] not in ("history", "facts", "mmgraph")]
        *way, key = source.choice(known)
        above = config
        for each in way:
            above = above[each]
        if isinstance(above, dict) and source.random() < 0.2:
            del above[key]
        elif isinstance(above, dict) and source.random() < 0.15:
            above[source.choice(("num_layers", "channels", "heads", "extra"))] = 10**9
        else:
            above[key] = copy.deepcopy(source.choice(VALUES))
    return config


def memory():
    """MiB this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(model, count, seed):
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    source, outcomes, longest = random.Random(seed), collections.Counter(), 0.0
    rows = pd.read_json(Path(model).parent / "rows.json", dtype=False)
    expected = load(model).predict_proba(rows)
    config, before = json.loads((Path(model) / "config.json").read_text("utf-8")), memory()
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "model"
        shutil.copytree(model, copied)
        for _ in range(count):
            described = changed(config, source)
            (copied / "config.json").write_text(json.dumps(described), "utf-8")
            started = time.process_time()
            try:
                found = load(copied).predict_proba(rows)
                same = found.shape == expected.shape and np.allclose(found, expected, atol=1e-6)
                outcomes["same" if same else "other"] += 1
            except DataError:
                outcomes["refused"] += 1
            except Exception as error:
                outcomes["wrong"] += 1
                changes = [
                    (place, described_at(described, place))
                    for place in places(config)
                    if described_at(described, place) != described_at(config, place)
                ][-1:]
                print(repr(error)[:200], changes, file=sys.stderr)
            longest = max(longest, time.process_time() - started)
    print(json.dumps({**outcomes, "seconds": longest, "mebibytes": memory() - before}))


def described_at(config, place):
    for key in place:
        try:
            config = config[key]
        except (KeyError, IndexError, TypeError):
            return "gone"
    return config


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
