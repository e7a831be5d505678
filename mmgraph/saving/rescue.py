"""A fitted model that could not be saved where it was to be, kept where it can be."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class CanSave(Protocol):
    """A fitted estimator."""

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write it into a folder."""


def save_or_rescue(estimator: CanSave, path: Path, *, overwrite: bool) -> None:
    """Save a model; where that fails, keep it in another folder and say where.

    Args:
        estimator: What is fitted, and lost where this process ends without having saved it.
        path: The folder or file to write.
        overwrite: Replace a model that is already there.

    Raises:
        OSError: It is not at `path`; the message names the reason and where the model is.
    """
    try:
        estimator.save(path, overwrite=overwrite)
    except Exception as error:
        kept = _rescue(estimator, path)
        told = (
            "and nowhere else, so the model is lost; fit it again with another output"
            if kept is None
            else f"the fitted model is kept in {kept}: move it to where it is to be"
        )
        raise OSError(f"{path}: cannot be saved: {error}; {told}") from error


def _rescue(estimator: CanSave, path: Path) -> Path | None:
    """Return a new folder with the model, beside the path or among temporary ones."""
    for folder in _new_folders(path):
        with suppress(Exception):
            estimator.save(folder, overwrite=True)  # it is empty
            return folder
        with suppress(OSError):
            folder.rmdir()
    return None


def _new_folders(path: Path) -> Iterator[Path]:
    prefix = f"{path.stem[:50]}-rescued-"
    for parent in (path.parent, Path(tempfile.gettempdir())):
        with suppress(OSError):
            yield Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
