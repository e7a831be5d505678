"""Files and folders that are complete or not there, whatever happens while they are written.

The new one is written in a draft folder beside its place, `.<name>-<random>.held`, brought to disk,
and put in its place; then the old one is removed. What a kill leaves of a draft is removed when the
same file is next written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmgraph.system.held import HeldFolder, find_held, sweep, tried
from mmgraph.system.swap import keep_rights, put_in_place

#: Names within a draft folder of what was in the place before, and of what is to be there.
_OLD, _NEW = "old", "new"

#: Bytes of a name that a draft's name has room for.
_LONGEST = 200


@contextmanager
def written_at_once(path: Path) -> Iterator[Path]:
    """Yield another path to write to, which takes the place of `path` where all went well.

    Whatever happens, `path` is either as it was or complete. Its mode is kept, and where it is a
    link, what it points to is replaced. Pipes and devices are written to as they are.

    Raises:
        OSError: It cannot be written there.
    """
    path = followed(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if path.exists() and not path.is_file():
        yield path
        return
    with draft_beside(path) as folder:
        # What writes it may go by the ending of its name.
        draft = folder / path.name
        yield draft
        put_draft(draft, path)


@contextmanager
def draft_beside(path: Path) -> Iterator[Path]:
    """Yield a new folder beside a path, for what is to take its place; it is removed afterwards.

    Args:
        path: The place, as `followed` returns it.

    Raises:
        OSError: Nothing can be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    heal(path)
    sweep(path.parent, prefix=_prefix(path))
    draft = HeldFolder(path.parent, prefix=_prefix(path))
    try:
        yield draft.path
    finally:
        if (draft.path / _OLD).exists() and not os.path.lexists(path):
            draft.leave()  # the only one there is, see `heal`
        else:
            _remove(draft)


def put_draft(draft: Path, path: Path) -> None:
    """Put what was written in the folder of `draft_beside` in the place of `path`.

    Args:
        draft: A complete file or folder in that folder.
        path: The place.

    Raises:
        OSError: It cannot be put there, and all is as it was.
    """
    if os.path.lexists(path):
        keep_rights(path, draft)
    new = draft.rename(draft.with_name(_NEW))
    put_in_place(new, path, draft.with_name(_OLD))


def heal(path: Path) -> None:
    """Finish what a kill interrupted between two renames, where names cannot be exchanged.

    Does nothing where something is at the path, where there is nothing to finish, or where it
    cannot be done.
    """
    if os.path.lexists(path):
        return
    for draft in find_held(path.parent, prefix=_prefix(path)):
        with tried(draft) as state:
            # An old one was moved there only when the new one was complete.
            if state == "held" or not (draft / _OLD).exists():
                continue
            found = next(each for each in (draft / _NEW, draft / _OLD) if each.exists())
            with suppress(OSError):
                found.rename(path)
                return


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written to, which is tried in a folder that is then removed.

    Raises:
        OSError: It cannot be; the message says why.
    """
    above = followed(path).parent
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".mmgraph-", dir=above) as folder:
            (Path(folder) / followed(path).relative_to(above)).mkdir(parents=True)
    except (OSError, ValueError) as error:  # ValueError: with a NUL
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"{path}: cannot be written: {above}: {reason}; name another place"
        ) from error


def followed(path: Path) -> Path:
    """Return what a path points to where it is a link, there or not yet.

    Raises:
        OSError: The link leads back to itself.
    """
    if not os.path.islink(path):
        return path
    found = Path(os.path.realpath(path))
    if os.path.islink(found):
        raise OSError(f"{path}: is a link that leads back to itself; remove it")
    return found


def _prefix(path: Path) -> str:
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return f".{name}-"


def _remove(draft: HeldFolder) -> None:
    """Remove a draft and what is in it, by now perhaps the old one."""
    try:
        shutil.rmtree(draft.path)
    except OSError as error:
        message = f"{draft.path}: cannot be removed ({error}); it is not needed, remove it"
        warnings.warn(message, stacklevel=2)
    finally:
        draft.leave()
