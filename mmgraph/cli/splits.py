"""Which rows of a table a command uses, where a column says what split they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmgraph.errors import DataError

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
        column: Name of the column; None: "split", where there is one.
        wanted: Names of splits, or "all"; none: `default`.
        default: Splits to use unasked; None: all rows.
    """

    column: str | None
    wanted: Sequence[str]
    default: frozenset[str] | None
    seen: Counter[str] = field(init=False, default_factory=Counter)
    chosen: int = field(init=False, default=0)

    def take(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table, or of a part of it, that are wanted.

        Raises:
            DataError: The table lacks the column.
        """
        name = self._name(frame)
        if name is None:
            self.chosen += len(frame)
            return frame
        values = frame[name].astype(str)
        self.seen.update(values.tolist())
        if _ALL in self.wanted or not (self.wanted or self.default):
            kept = frame
        elif self.wanted:
            kept = frame[values.isin(self.wanted)]
        else:
            kept = frame[values.str.lower().isin(self.default or ())]
        self.chosen += len(kept)
        return kept.drop(columns=name)

    def check(self) -> None:
        """Refuse to go on without any row, after the whole table was seen.

        Raises:
            DataError: No row was wanted.
        """
        if not self.chosen:
            wanted = ", ".join(map(repr, self.wanted or sorted(self.default or ())))
            there = ", ".join(f"{name!r} ({count} rows)" for name, count in self.seen.items())
            raise DataError(
                f"expected rows of the split {wanted}, got {there}; choose with --split, or use "
                f"--split {_ALL}"
            )

    def _name(self, frame: pd.DataFrame) -> str | None:
        name = _COLUMN if self.column is None else self.column
        if name in frame.columns:
            return name
        if self.column is None and not set(self.wanted) - {_ALL}:
            return None
        raise DataError(
            f"expected the column {name!r}, which says what split a row belongs to, got "
            f"{[str(column) for column in frame.columns]}; name it with --split-column"
        )
