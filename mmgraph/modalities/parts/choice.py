"""Which parts the values of a modality have."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.parts.base import Parts, WholeValue
from mmgraph.modalities.parts.pictures import Regions
from mmgraph.modalities.parts.words import Words
from mmgraph.modalities.text import Text


def uncropped(modality: Modality) -> Modality:
    """Return a copy whose pictures are whole, for boxes of parts count in whole pictures."""
    if not isinstance(modality, Image):
        return modality
    whole = copy.copy(modality)
    whole.scaling = "stretch"
    return whole


def take_apart(modality: Modality, raw: Any, folder: Path) -> Parts:
    """Return the parts of a raw value: regions, words, or the whole of anything else.

    Args:
        modality: What reads the value; it need not be fitted.
        raw: The value, which is not missing.
        folder: Where to write files of pictures without some regions.

    Raises:
        CellError: The value cannot be read.
    """
    if isinstance(modality, Image):
        return Regions(raw, modality.root, folder)
    if isinstance(modality, Text):
        return Words(raw)
    return WholeValue(raw, modality.node_type)
