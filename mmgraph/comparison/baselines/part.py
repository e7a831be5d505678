"""What baselines are made of: models of block-scaled features that can judge left-out rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.task import Task

#: Returns the logits of all training rows, each by models that were fitted on other folds.
LeftOut: TypeAlias = Callable[[], Float[Tensor, "rows outputs"]]


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What a part is fitted on.

    Args:
        features: Features of the rows, a block for each kind.
        target: Target of each row.
        task: What is predicted, fitted.
        fold: Fold of each row.
        group: Group of each row; no group is in two folds.
    """

    features: ScaledFeatures
    target: Shaped[Tensor, "rows *outputs"]
    task: Task
    fold: Int[Tensor, "rows"]
    group: Int[Tensor, "rows"]

    def __getitem__(self, rows: Int[Tensor, "chosen"]) -> TrainingRows:
        return TrainingRows(
            self.features[rows], self.target[rows], self.task, self.fold[rows], self.group[rows]
        )


class Part(ABC):
    """A model of features; whatever it chooses, it chooses by rows that were left out.

    Attributes:
        num_parameters: How many numbers were fitted; None where that cannot be counted.
    """

    num_parameters: int | None

    @abstractmethod
    def fit(self, rows: TrainingRows) -> LeftOut:
        """Fit on all rows, and return a function that judges each by models without its fold."""

    @abstractmethod
    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits of further rows."""
