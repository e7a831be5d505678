"""Tables that stay on disk, whose rows are read as they are needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class DiskTable(ABC):
    """A table of any size: an input of `fit` and `predict`.

    Rows have places from 0 on, which are their names. They lie in groups, ascending; training mixes
    the rows of a few groups at a time, so that what is read from disk together is used together.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """Names of the columns."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of all columns in memory, as far as they are known."""

    @property
    @abstractmethod
    def groups_at_once(self) -> int:
        """Number of groups whose rows training may mix, by the memory they take."""

    @abstractmethod
    def group_of(self, rows: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
        """Return the number of the group that each row is in."""

    @abstractmethod
    def select(self, columns: Sequence[str]) -> DiskTable:
        """Return the table with some of its columns only; others are never read."""

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Return all rows."""

    @abstractmethod
    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        Args:
            size: Most rows of a part.
        """

    @abstractmethod
    def take(self, rows: Int[np.ndarray, "rows"]) -> pd.DataFrame:
        """Return some rows in the order asked for, with their places as index."""

    @property
    def index(self) -> pd.RangeIndex:
        """Places of the rows, which are their names."""
        import pandas as pd

        return pd.RangeIndex(len(self))

    def drop(self, columns: str | Sequence[str], *, errors: str = "raise") -> DiskTable:
        """Return the table without some columns."""
        out = {columns} if isinstance(columns, str) else set(columns)
        return self.select([name for name in self.columns if name not in out])

    def __getitem__(self, columns: str | list[str]) -> Any:
        """Return one column as a Series, or several as a DataFrame, of all rows.

        Raises:
            DataError: There is no such column.
        """
        names = [columns] if isinstance(columns, str) else columns
        unknown = [name for name in names if name not in self.columns]
        if unknown:
            raise DataError(f"there is no column {unknown[0]!r}; there are {self.columns}")
        return self.select(names).frame()[columns]

    def head(self, rows: int) -> pd.DataFrame:
        """Return the first rows."""
        return next(self.parts(rows))
