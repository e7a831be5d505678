"""Rows that come one after the other: Hugging Face data sets that are streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.errors import DataError
from mmgraph.system.held import HeldFolder, sweep
from mmgraph.tables.arrow import ArrowTable

if TYPE_CHECKING:
    import pandas as pd

#: How names of folders begin that streams are written into.
_PREFIX = "mmgraph-rows-"

#: Rows that are taken from a stream at once, where they are written to disk.
_ROWS = 256

#: Rows and bytes of a row group that is written, at most, about.
_GROUP_ROWS, _GROUP_BYTES = 5_000, 4 * 2**20


def is_stream(data: Any) -> bool:
    """Say whether this is a `datasets.IterableDataset`."""
    names = ("column_names", "features", "take", "__iter__")
    return all(hasattr(data, name) for name in names) and not hasattr(data, "__len__")


class RowStream:
    """A `datasets.IterableDataset` as a table whose rows come in order.

    Args:
        data: The data set.
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self._rows = 0

    @property
    def index(self) -> pd.RangeIndex:
        """Places of the rows that the last pass has seen."""
        import pandas as pd

        return pd.RangeIndex(self._rows)

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        Args:
            size: Most rows of a part.

        Raises:
            DataError: There are no rows, or cells of a column are of several kinds.
        """
        for part in self._parts(size):
            frame = ArrowTable(part).frame()
            yield frame.set_axis(range(self._rows - len(frame), self._rows))

    def write(self, folder: Path) -> None:
        """Write all rows as Parquet files, a new one wherever the types of columns change.

        Raises:
            DataError: As `parts`, or the disk is full.
        """
        from pyarrow import parquet

        with ExitStack() as stack:
            writer, number = None, 0
            for group in self._groups():
                try:
                    if writer is None or not writer.schema.equals(group.schema):
                        stack.close()  # writes the end of the file before
                        path = folder / f"{number:09d}.parquet"
                        writer = stack.enter_context(parquet.ParquetWriter(path, group.schema))
                        number += 1
                    writer.write_table(group)
                except OSError as error:
                    raise DataError(
                        f"{folder}: the rows of a stream cannot be kept there: {error}; set TMPDIR "
                        "to a folder with more space"
                    ) from error

    def _groups(self) -> Iterator[Any]:
        """Return rows as pyarrow tables, each of which is to be read as a whole."""
        import pyarrow

        group: list[Any] = []
        for part in self._parts(_ROWS):
            rows = part.with_format("arrow")[:].replace_schema_metadata()
            full = sum(map(len, group)) + len(rows) > _GROUP_ROWS
            full |= sum(each.nbytes for each in group) + rows.nbytes > _GROUP_BYTES
            if group and (full or rows.schema != group[0].schema):
                yield pyarrow.concat_tables(group)
                group = []
            group.append(rows)
        yield pyarrow.concat_tables(group)

    def _parts(self, size: int) -> Iterator[Any]:
        """Return all rows in order as small data sets in memory."""
        from datasets import Dataset

        # Images and sounds are decoded by modalities, where it is known which columns hold some.
        stored = self.data if self.data.features is None else self.data.decode(False)
        rows = iter(stored.with_format(None))
        self._rows = 0
        names: list[str] = []
        while part := list(islice(rows, size)):
            names = names or list(part[0])
            cells = {name: [row.get(name) for row in part] for name in names}
            try:
                made = Dataset.from_dict(cells, features=stored.features)
            except (ValueError, TypeError) as error:
                raise DataError(
                    f"rows {self._rows} to {self._rows + len(part) - 1} of the stream: expected "
                    f"cells of one kind in each column, got several: {error}; convert them"
                ) from error
            self._rows += len(part)
            yield made
        if not self._rows:
            raise DataError("expected at least one row, got a stream without any")


@contextmanager
def spooled(data: Any) -> Iterator[Any]:
    """Yield data that can be read several times and in any order: a stream as Parquet files.

    These lie in a folder for temporary files (`$TMPDIR`), and are removed afterwards.

    Raises:
        DataError: As `RowStream.parts`.
    """
    if not is_stream(data):
        yield data
        return
    sweep(prefix=_PREFIX)
    held = HeldFolder(prefix=_PREFIX)
    try:
        RowStream(data).write(held.path)
        yield str(held.path)
    finally:
        held.release()
