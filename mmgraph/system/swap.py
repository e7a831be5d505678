"""A complete file or folder put in another's place, in one step where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

#: Numbers of Linux's fcntl.h and fs.h.
_HERE, _EXCHANGE = -100, 2

#: What a disk answers that cannot synchronise, or exchange, in this way.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


def put_in_place(new: Path, path: Path, aside: Path) -> None:
    """Put a file or folder in the place of what is at a path, if anything.

    At every moment `path` is what it was or the new one. Only where a folder is replaced and the
    system cannot exchange names, there is nothing for a moment: `aside` is the old one then.

    What was there is at `new` or at `aside` then, or gone.

    Args:
        new: The new one, complete; on the same disk.
        path: Where it is to be, and no link.
        aside: A free name beside `new`.

    Raises:
        OSError: It cannot be; all is as it was.
    """
    sync(new)
    if path.is_dir() or (path.exists() and new.is_dir()):
        if not _exchange(new, path):
            _move_aside(new, path, aside)
    else:
        new.replace(path)
    with suppress(OSError):  # it is in its place, and not to be called a failure
        sync_names(path.parent)


def _move_aside(new: Path, path: Path, aside: Path) -> None:
    path.rename(aside)
    try:
        new.rename(path)
    except BaseException:
        if not os.path.lexists(path):  # else another process put it there already, see `heal`
            aside.rename(path)
            raise


def keep_rights(old: Path, new: Path) -> None:
    """Give files and folders the mode and group of those they are to replace."""
    pairs = [(old, new)]
    if old.is_dir() and new.is_dir():
        pairs += [(old / each.relative_to(new), each) for each in new.rglob("*")]
    for before, after in pairs:
        if before.is_dir() != after.is_dir() or not before.exists():
            continue
        with suppress(OSError):
            if hasattr(os, "chown") and after.stat().st_gid != before.stat().st_gid:
                os.chown(after, -1, before.stat().st_gid)
        with suppress(OSError):
            shutil.copymode(before, after)


def sync(path: Path) -> None:
    """Wait until a file, or all that is in a folder, is on disk and survives a power cut.

    Raises:
        OSError: The disk is full, or fails.
    """
    if path.is_dir():
        for each in path.iterdir():
            sync(each)
        sync_names(path)
    else:
        # Windows synchronises what is open for writing only.
        with path.open("rb" if sys.platform != "win32" else "r+b") as file:
            _sync(file.fileno())


def sync_names(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system lets folders be opened."""
    if sys.platform == "win32":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        _sync(number)
    finally:
        os.close(number)


def _sync(number: int) -> None:
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system, or the disk, cannot.

    Raises:
        OSError: It may not be.
    """
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:  # an old or another C library
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
