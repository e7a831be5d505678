"""A saved model as one file: its folder as a zip archive, and the checks before it is unpacked.

The archive is not compressed. Weights hardly get smaller, and where nothing is compressed nothing
can blow up: an archive never unpacks to more than its own size.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
from pathlib import Path, PureWindowsPath
from weakref import WeakValueDictionary

from mmgraph.errors import DataError, quote, reason
from mmgraph.system.held import HeldFolder, sweep

#: How the name of a model in one file ends.
SUFFIX = ".mmgraph"

#: More files than any model has.
_MOST_FILES = 10_000

#: How names of folders begin that models are unpacked into.
_PREFIX = "mmgraph-unpacked-"

#: These folders, by the hash of the file, as long as a model reads from them.
_unpacked: WeakValueDictionary[bytes, HeldFolder] = WeakValueDictionary()


def pack(folder: Path, path: Path) -> None:
    """Write all files of a folder into one; equal folders give equal files.

    Raises:
        DataError: A name in the folder is one that `unpack` refuses.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        names: set[str] = set()
        for each in sorted(folder.rglob("*")):
            if not each.is_file():
                continue
            name = each.relative_to(folder).as_posix()
            if not stays_inside(name) or name.casefold() in names:
                raise DataError(
                    f"{path}: {quote(name)} cannot be packed; give that modality a name="
                )
            names.add(name.casefold())
            member = zipfile.ZipInfo(name)  # without the date and the permissions here
            member.file_size = each.stat().st_size  # beyond 2 GiB, headers are larger
            with each.open("rb") as source, archive.open(member, "w") as target:
                shutil.copyfileobj(source, target)


def unpack(path: Path, folder: Path) -> None:
    """Write the files of an archive into a folder.

    Raises:
        DataError: It is no archive or a damaged one, or one that `pack` would not have written:
            with compressed files, more bytes than the archive has, links, or names that lead
            out of the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            _check(path, members)
            for member in members:
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
    except DataError:
        raise
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path}: damaged, or not a model: {reason(error)}; save it again"
        ) from error


def read_member(path: Path, name: str) -> bytes | None:
    """Return one small file of an archive; None where it is no archive or has no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(name)
            return archive.read(member) if member.compress_type == zipfile.ZIP_STORED else None
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, RuntimeError):
        return None


def unpacked(path: Path) -> HeldFolder:
    """Return a folder with the files of an archive, which is there as long as anything holds it.

    Language models are read from it when they are first needed, so loaded modalities hold it, in
    forks of the process as well. The same file is unpacked once. Folders whose processes
    were killed are removed first.

    Raises:
        DataError: As `unpack`.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    held = _unpacked.get(digest)
    if held is None or not held.path.is_dir():
        sweep(prefix=_PREFIX)
        held = HeldFolder(prefix=_PREFIX)
        try:
            unpack(path, held.path)
        except BaseException:
            held.release()
            raise
        _unpacked[digest] = held
    return held


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    wrong = next((name for name in names if not stays_inside(name)), None)
    if wrong is not None:
        raise DataError(
            f"{path}: holds a file named {quote(wrong)}, which no model has; it is refused"
        )
    if len(members) > _MOST_FILES or len({name.casefold() for name in names}) < len(names):
        raise DataError(f"{path}: holds too many files, or one twice; it is refused")
    if any(stat.S_ISLNK(member.external_attr >> 16) for member in members):
        raise DataError(f"{path}: holds a link, which no model has; it is refused")
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > path.stat().st_size:
        raise DataError(
            f"{path}: holds compressed files, which could fill the disk; save it again, or pack "
            "its folder with zip -0"
        )


def stays_inside(name: str) -> bool:
    """Say whether a name is plainly that of a file in the folder, on every system.

    Example:
        >>> [stays_inside(name) for name in ("a/b.json", "../b", "/etc/b", "C:b", "a//b")]
        [True, False, False, False, False]
    """
    parts = name.split("/")
    plain = all(part.strip(" .") and part.isprintable() for part in parts)
    return plain and "\\" not in name and not PureWindowsPath(name).drive
