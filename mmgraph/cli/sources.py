"""Where a command's rows come from: tables on disk, and data sets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph.cli.options import Rows
from mmgraph.datasets.readers import find_reader
from mmgraph.errors import DataError
from mmgraph.tables.opening import parts
from mmgraph.tables.table_file import TableFile
from mmgraph.tables.text_files import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.datasets.base import MultimodalDataset


@dataclass(frozen=True)
class Source:
    """Rows to read: a table on disk, or a public data set. One of the two is None."""

    table: TableFile | None
    dataset: MultimodalDataset | None = None

    def read(self) -> pd.DataFrame:
        """Return all rows.

        Raises:
            DataError: The table cannot be read, or is empty.
        """
        return self._frame if self.table is None else self.table.read()

    def count_rows(self) -> int:
        """Return the number of rows, without keeping them."""
        return len(self._frame) if self.table is None else self.table.count_rows()

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        Args:
            size: Most rows of a part.

        Raises:
            DataError: The table cannot be read, or is empty.
        """
        if self.table is not None:
            yield from self.table.parts(size)
            return
        frame = self._frame.reset_index(drop=True)
        yield from (part for _, part in parts(frame, size))

    @property
    def _frame(self) -> pd.DataFrame:
        assert self.dataset is not None
        return self.dataset.frame


@contextmanager
def opened(rows: Rows) -> Iterator[Source]:
    """Yield what an argument of the command line names.

    Within the block, the working folder is the one that paths in the table are relative to.

    Raises:
        DataError: There is no such file, and no such data set.
    """
    path = Path(rows.data)
    if path.suffix.lower() in SUFFIXES or path.exists():
        source = Source(TableFile(path.absolute()))
        folder = path if path.is_dir() else path.parent
    else:
        source, folder = Source(None, _load_dataset(rows.data)), Path()
    folder = folder if rows.root is None else rows.root
    if not folder.is_dir():
        raise DataError(f"--root {folder}: there is no such folder; correct the path")
    cache = os.environ.get("MMGRAPH_CACHE")
    if cache:  # stays where it is
        os.environ["MMGRAPH_CACHE"] = str(Path(cache).expanduser().absolute())
    with chdir(folder):
        yield source


def _load_dataset(data: str) -> MultimodalDataset:
    name, _, folder = data.partition(":")
    try:
        reader = find_reader(name)
    except DataError as error:
        raise DataError(f"{data}: there is no such file, and {error}") from None
    return reader.load(folder or None)
