"""A raw value as parts that can be taken away, for models that read raw values themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Bool

from mmgraph.modalities.base import Place


class Parts(ABC):
    """A raw value of a cell, and the value that is left without some of its parts.

    Unlike `Modality.keep`, which takes nodes from features that are computed already, this makes
    values in the form of the raw one: whoever reads that can read these.
    """

    #: Where each part lies in the value.
    places: tuple[Place, ...]
    #: The text that spans of places count in; None where it is no text.
    text: str | None = None

    @abstractmethod
    def keep(self, kept: Bool[np.ndarray, "parts"]) -> Any:
        """Return the value with only some of its parts; the value itself with all of them.

        Args:
            kept: True for parts to keep.

        Returns:
            A value of the same form, or None where nothing is left that could be read.
        """


class WholeValue(Parts):
    """A value that is there or missing, such as a sound or a vector.

    Args:
        raw: The value.
        label: What to call it.
    """

    def __init__(self, raw: Any, label: str) -> None:
        self._raw = raw
        self.places = (Place(label),)

    def keep(self, kept: Bool[np.ndarray, "parts"]) -> Any:
        """Return the value, or None."""
        return self._raw if kept.all() else None
