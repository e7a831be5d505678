"""Kills a process again and again while it replaces a folder; run by tests, needs no torch.

Usage: kill_saves.py FOLDER KILLS exchange|rename. Prints how many kills came within a save.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from mmgraph.system import swap
from mmgraph.system.atomic import draft_beside, heal, put_draft

FILES = ("config", "weights", "inner/a", "inner/b")

# Of a process that is killed, the system keeps what was not synchronised, too.
os.fsync = lambda number: None


def save(path, version):
    with draft_beside(path) as draft:
        folder = draft / "model"
        (folder / "inner").mkdir(parents=True)
        for name in FILES:
            (folder / name).write_text(str(version))
        put_draft(folder, path)


def read(path):
    """Return the version of a complete folder."""
    heal(path)
    (version,) = {(path / name).read_text() for name in FILES}
    return int(version)


def kill(path, last, seconds):
    """Save versions after the last one in another process, killed after some time."""
    child = os.fork()
    if not child:
        while True:
            last += 1
            save(path, last)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(folder, kills, way):
    if way == "rename":
        swap._exchange = lambda one, other: False
    path, last, within = Path(folder) / "model", 0, 0
    save(path, last)
    for number in range(int(kills)):
        kill(path, last, random.Random(number).uniform(0, 0.01))
        within += len(os.listdir(folder)) > 1
        found = read(path)
        assert found >= last
        last = found
    save(path, last + 1)
    assert os.listdir(folder) == ["model"], os.listdir(folder)
    sys.stdout.write(f"{within}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
