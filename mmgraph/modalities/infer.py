"""Which modality a column holds, when the user does not say."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import TYPE_CHECKING

from mmgraph.errors import DataError
from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

#: Tried in this order: a path is also a string.
KINDS: tuple[type[Modality], ...] = (Image, Text)

#: Values of a column that are looked at.
_SAMPLE = 200


def infer_modalities(frame: pd.DataFrame, *, exclude: Hashable = None) -> list[Modality]:
    """Return a modality for each column that looks like one, and log the choice.

    Args:
        frame: The training table.
        exclude: Name of the labels' column, which is no input.

    Raises:
        DataError: No column looks like a known modality.
    """
    from mmgraph.data import read_cells

    found: list[Modality] = []
    for column in frame.columns:
        if column == exclude or not isinstance(column, str):
            continue
        values = [raw for cell in read_cells(frame[[column]], [column]) for raw in cell]
        kind = next((kind for kind in KINDS if kind.accepts(values[:_SAMPLE])), None)
        if kind is not None:
            found.append(kind(column))  # type: ignore[call-arg]
    if not found:
        raise DataError(
            "no column looks like images or texts; name the modalities, for example "
            "[Image('photo'), Text('caption')]"
        )
    ignored = [c for c in frame.columns if c != exclude and c not in {m.columns for m in found}]
    chosen = ", ".join(f"{type(m).__name__}({m.columns!r})" for m in found)
    logger.info("modalities inferred: [%s]; columns not used: %s", chosen, ignored or "none")
    return found
