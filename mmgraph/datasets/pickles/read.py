"""Reading a pickle: from a path to values, or to one sentence that says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmgraph.datasets.pickles.limits import Refused
from mmgraph.datasets.pickles.machine import Machine
from mmgraph.datasets.pickles.outcome import check_outcome
from mmgraph.errors import DataError

#: Items that any pickle may have where those it holds several times count as often: a gigabyte
#: of numbers.
_ITEMS = 1 << 27


def read_pickle(path: str | Path) -> Any:
    """Return what a pickle of arrays, numbers, strings and plain containers holds.

    A pickle is a program: loading one from elsewhere with Python's own reader can do anything.
    This reader has its own machine for the language, in which names are only names, and makes
    arrays of parts that it checks. Memory, depth and the size of what comes out are bounded by
    the bytes of the file. Ordered and default dicts come back as dicts.

    Pickles of Python 2 are read too, with their strings as Latin-1.

    Raises:
        DataError: There is no such file, it is no pickle or cut off, or it holds something
            else, such as code.

    Example:
        >>> import os, pickle, tempfile
        >>> class Evil:
        ...     def __reduce__(self):
        ...         return os.system, ("echo gotcha",)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "evil.pkl"
        ...     _ = path.write_bytes(pickle.dumps({"audio": Evil()}))
        ...     read_pickle(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mmgraph.errors.DataError: ...evil.pkl: holds posix.system, which is not an array...
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; correct the path")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            return check_outcome(Machine(file, size).run(), _ITEMS + size)
    except Refused as error:
        raise DataError(
            f"{path}: holds {error}, which is not an array, number, string or plain container; "
            "loading it could run code, so it is refused"
        ) from None
    except MemoryError as error:
        raise DataError(
            f"{path}: needs more memory than there is, or is damaged: free some memory, or "
            "download it again"
        ) from error
    except Exception as error:  # whatever a damaged pickle leads to
        raise DataError(
            f"{path}: cannot be read as a pickle ({error}); it is cut off or another format: "
            "download it again"
        ) from error
