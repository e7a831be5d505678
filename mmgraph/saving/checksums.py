"""Checksums of a saved model's files, in the form that `sha256sum -c SHA256SUMS` reads.

They find damage: a file that was cut off, mixed up with another model's or edited. They are no
signature, for whoever changes a file can write its checksum as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mmgraph.errors import DataError, quote
from mmgraph.saving.archive import stays_inside

#: The file with the checksums.
NAME = "SHA256SUMS"

#: More characters than the path of any file of a model has.
_LONGEST = 1000

#: More bytes than the checksums of any model have.
_MOST = 1 << 22


def write_checksums(folder: Path, *, free: Iterable[str] = ()) -> None:
    """Write the checksum of every file in a folder into one more file.

    Args:
        folder: The folder of a model that is complete otherwise.
        free: Files that people may edit afterwards, and that have none.
    """
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in {NAME, *free}:
            lines.append(f"{_digest(path)}  {name}\n")
    (folder / NAME).write_bytes("".join(lines).encode(errors="surrogateescape"))


def check_checksums(folder: Path, *, needed: Iterable[str]) -> None:
    """Refuse a folder in which a file is another one than was saved, or is lacking.

    Models of earlier versions, which have no checksums, are taken as they are.

    Args:
        folder: The folder of a model.
        needed: Files that must have checksums where any have.

    Raises:
        DataError: The message names the file.
    """
    path = folder / NAME
    if not path.exists():
        return
    known = _read(path)
    for name in needed:
        if name not in known:
            raise DataError(f"{path}: damaged, save it again: there is no checksum of {name}")
    for name, digest in known.items():
        file = folder / name
        if not file.is_file():
            raise DataError(f"{file}: damaged, save it again: there is no such file, or no more")
        if _digest(file) != digest:
            raise DataError(
                f"{file}: damaged, save it again: its checksum is another one than {NAME} has; "
                f"where you changed the file yourself, remove {NAME}"
            )


def _read(path: Path) -> dict[str, str]:
    """Return the checksums by the names of files."""
    found = {}
    with path.open("rb") as file:
        text = file.read(_MOST).decode(errors="surrogateescape")
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if not stays_inside(name) or len(name) > _LONGEST:
            raise DataError(f"{path}: damaged, save it again: {quote(line)} is no checksum")
        found[name] = digest
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
