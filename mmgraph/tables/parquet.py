"""Tables in Parquet files, whose rows are read from disk as they are needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from mmgraph.errors import DataError, MissingPackageError, names, quote
from mmgraph.tables.base import DiskTable, to_frame

if TYPE_CHECKING:
    import pandas as pd

#: Row groups whose rows are mixed in training, at most, and bytes that these may take in memory.
_GROUPS_AT_ONCE, _BYTES_AT_ONCE = 8, 48 * 2**20


class ParquetTable(DiskTable):
    """A Parquet file, or a folder of them, of any size: an input of `fit` and `predict`.

    Parquet files consist of row groups, each of which is read as a whole. Those that were read last
    are kept, so memory does not grow with the number of rows, but with the size of a row
    group: a few thousand rows, fewer with images in them, are a good one (`row_group_size=` of
    `DataFrame.to_parquet`).

    Args:
        path: A file, or a folder; of a folder, all files below it that end in .parquet, in the
            order of their names.
        columns: Columns to read; None: all. Default: None.

    Example:
        >>> import pandas as pd, pytest, tempfile
        >>> _ = pytest.importorskip("pyarrow")
        >>> folder = tempfile.TemporaryDirectory()
        >>> for name, texts in {"a": ["red", "blue"], "b": ["green"]}.items():
        ...     pd.DataFrame({"text": texts}).to_parquet(f"{folder.name}/{name}.parquet")
        >>> table = ParquetTable(folder.name)
        >>> len(table), table.take(np.array([2, 0]))["text"].tolist()
        (3, ['green', 'red'])
        >>> folder.cleanup()
    """

    def __init__(self, path: str | Path, columns: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self._columns = columns
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict()}  # other processes read for themselves

    @property
    def columns(self) -> list[str]:
        """Names of the columns.

        Raises:
            DataError: There is no such column, or no such file, or it is damaged.
            MissingPackageError: pyarrow is not installed.
        """
        if self._columns is None:
            return self._schema
        unknown = sorted(set(self._columns) - set(self._schema))
        if unknown:
            raise DataError(
                f"{self.path}: there is no column {quote(unknown[0])}; there are "
                f"{names(self._schema)}"
            )
        return list(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns before compression."""
        return sum(size for *_, size in self._groups)

    def select(self, columns: Sequence[str]) -> ParquetTable:
        """Return the table with some of its columns only; others are never read."""
        return ParquetTable(self.path, list(columns))

    def frame(self) -> pd.DataFrame:
        """Return all rows."""
        return self._frame([self._read(number) for number in range(len(self._groups))])

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        No row group is held as a whole.

        Args:
            size: Most rows of a part; those at the end of a file may be fewer.

        Raises:
            DataError: A file is damaged.
        """
        import pyarrow

        start = 0
        for path in self._files:
            with parquet_reader(path) as parquet, parquet.ParquetFile(path) as source:
                batches = source.iter_batches(size, columns=self.columns, use_threads=False)
                for batch in batches:
                    part = self._frame([pyarrow.Table.from_batches([batch])])
                    yield part.set_axis(range(start, start + len(part)))
                    start += len(part)

    def take(self, rows: Int[np.ndarray, "rows"]) -> pd.DataFrame:
        """Return some rows in the order asked for, with their places as index.

        Raises:
            DataError: A file is damaged, or was changed meanwhile.
        """
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        groups = self.group_of(ascending)
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        pieces = []
        for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
            number = int(groups[start])
            pieces.append(self._group(number).take(ascending[start:end] - self._start(number)))
        frame = self._frame(pieces)
        return frame.iloc[np.argsort(order, kind="stable")].set_axis(rows)

    def group_of(self, rows: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
        """Return the number of the row group that each row is in."""
        return np.searchsorted(self._ends, rows, side="right")

    @cached_property
    def groups_at_once(self) -> int:  # type: ignore[override]
        """Number of row groups whose rows training may mix, by the memory they take."""
        if not self._groups:
            return 1
        size = max(1, self._group(0).nbytes / max(1, self._groups[0][2]))
        largest = max(rows for _, _, rows, _ in self._groups)
        return int(np.clip(_BYTES_AT_ONCE / (size * largest), 1, _GROUPS_AT_ONCE))

    @cached_property
    def _files(self) -> list[Path]:
        if self.path.is_dir():
            files = sorted(self.path.rglob("*.parquet"))
            if not files:
                raise DataError(
                    f"{self.path}: expected a folder with .parquet files, there is none; correct "
                    "the path"
                )
            return files
        if not self.path.is_file():
            raise DataError(f"{self.path}: there is no such file or folder; correct the path")
        return [self.path]

    @cached_property
    def _metadata(self) -> list[Any]:
        found = []
        for path in self._files:
            with parquet_reader(path) as parquet:
                found.append(parquet.read_metadata(path))
        names = set(found[0].schema.to_arrow_schema().names)
        for path, each in zip(self._files, found, strict=True):
            others = set(each.schema.to_arrow_schema().names)
            if others != names:
                raise DataError(
                    f"{path}: expected the columns of {self._files[0].name}, got other ones: "
                    f"{sorted(map(str, names ^ others))}; write all files with the same columns"
                )
        return found

    @cached_property
    def _no_rows(self) -> Any:
        import pyarrow

        schemas = [each.schema.to_arrow_schema().remove_metadata() for each in self._metadata]
        try:
            joint = pyarrow.unify_schemas(schemas, promote_options="permissive")
        except (pyarrow.ArrowTypeError, pyarrow.ArrowInvalid) as error:
            raise DataError(
                f"{self.path}: expected cells of one kind in each column, got several: {error}; "
                "write all files with the same types"
            ) from error
        return joint.empty_table().select(self.columns)

    @property
    def _schema(self) -> list[str]:
        names = self._metadata[0].schema.to_arrow_schema().names
        return [name for name in names if not name.startswith("__index_level_")]

    @cached_property
    def _groups(self) -> list[tuple[int, int, int, int]]:
        """File, number within it, rows and bytes of each row group."""
        groups = []
        for file, metadata in enumerate(self._metadata):
            for number in range(metadata.num_row_groups):
                group = metadata.row_group(number)
                groups.append((file, number, group.num_rows, group.total_byte_size))
        return groups

    @cached_property
    def _ends(self) -> Int[np.ndarray, "groups"]:
        return np.cumsum([rows for _, _, rows, _ in self._groups], dtype=np.int64)

    def _start(self, number: int) -> int:
        return int(self._ends[number]) - self._groups[number][2]

    def _group(self, number: int) -> Any:
        """Return a row group, kept from before or read."""
        if number not in self._kept:
            self._kept[number] = self._read(number)
            # Rows that are left over from some groups are read with those that come next.
            most = 2 * self.groups_at_once if "groups_at_once" in self.__dict__ else 2
            while len(self._kept) > most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _read(self, number: int) -> Any:
        file, group, _, _ = self._groups[number]
        path = self._files[file]
        # Not mapped into memory: pages that were read would count as memory of this process.
        with parquet_reader(path) as parquet, parquet.ParquetFile(path) as source:
            return source.read_row_group(group, columns=self.columns, use_threads=False)

    def _frame(self, pieces: Sequence[Any]) -> pd.DataFrame:
        import pyarrow

        # The types of a column are those that all files agree on, whichever files are read.
        joined = pyarrow.concat_tables([self._no_rows, *pieces], promote_options="permissive")
        return to_frame(joined)[self.columns]


@contextmanager
def parquet_reader(path: Path) -> Iterator[Any]:
    """Yield pyarrow's reader; within the block, what goes wrong becomes one clear error.

    Raises:
        DataError: The file is damaged.
        MissingPackageError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingPackageError(
            f'{path}: Parquet files need pyarrow: pip install "mmgraph[parquet]"'
        ) from error
    try:
        yield parquet
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{path}: cannot be read as parquet: {error}; write it anew") from error
