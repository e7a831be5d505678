"""What commands write: checked before the work begins, there only when it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer


def check_output(path: Path, *, overwrite: bool, suffixes: Sequence[str] = ()) -> None:
    """Refuse to write where something is already.

    Args:
        path: The file, or folder.
        overwrite: A file, or model, may be replaced.
        suffixes: What the name of a file must end in; none: anything may be written.

    Raises:
        typer.BadParameter: There is something, or the name has another ending.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"{path}: expected a name ending in {', '.join(suffixes)}")
    if suffixes and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder")
    if path.exists() and not overwrite:
        raise typer.BadParameter(f"{path} exists already; add --overwrite to replace it")


@contextmanager
def written_at_once(path: Path) -> Iterator[Path]:
    """Yield another path to write to, which takes the place of `path` where all went well.

    Whatever happens, `path` is either as it was or complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
