"""Reads pickles in a process of its own, which may have 4 GiB: `python read_pickles.py FOLDER`.

Prints what became of each as a line of JSON: [name, "refused" or the type, message, seconds].
"""

import json
import resource
import sys
import time
from pathlib import Path

from mmgraph.datasets.pickles import read_pickle
from mmgraph.errors import DataError


def main(folder):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for path in sorted(Path(folder).iterdir()):
        print(json.dumps(["", path.name]), flush=True)  # says what crashed, if anything does
        started, what, message = time.perf_counter(), "refused", ""
        try:
            value = read_pickle(path)
            what, message = type(value).__name__, repr(value)[:200]
            del value
        except DataError as error:
            message = str(error)
        print(json.dumps([path.name, what, message, time.perf_counter() - started]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
