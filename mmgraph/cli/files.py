"""Files that commands write: checked before the work begins, there only when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import typer

from mmgraph.tables import SUFFIXES


def check_model_output(path: Path, *, overwrite: bool) -> None:
    """Refuse to write a model where something is already.

    Raises:
        typer.BadParameter: Something is there, and may not be replaced.
    """
    if path.exists() and not overwrite:
        raise typer.BadParameter(f"{path} exists already; add --overwrite to replace it")


def check_table_output(path: Path, *, overwrite: bool) -> None:
    """Refuse to write a table where something is already, or as an unknown kind of file.

    Raises:
        typer.BadParameter: There is something, or the file's name has another ending.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"{path}: expected a name ending in {', '.join(SUFFIXES)}")
    if path.is_dir() or (path.exists() and not overwrite):
        remedy = "is a folder" if path.is_dir() else "exists already; add --overwrite to replace it"
        raise typer.BadParameter(f"{path} {remedy}")


@contextmanager
def written_at_once(path: Path) -> Iterator[Path]:
    """Yield another path to write to, which takes the place of `path` where all went well.

    Whatever happens, `path` is either as it was or complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix, delete=False
    ) as file:
        draft = Path(file.name)
    try:
        yield draft
        # Such files are made for their owner alone; this one is as any other.
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask
