"""What commands write, checked before the work begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from mmgraph.system.atomic import check_writable


def check_output(path: Path, *, overwrite: bool, suffixes: Sequence[str] = ()) -> None:
    """Refuse to write where something is already.

    Args:
        path: The file, or folder.
        overwrite: A file, or model, may be replaced.
        suffixes: What the name of a file must end in; none: anything may be written.

    Raises:
        typer.BadParameter: There is something, or the name has another ending.
        OSError: Nothing can be written there.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"{path}: expected a name ending in {', '.join(suffixes)}")
    if suffixes and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder")
    if path.exists() and not overwrite:
        raise typer.BadParameter(f"{path} exists already; add --overwrite to replace it")
    check_writable(path)
