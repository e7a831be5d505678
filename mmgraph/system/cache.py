"""Features of frozen encoders, kept on disk so that no image or text is computed twice."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")

#: SQLite allows a limited number of parameters in one query.
_CHUNK = 500

#: Seconds to wait for other processes: the last one to let go writes everything back meanwhile,
#: which takes seconds on a machine that is busy with other things.
_PATIENCE = 60

#: Folders of which this process has said that they do not work.
_warned: set[str] = set()


def cache_folder() -> Path:
    """Return where features are kept.

    `$MMGRAPH_CACHE`, or else `mmgraph` in `$XDG_CACHE_HOME`, or else `~/.cache/mmgraph`.
    """
    chosen = os.environ.get("MMGRAPH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mmgraph"


def cache_size(folder: Path | None = None) -> int:
    """Return the bytes that all cached features take on disk.

    An image takes 4 × regions × channels bytes: 128 kB with the default backbone at 160 px.
    """
    return sum(size for _, size in _files(folder))


def clear_cache(folder: Path | None = None) -> int:
    """Delete all cached features, and nothing else in the folder; return the bytes freed.

    Features are computed again when they are next needed, so this is always safe.
    """
    freed = 0
    for path, size in _files(folder):
        path.unlink(missing_ok=True)
        freed += size
    return freed


def _files(folder: Path | None) -> Iterator[tuple[Path, int]]:
    for path in ((folder or cache_folder()) / "features").glob("*.sqlite*"):
        try:
            yield path, path.stat().st_size
        except FileNotFoundError:  # another process cleared it
            continue


def _write_ahead(database: sqlite3.Connection) -> None:
    """Let others read while one writes; SQLite itself waits for nobody who begins the same file."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


class FeatureCache:
    """A table on disk from the hash of some content to an array.

    A cache is a convenience: where it cannot be read or written (no space, no rights,
    locked, damaged), one warning says so and everything goes on without it. A damaged file
    is moved aside and begun anew. Several processes may use the same cache at once.

    Args:
        key: All that the features depend on besides the content: encoder, weights, size,
            version. Each key has a file of its own.
        folder: Where the files lie; `cache_folder()` when None.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> cache = FeatureCache("my encoder, version 1", Path(folder.name))
        >>> cache.put_many({b"hash": np.ones((2, 3), np.float32)})
        >>> cache.get_many([b"hash", b"other"])[b"hash"].shape
        (2, 3)
        >>> folder.cleanup()
    """

    def __init__(self, key: str, folder: Path | None = None) -> None:
        self.key = key
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        self.path = (folder or cache_folder()) / "features" / f"{name}.sqlite"
        self._works = True

    def get_many(self, hashes: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """Return the arrays that are known, by hash."""

        def read(database: sqlite3.Connection) -> dict[bytes, np.ndarray]:
            found = {}
            for start in range(0, len(hashes), _CHUNK):
                part = list(hashes[start : start + _CHUNK])
                marks = ",".join("?" * len(part))
                query = f"SELECT hash, dtype, shape, data FROM features WHERE hash IN ({marks})"
                for digest, dtype, shape, data in database.execute(query, part):
                    # The bytearray makes the array writable, as torch.from_numpy wants it.
                    array = np.frombuffer(bytearray(data), np.dtype(dtype))
                    found[digest] = array.reshape(json.loads(shape))
            return found

        return self._run(read, {}) if len(hashes) else {}

    def put_many(self, arrays: Mapping[bytes, np.ndarray]) -> None:
        """Store arrays by hash, all of them in one transaction."""
        rows = [
            (digest, array.dtype.str, json.dumps(array.shape), array.tobytes())
            for digest, array in arrays.items()
        ]

        def write(database: sqlite3.Connection) -> None:
            database.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", rows)

        if rows:
            self._run(write, None)

    def _run(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do something with the database, and return `otherwise` where it does not work."""
        if not self._works:
            return otherwise
        try:
            try:
                with self._open() as database:
                    return work(database)
            except (sqlite3.DatabaseError, ValueError, TypeError) as error:
                # Operational errors (locked, full, read-only) say nothing against the file.
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._move_aside()
                with self._open() as database:
                    return work(database)
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            self._give_up(error)
            return otherwise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a fresh connection, which neither threads nor forks can share."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=_PATIENCE)
        try:
            _write_ahead(database)
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS features"
                " (hash BLOB PRIMARY KEY, dtype TEXT, shape TEXT, data BLOB)"
            )
            with database:
                yield database
        finally:
            database.close()

    def _move_aside(self) -> None:
        """Keep a damaged file for whoever wants to look; only the last one is kept."""
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".damaged"))

    def _give_up(self, error: Exception) -> None:
        self._works = False
        folder = str(self.path.parent.parent)
        if folder not in _warned:
            _warned.add(folder)
            warnings.warn(
                f"features are not cached: {folder}: {error}; they are computed again each"
                " time (set MMGRAPH_CACHE to a folder that can be written)",
                stacklevel=2,
            )
