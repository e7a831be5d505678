"""Temporary folders that are there as long as a process holds them, and no longer.

Each process that uses such a folder holds a shared lock on it: the one that made it, its forks
(which share its open files), and those that got it by pickle. The last one to let go removes it.
The system itself unlocks what a killed process held, so whoever sweeps finds the folder free; no
process is asked for by its number, which containers that share a disk give out twice.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove files that are open
    fcntl = None  # type: ignore[assignment]

#: What came of locking a folder: it worked, another process holds it, or there are no such locks.
State: TypeAlias = Literal["locked", "held", "unknown"]

#: How names of held folders end, so that none of a user's own is ever taken for one.
_SUFFIX = ".held"


class HeldFolder:
    """A new folder, removed by the last process that holds it.

    Where the system has no locks for folders (Windows, some network drives), the process that
    made the folder removes it, and nothing is swept.

    Args:
        parent: The folder to make it in; None: the one for temporary files.
        prefix: How its name begins.

    Raises:
        OSError: It cannot be made.

    Example:
        >>> held = HeldFolder(prefix="example-")
        >>> path = held.path
        >>> held.release()
        >>> path.exists()
        False
    """

    def __init__(self, parent: Path | None = None, *, prefix: str) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(_SUFFIX, prefix, parent))
            lock = _Lock(self.path)
            if lock.take("shared") != "held" and self.path.exists():
                break
            lock.close()  # another process swept the folder before this one held it
        self._let_go = weakref.finalize(self, _let_go, self.path, lock, os.getpid())

    def release(self) -> None:
        """Let go of it now."""
        self._let_go()

    def leave(self) -> None:
        """Let go of it now, and leave it where it is."""
        finalizer = self._let_go.detach()
        if finalizer is not None:
            finalizer[2][1].close()

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.path = state["path"]
        lock = _Lock(self.path)
        lock.take("shared")
        # Without locks, it is left to the process that made it.
        self._let_go = weakref.finalize(self, _let_go, self.path, lock, None)


def sweep(parent: Path | None = None, *, prefix: str) -> None:
    """Remove held folders whose processes were killed, those of this user.

    Args:
        parent: The folder they are in; None: the one for temporary files.
        prefix: How their names begin.
    """
    for path in find_held(parent, prefix=prefix):
        with tried(path) as state:
            if state == "locked":
                shutil.rmtree(path, ignore_errors=True)


def find_held(parent: Path | None = None, *, prefix: str) -> list[Path]:
    """Return this user's folders whose names begin so, whether anybody holds them or not."""
    found = []
    name = re.compile(re.escape(prefix) + "[a-z0-9_]{8}" + re.escape(_SUFFIX))
    with suppress(OSError), os.scandir(parent or tempfile.gettempdir()) as entries:
        for entry in entries:
            if name.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                found.append(Path(entry.path))
    return [path for path in found if _is_own(path)]


@contextmanager
def tried(path: Path) -> Iterator[State]:
    """Yield "locked" where nobody holds a folder; nobody can begin to within the block."""
    lock = _Lock(path)
    try:
        yield lock.take("alone")
    finally:
        lock.close()


class _Lock:
    """A folder, open to be locked; the lock goes when all who share the open file closed it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        if fcntl is not None:
            with suppress(OSError):
                self._file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                self._identity = self._find_identity()

    def take(self, kind: Literal["shared", "alone"]) -> State:
        """Lock it, if that can be."""
        if self._file is None:
            return "unknown"
        how = fcntl.LOCK_EX if kind == "alone" else fcntl.LOCK_SH
        try:
            fcntl.flock(self._file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return "held"
        except OSError:  # there are no such locks on this disk
            return "unknown"
        return "locked"

    def close(self) -> None:
        """Close it in this process."""
        if self._file is None:
            return
        with suppress(OSError):
            # A daemon that closed all its files may have opened others under this number.
            if self._find_identity() == self._identity:
                os.close(self._file)
        self._file = None

    def _find_identity(self) -> tuple[int, int]:
        assert self._file is not None
        found = os.fstat(self._file)
        return found.st_dev, found.st_ino


def _let_go(path: Path, lock: _Lock, maker: int | None) -> None:
    """Close this process's lock, and remove the folder where it was the last."""
    lock.close()
    again = _Lock(path)
    state = again.take("alone")
    if state == "locked" or (state == "unknown" and maker == os.getpid()):
        shutil.rmtree(path, ignore_errors=True)
    again.close()


def _is_own(path: Path) -> bool:
    with suppress(OSError):
        return not hasattr(os, "getuid") or os.lstat(path).st_uid == os.getuid()
    return False
