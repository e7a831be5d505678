"""What an estimator keeps of its training rows."""

from __future__ import annotations

from collections.abc import Sequence

from mmgraph.data.known_rows import KnownRows
from mmgraph.links.reading import without_linked_rows
from mmgraph.modalities.base import Modality
from mmgraph.nn.model import MultimodalModel
from mmgraph.tables.base import DiskTable
from mmgraph.tables.names import row_name
from mmgraph.tables.opening import Table


def keep_rows(
    network: MultimodalModel, modalities: Sequence[Modality], frame: Table
) -> KnownRows | None:
    """Return what explanations show of the rows that vote; None where none do.

    Of tables on disk only the names are kept: reading their cells again would take as long as the
    first time.

    Args:
        network: The fitted network.
        modalities: Its fitted modalities.
        frame: The training rows.
    """
    neighbours = network.neighbours
    if neighbours is None or not neighbours.used:
        return None
    places = neighbours.place.tolist()
    if isinstance(frame, DiskTable):
        return KnownRows([row_name(frame.index, place) for place in places])
    return KnownRows.of(without_linked_rows(modalities), frame.iloc[places])
