"""Tables on disk, whose rows are read as they are needed: what all kinds of them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jaxtyping import Int

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class DiskTable(ABC):
    """Rows on disk, of any number, as `fit` and `predict` take them.

    Its rows are named by their places, from 0.
    """

    #: Number of groups whose rows training may mix, by the memory they take.
    groups_at_once: int

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """Names of the columns."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of all columns before compression."""

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
            size: Most rows of a part; some may have fewer.

        Raises:
            DataError: A file is damaged.
        """

    @abstractmethod
    def take(self, rows: Int[np.ndarray, "rows"]) -> pd.DataFrame:
        """Return some rows in the order asked for, with their places as index.

        Raises:
            DataError: A file is damaged, or was changed meanwhile.
        """

    @abstractmethod
    def group_of(self, rows: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
        """Return the number of the group of rows that each is read with."""

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
        """Return one column as a Series, or several as a DataFrame, of all rows."""
        names = [columns] if isinstance(columns, str) else columns
        return self.select(names).frame()[columns]

    def head(self, rows: int) -> pd.DataFrame:
        """Return the first rows."""
        return next(self.parts(rows))


def to_frame(rows: Any) -> pd.DataFrame:
    """Return the rows of a pyarrow table as cells that modalities read."""
    import pandas as pd
    import pyarrow

    # Else whole numbers become fractions in the parts that lack one, and there only. A part is too
    # short for threads, which would take longer to wake up.
    frame = rows.to_pandas(integer_object_nulls=True, ignore_metadata=True, use_threads=False)
    for field in rows.schema:
        if isinstance(field.type, pyarrow.BaseExtensionType):
            # Arrays of Hugging Face, whose kind of column pandas can do little with.
            cells = pd.Series(list(frame[field.name]), dtype=object)
            frame[field.name] = cells.mask(rows[field.name].is_null().to_pandas(), None)
    return frame
