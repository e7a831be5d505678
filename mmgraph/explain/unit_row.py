"""One row as units that can be taken away: all that faithfulness and some methods ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.nn.task import Task


class UnitRow(ABC):
    """A row of any model: `Sample` of mmgraph's own models, `FunctionRow` of functions."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the model predicts, and how logits become probabilities."""

    @property
    @abstractmethod
    def unit_items(self) -> list[tuple[str, int]]:
        """Modality and item of each unit."""

    @property
    @abstractmethod
    def logits(self) -> Float[Tensor, "outputs"]:
        """What the model says of the whole row."""

    @abstractmethod
    def subsets(self, kept: Bool[Tensor, "subsets units"]) -> Float[Tensor, "subsets outputs"]:
        """Return the logits with only some of the units, for each subset."""

    @property
    def units(self) -> int:
        """Number of units of the row, in the order of modalities, items and nodes."""
        return len(self.unit_items)
