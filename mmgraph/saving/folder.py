"""Folders that are written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mmgraph.saving import archive
from mmgraph.system.atomic import draft_beside, followed, heal, put_draft


@contextmanager
def new_folder(path: Path, overwrite: bool, *, mine: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a folder to write into, which takes the place of `path` where all went well.

    Whatever happens, `path` is either as it was or the new one, complete. Modes are kept, and where
    it is a link, what it points to is replaced.

    Args:
        path: Where it is to be; as one file, where it ends in `.mmgraph`.
        overwrite: Replace what is there.
        mine: Says whether something there is ours to replace; an empty folder always is.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
        OSError: Nothing can be written there.
    """
    place = check_place(path, overwrite, mine=mine)
    with draft_beside(place) as draft:
        folder = draft / "model"
        folder.mkdir()
        yield folder
        if archive.SUFFIX in (path.suffix, place.suffix):
            archive.pack(folder, draft / "file")
            folder = draft / "file"
        check_place(path, overwrite, mine=mine)  # something may have come there meanwhile
        put_draft(folder, place)


def check_place(path: Path, overwrite: bool, *, mine: Callable[[Path], bool]) -> Path:
    """Return where a new folder is to be written, `path` or what it points to.

    Args:
        path: As for `new_folder`, as the other arguments.
        overwrite: Replace what is there.
        mine: Says whether something there is ours to replace.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    place = followed(path)
    heal(place)
    if not os.path.lexists(place):
        return place
    if not overwrite:
        raise FileExistsError(f"{path}: exists already; pass overwrite=True to replace it")
    empty = place.is_dir() and not any(place.iterdir())
    if not empty and not mine(place):
        raise FileExistsError(f"{path}: exists and is not a saved model; it is left as it is")
    return place


def to_bytes(value: Any) -> bytes:
    r"""Return JSON in UTF-8; with a lone surrogate, which UTF-8 has no bytes for, in ASCII.

    Example:
        >>> to_bytes("warm" + chr(0xDC80))
        b'"warm\\udc80"'
    """
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=plain).encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=2, default=plain).encode()


def plain(value: Any) -> Any:
    """Return what JSON can hold for numbers of NumPy, which grid searches set, and paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"expected parameters that JSON can hold, got {value!r}")
