"""Folders that are written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.saving import archive

if TYPE_CHECKING:
    pass


@contextmanager
def new_folder(path: Path, overwrite: bool, *, mine: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a folder to write into, which takes the place of `path` where all went well.

    Args:
        path: Where it is to be; as one file, where it ends in `.mmgraph`.
        overwrite: Replace what is there.
        mine: Says whether something there is ours to replace; an empty folder always is.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; pass overwrite=True to replace it")
    empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not empty and not mine(path):
        raise FileExistsError(f"{path}: exists and is not a saved model; it is left as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as name:
        folder = Path(name) / "model"
        folder.mkdir()
        yield folder
        if path.suffix == archive.SUFFIX:
            archive.pack(folder, Path(name) / "file")
            folder = Path(name) / "file"
        if path.is_dir():
            shutil.rmtree(path)
        elif folder.is_dir():
            path.unlink(missing_ok=True)
        folder.replace(path)


def plain(value: Any) -> Any:
    """Return what JSON can hold for numbers of NumPy, which grid searches set, and paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"expected parameters that JSON can hold, got {value!r}")
