"""Faults at file operations: the first, the second and so on of some work fails, or is a kill.

The work is done in a fork, whose audit hook sees every file that Python opens, makes, renames or
removes within a folder; `fsync` is counted as well. What native code writes is met by a limit of
the size of files, as a full disk would be. Linux and macOS.
"""

import errno
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Events of Python's audit that touch files; all but `open` take (path, ...).
_EVENTS = {
    *("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir"),
    *("os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate"),
    *("sqlite3.connect",),
}

#: Exit codes of forks.
_NOT_REACHED, _FAILED, _SURVIVED, _UNDOCUMENTED = 40, 41, 42, 43

#: More operations than any work has.
_MOST = 2000


@dataclass(frozen=True)
class Outcome:
    """What came of a fault.

    Args:
        fault: "kill", or the name of the error.
        number: Which operation it met, from 0; or the bytes that files could have.
        result: "failed" with a documented error, "survived" it, or was "killed".
    """

    fault: str
    number: int
    result: str


def faults_at_each(
    work: Callable[[], object],
    root: Path,
    *,
    documented: tuple[type[BaseException], ...],
    begin: Callable[[], object] = bool,
    step: int = 1,
) -> Iterator[Outcome]:
    """Yield the outcome of a kill, and of an error, at each file operation within a folder.

    Args:
        work: What is done, in a fork each time.
        root: The folder.
        begin: Called before each work, also the last of a kind, which meets no fault.
        step: Fault every operation of that distance, where the work takes long.
        documented: Errors that the work may end with.

    Raises:
        AssertionError: It ended with another one.
    """
    for fault in ("kill", "error"):
        for number in range(0, _MOST, step):
            name = fault if fault == "kill" else ("ENOSPC", "EIO")[number % 2]
            begin()
            code = _run(lambda n=number, f=name: _armed(work, root, f, n), documented)
            if code == _NOT_REACHED:
                assert number, "no file operation was seen"
                break
            yield Outcome(name, number, _name_of(code, f"{name} at operation {number}"))
        else:
            raise AssertionError(f"more than {_MOST} operations")


def full_disks(
    work: Callable[[], object], *, documented: tuple[type[BaseException], ...]
) -> Iterator[Outcome]:
    """Yield the outcome where no file can have more than some bytes, none and ever more of them."""
    for size in (0, 1, 100, 1000, 4096, 10_000, 50_000):

        def limited(size: int = size) -> bool:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            work()
            return True

        code = _run(limited, documented)
        yield Outcome("full", size, _name_of(code, f"no file over {size} bytes"))


def killed_after(work: Callable[[], object], seconds: float) -> None:
    """Do something over and over in a fork, which is killed after some time."""
    child = _fork()
    if not child:
        try:
            while True:
                work()
        finally:
            os._exit(1)
    time.sleep(seconds)
    assert os.waitpid(child, os.WNOHANG) == (0, 0), "it ended by itself"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder, or the one file."""
    if folder.is_file():
        return {"": folder.read_bytes()}
    files = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


def _armed(work: Callable[[], object], root: Path, fault: str, number: int) -> bool:
    """Do the work with a fault at one operation, and say whether it came so far."""
    count, inside = 0, str(root)

    def operate(_: object = None) -> None:
        nonlocal count
        count += 1
        if count - 1 == number:
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            code = getattr(errno, fault)
            raise OSError(code, os.strerror(code))

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            # Names without a folder are of one that was opened before.
            if path.startswith(inside) or not os.path.isabs(path):
                operate()

    synchronise = os.fsync

    def watched_fsync(number: int) -> None:
        operate()
        synchronise(number)

    os.fsync = watched_fsync
    sys.addaudithook(watch)
    work()
    return count > number


def _run(work: Callable[[], bool], documented: tuple[type[BaseException], ...]) -> int:
    """Return the exit code of a fork that does some work."""
    child = _fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = _UNDOCUMENTED
    try:
        warnings.simplefilter("ignore")
        code = _SURVIVED if work() else _NOT_REACHED
    except documented:
        code = _FAILED
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(code)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads only wait
        return os.fork()


def _name_of(code: int, what: str) -> str:
    assert code != _UNDOCUMENTED, f"{what}: an error that is not documented, see above"
    results = {_FAILED: "failed", _SURVIVED: "survived", -signal.SIGKILL: "killed"}
    assert code in results, f"{what}: ended with {code}"
    return results[code]
