"""Pickles of published data sets, read without running what they hold.

A pickle is a program: loading one from elsewhere can do anything. This reader admits arrays,
numbers, strings and plain containers, and refuses everything else before it is called.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmgraph.errors import DataError

#: The only names a pickle may refer to, by module. NumPy 2 renamed its core module.
_ADMITTED: dict[str, frozenset[str]] = {
    "numpy": frozenset({"ndarray", "dtype"}),
    "numpy.core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy._core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy.core.numeric": frozenset({"_frombuffer"}),
    "numpy._core.numeric": frozenset({"_frombuffer"}),
    "collections": frozenset({"OrderedDict", "defaultdict"}),
    "builtins": frozenset({"set", "frozenset", "list", "dict", "tuple", "bytearray", "complex"}),
    "_codecs": frozenset({"encode"}),
}
_PYTHON2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return an admitted class or function."""
        module = _PYTHON2.get(module, module)
        if name not in _ADMITTED.get(module, ()):
            raise _Refused(f"{module}.{name}")
        if module.startswith("numpy.") or module == "_codecs":
            return _numpy_function(name)
        return getattr(importlib.import_module(module), name)


class _Refused(Exception):
    """A pickle refers to something that is not admitted."""


def _numpy_function(name: str) -> Callable[..., Any]:
    import numpy as np

    if name == "encode":
        return _encode
    if name == "_reconstruct":
        # How NumPy pickles an array: by this function, whichever module it lives in today.
        reconstruct: Callable[..., Any] = np.zeros(0).__reduce__()[0]  # type: ignore[assignment]
        return reconstruct
    if name == "scalar":
        scalar: Callable[..., Any] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]
        return scalar
    frombuffer: Callable[..., Any] = np.zeros(1).__reduce_ex__(5)[0]  # type: ignore[assignment]
    return frombuffer


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Stand in for `_codecs.encode`, by which Python 2 bytes are written, and only for that."""
    if encoding not in ("latin1", "latin-1", "iso-8859-1"):
        raise _Refused(f"_codecs.encode with {encoding!r}")
    return text.encode("latin1")


def read_pickle(path: str | Path) -> Any:
    """Return what a pickle of arrays, numbers, strings and plain containers holds.

    Pickles of Python 2 are read too, with their strings as Latin-1.

    Raises:
        DataError: There is no such file, it is no pickle or cut off, or it holds something
            else, such as code.

    Example:
        >>> import os, tempfile
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
            return _Unpickler(file, encoding="latin1").load()
    except _Refused as error:
        raise DataError(
            f"{path}: holds {error}, which is not an array, number, string or plain container; "
            "loading it could run code, so it is refused"
        ) from None
    except MemoryError as error:  # also where a damaged file claims to hold no end of bytes
        raise DataError(
            f"{path}: needs more memory than there is, or is damaged: free some memory, or "
            "download it again"
        ) from error
    except Exception as error:  # whatever a damaged pickle leads to
        raise DataError(
            f"{path}: cannot be read as a pickle ({error}); it is cut off or another format: "
            "download it again"
        ) from error
