"""A table on disk, read a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph.errors import DataError
from mmgraph.tables.opening import disk_table, read_frame
from mmgraph.tables.text_files import (
    LOOK_ROWS,
    check_file,
    column_kind,
    joint_kind,
    read_options,
    reading,
)

if TYPE_CHECKING:
    import pandas as pd


class TableFile:
    """A table on disk that is read a part at a time, so that it may be larger than memory.

    Args:
        path: A CSV, TSV, JSON Lines or Parquet file, a folder of Parquet files, or one that
            `save_to_disk` of a Hugging Face dataset wrote.

    Raises:
        DataError: The file is of another kind, or missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = "" if path.is_dir() else check_file(path)
        self._disk = disk_table(path)

    def read(self) -> pd.DataFrame:
        """Return all rows.

        Raises:
            DataError: The file is damaged or empty.
            MissingPackageError: As `read_frame`.
        """
        return read_frame(self.path)

    def count_rows(self) -> int:
        """Return the number of rows, without keeping them.

        Raises:
            DataError: As `read`.
        """
        if self._disk is not None:
            return len(self._disk)
        with reading(self.path):
            if self.kind == ".jsonl":
                with self.path.open("rb") as file:
                    return sum(bool(line.strip()) for line in file)
            return self._look[0]

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return the rows in order, a part at a time, with their places as index.

        The cells are those that `read` gives; in JSON Lines and Parquet files, whole numbers that
        stand in a column with missing values may stay whole.

        Args:
            size: Most rows of a part.

        Raises:
            DataError: As `read`.
            MissingPackageError: As `read`.
        """
        start = 0
        with reading(self.path):
            for part in self._parts(size):
                yield part.set_axis(range(start, start + len(part)))
                start += len(part)
        if not start:
            raise DataError(f"{self.path}: expected at least one row, got an empty table")

    def _parts(self, size: int) -> Iterator[pd.DataFrame]:
        import pandas as pd

        if self._disk is not None:
            yield from self._disk.parts(size)
        elif self.kind == ".jsonl":
            with pd.read_json(self.path, lines=True, dtype=False, chunksize=size) as parts:
                yield from parts
        else:
            options = read_options(self.path) | {"dtype": self._look[1]}
            with pd.read_csv(self.path, chunksize=size, **options) as parts:
                yield from parts

    @cached_property
    def _look(self) -> tuple[int, dict[str, str]]:
        """A first look at a CSV or TSV file: number of rows, and the type of each whole column.

        A part of a column may hold whole numbers only, and another one words.
        """
        import pandas as pd

        count, kinds = 0, dict[str, set[str]]()
        with pd.read_csv(self.path, chunksize=LOOK_ROWS, **read_options(self.path)) as parts:
            for part in parts:
                count += len(part)
                for name in part.columns:
                    kinds.setdefault(name, set()).add(column_kind(part[name]))
        return count, {name: joint_kind(found) for name, found in kinds.items()}
