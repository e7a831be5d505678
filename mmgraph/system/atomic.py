"""Files that are complete or not there, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_at_once(path: Path) -> Iterator[Path]:
    """Yield another path to write to, which takes the place of `path` where all went well.

    Whatever happens, `path` is either as it was or complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # What writes it may go by the ending of its name.
    draft = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
