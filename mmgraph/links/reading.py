"""What an estimator does with its links: checks them, and adds the rows that each row sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from mmgraph.data.dataset import SampleDataset
from mmgraph.errors import DataError, names, quote
from mmgraph.links.base import LinkKind
from mmgraph.links.linked import NAME, LinkedRows
from mmgraph.modalities.base import Modality
from mmgraph.tables.base import DiskTable
from mmgraph.tables.names import column_names
from mmgraph.tables.opening import Table

if TYPE_CHECKING:
    import pandas as pd


def link_columns(links: Sequence[LinkKind]) -> list[str]:
    """Return the columns that links read, each once."""
    return list(dict.fromkeys(column for link in links for column in link.columns))


def take_link_columns(links: Sequence[LinkKind], table: Table, truth: Any) -> pd.DataFrame | None:
    """Return the columns of a table that links read; None where there are no links.

    Args:
        links: The links.
        table: The training rows, without the column of targets.
        truth: The targets.

    Raises:
        DataError: A column is not there, or holds the targets; or the table is on disk.
    """
    if not links:
        return None
    columns = link_columns(links)
    target = [column for column in columns if column in column_names(truth)]
    if target:
        raise DataError(
            f"links: {quote(target[0])} is the target, which new rows do not have; link rows by "
            "another column"
        )
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise DataError(
            f"links: expected the column {quote(lacking[0])}, got a table with the columns "
            f"{names(table.columns)}"
        )
    if isinstance(table, DiskTable):
        raise DataError(
            f"links need all rows in memory, and this table of {len(table):,} rows stays on disk; "
            "fit on a part of it that read_frame returns as a DataFrame"
        )
    return table[columns]


def add_linked_rows(
    links: Sequence[LinkKind],
    frame: pd.DataFrame,
    base: SampleDataset,
    groups: Int[np.ndarray, "rows"] | None,
) -> tuple[LinkedRows, SampleDataset]:
    """Return the fitted modality of linked rows, and the training rows with its items.

    Args:
        links: The links.
        frame: The columns that they read.
        base: The rows with the items of their other modalities.
        groups: Group of each row.

    Raises:
        DataError: A modality has the name of that of linked rows.
    """
    if any(each.node_type == NAME for each in base.modalities):
        raise DataError(
            f"links: a modality is called {NAME!r}, as linked rows are; give it another name="
        )
    modality, items = LinkedRows.of(links).fit_rows(frame, base, groups)
    joined = SampleDataset(
        [*base.modalities, modality],
        {**base.items, modality.node_type: items},
        base.target,
        names=base.names,
    )
    return modality, joined


def without_linked_rows(modalities: Sequence[Modality]) -> list[Modality]:
    """Return the modalities that users name."""
    return [each for each in modalities if not isinstance(each, LinkedRows)]


def links_of(modalities: Sequence[Modality]) -> list[LinkKind] | None:
    """Return the links that a model was fitted with; None without any."""
    return next((list(each.links_) for each in modalities if isinstance(each, LinkedRows)), None)
