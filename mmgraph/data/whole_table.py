"""Modalities that see a whole table, and not one cell after the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmgraph.modalities.base import Modality
from mmgraph.tables.base import DiskTable
from mmgraph.tables.opening import Table
from mmgraph.tables.stream import RowStream

if TYPE_CHECKING:
    import pandas as pd

#: Rows of a stream that are read at once.
_PART = 4096


class WholeTable(Modality):
    """What a row's nodes are follows from other rows as well."""

    @abstractmethod
    def bind(
        self, frame: pd.DataFrame, others: Sequence[Modality]
    ) -> tuple[WholeTable, pd.DataFrame]:
        """Return a copy that reads this table's cells, and the table with cells for it.

        One that is bound already returns itself, and the table as it is.

        Args:
            frame: All rows.
            others: The model's other modalities, fitted.
        """


def bind_table(
    modalities: Sequence[Modality], table: Table | RowStream
) -> tuple[Sequence[Modality], Table | RowStream]:
    """Return modalities that can read a table part by part, and the table.

    Where some need all rows at once, these are read into memory; else both are returned as they
    are.
    """
    if not any(isinstance(each, WholeTable) for each in modalities):
        return modalities, table
    frame = _whole(table)
    bound = list(modalities)
    for number, each in enumerate(bound):
        if isinstance(each, WholeTable):
            others = [other for other in bound if other is not each]
            bound[number], frame = each.bind(frame, others)
    return bound, frame


def _whole(table: Table | RowStream) -> pd.DataFrame:
    if isinstance(table, DiskTable):
        return table.frame()
    if isinstance(table, RowStream):
        import pandas as pd

        return pd.concat(table.parts(_PART))
    return table
