"""Where a command's rows come from: tables on disk, whole or in parts, and data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mmgraph
from mmgraph.errors import DataError
from mmgraph.tables import SUFFIXES, read_file, read_frame, read_parts

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.datasets.base import MultimodalDataset


@dataclass(frozen=True)
class Source:
    """Rows to read: a table on disk, or a public data set.

    Args:
        path: The table; None for a data set.
        root: Folder that paths in the table are relative to; None: they are absolute.
        dataset: The data set.
    """

    path: Path | None
    root: Path | None
    dataset: MultimodalDataset | None = None

    def read(self, texts: Sequence[str] = ()) -> pd.DataFrame:
        """Return all rows.

        Args:
            texts: Columns that stay as they are written in files without types, "007" or "1.50".

        Raises:
            DataError: The table cannot be read, or is empty.
        """
        if self.dataset is not None:
            return self.dataset.frame
        assert self.path is not None
        return read_frame(read_file(self.path, texts))

    def count_rows(self) -> int:
        """Return the number of rows, without keeping them."""
        return sum(len(part) for part in self.parts(10_000))

    def parts(self, size: int, texts: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time; together they are what `read` returns.

        Args:
            size: Most rows of a part.
            texts: As in `read`.

        Raises:
            DataError: The table cannot be read, or is empty.
        """
        if self.path is None:
            assert self.dataset is not None
            frame = self.dataset.frame
            yield from (frame.iloc[at : at + size] for at in range(0, len(frame), size))
            return
        yield from read_parts(self.path, size, texts)


def open_source(data: str, root: Path | None = None) -> Source:
    """Return the rows that an argument of the command line names.

    Args:
        data: Path of a table; or NAME or NAME:FOLDER of a data set, where mmgraph has a function
            `load_NAME`.
        root: Folder that paths in the table are relative to; None: the table's own.

    Raises:
        DataError: There is no such file, and no such data set.
    """
    path = Path(data)
    if path.suffix.lower() in SUFFIXES or path.exists():
        return Source(path, path.parent if root is None else root)
    name, _, folder = data.partition(":")
    readers = [each[5:] for each in mmgraph.__all__ if each.startswith("load_")]
    if name not in readers:
        raise DataError(
            f"{data}: there is no such file, and no data set of that name; correct the path, or "
            f"use one of {', '.join(readers)} with its folder (NAME:FOLDER)"
        )
    load: Callable[..., MultimodalDataset] = getattr(mmgraph, f"load_{name}")
    try:
        return Source(None, None, load(folder) if folder else load())
    except TypeError as error:  # the folder is lacking, or the reader takes none
        wanted = "comes without a folder" if folder else f"needs its folder: {name}:FOLDER"
        raise DataError(f"{data}: this data set {wanted}") from error
