"""Which rows of a table a command uses, where a column says what split they belong to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmgraph.cli.options import Rows
from mmgraph.errors import DataError, names, quote

if TYPE_CHECKING:
    import pandas as pd

#: Names of the splits that a command uses unasked.
TRAINING = frozenset({"train", "training", "val", "valid", "validation", "dev"})
TEST = frozenset({"test"})

_COLUMN, _ALL = "split", "all"


@dataclass
class Selection:
    """Chooses rows by their split, and leaves the column out, which is never an input.

    Args:
        rows: What the user asked for.
        default: Splits to use unasked; None: all rows.
    """

    rows: Rows
    default: frozenset[str] | None = None
    seen: Counter[str] = field(init=False, default_factory=Counter)
    chosen: int = field(init=False, default=0)

    def take(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table, or of a part of it, that are wanted.

        Raises:
            DataError: The table lacks the column.
        """
        name = self._column(frame)
        if name is None:
            chosen = frame
        else:
            splits = frame[name].astype(str)
            self.seen.update(splits.tolist())
            chosen = frame[splits.map(self._wants)].drop(columns=name)
        self.chosen += len(chosen)
        return chosen

    def check(self) -> None:
        """Refuse to go on without any row, after the whole table was seen.

        Raises:
            DataError: No row was wanted.
        """
        if not self.chosen:
            wanted = ", ".join(map(repr, self.rows.split or sorted(self.default or ())))
            there = ", ".join(f"{quote(name)} ({count} rows)" for name, count in self.seen.items())
            raise DataError(
                f"expected rows of the split {wanted}, got {there}; choose with --split, or use "
                f"--split {_ALL}"
            )

    def _column(self, frame: pd.DataFrame) -> str | None:
        """Return the name of the column with the splits; None where there need not be one.

        Raises:
            DataError: The table lacks the column.
        """
        name = self.rows.split_column or _COLUMN
        if name in frame.columns:
            return name
        if self.rows.split_column is None and not set(self.rows.split or ()) - {_ALL}:
            return None
        raise DataError(
            f"expected the column {quote(name)}, which says what split a row belongs to, got "
            f"{names(frame.columns)}; name it with --split-column"
        )

    def _wants(self, split: str) -> bool:
        if self.rows.split:
            return _ALL in self.rows.split or split in self.rows.split
        return self.default is None or split.lower() in self.default
