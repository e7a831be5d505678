"""What the outputs of a model stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmgraph.nn.robust import RobustRegression
from mmgraph.nn.task import Task
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression


@dataclass(frozen=True, eq=False)
class Outputs:
    """The classes, the labels or the numbers that a model predicts.

    Args:
        classes: Classes or labels, in the order of the outputs; None: numbers. Default: None.
        are_sets: A row may have several of them, which are then called labels. Default: False.
        columns: How many numbers a row has where predictions are a table; None: one number.
            Default: None.
        robust: Numbers that are far off count less. Default: False.

    Example:
        >>> Outputs(np.array(["cat", "dog"])).name_decided(np.array([1, 0])).tolist()
        ['dog', 'cat']
    """

    classes: np.ndarray | None = None
    are_sets: bool = False
    columns: int | None = None
    robust: bool = False

    def make_task(self, *, balanced: bool = True) -> Task:
        """Return the unfitted task that learns them.

        Args:
            balanced: Rare classes count as much as common ones.
        """
        if self.classes is None:
            return (RobustRegression if self.robust else Regression)(self.columns or 1)
        if self.are_sets:
            return Multilabel(len(self.classes))
        return Multiclass(len(self.classes), balanced=balanced)

    def name_decided(self, decided: np.ndarray) -> np.ndarray:
        """Return predictions: what `Task.decide` returned, with classes in place of numbers."""
        if self.classes is None:
            return decided[:, 0] if self.columns is None else decided
        return self.classes[decided] if decided.ndim == 1 else decided

    def describe(self) -> dict[str, Any]:
        """Return what is known of them, as JSON holds it."""
        if self.classes is None:
            return {"outputs": self.columns} | ({"robust": True} if self.robust else {})
        return {"classes": self.classes.tolist(), "multilabel": self.are_sets}

    @classmethod
    def restore(cls, described: dict[str, Any]) -> Outputs:
        """Return the outputs that `describe` described."""
        if "classes" not in described:
            return cls(columns=described["outputs"], robust=bool(described.get("robust")))
        return cls(np.array(described["classes"]), are_sets=described["multilabel"])
