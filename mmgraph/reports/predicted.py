"""What a model said of some rows, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from mmgraph.fitted import FittedModel
from mmgraph.metrics import bootstrap_metrics, evaluate_predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predicted:
    """Rows with their truth and their predictions.

    Args:
        frame: The rows.
        truth: A class, a set of labels or a number for each row.
        decided: What was predicted.
        outputs: Probabilities of classes or labels, or numbers.
        classes: The classes or labels; None for numbers.
        groups: Group of each row; None without.
    """

    frame: pd.DataFrame
    truth: Any
    decided: Shaped[np.ndarray, "rows *outputs"]
    outputs: Float[np.ndarray, "rows outputs"]
    classes: Shaped[np.ndarray, "classes"] | None
    groups: Shaped[np.ndarray, "rows"] | None = None

    @classmethod
    def by(
        cls,
        fitted: FittedModel,
        frame: pd.DataFrame,
        truth: Any,
        outputs: Float[np.ndarray, "rows outputs"],
        groups: Any = None,
    ) -> Predicted:
        """Return what a model's outputs say of rows."""
        own = None if groups is None else np.asarray(groups)
        return cls(frame, truth, fitted.decide(outputs), outputs, fitted.outputs.classes, own)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: Bool[np.ndarray, "rows"]) -> Predicted:
        chosen = np.flatnonzero(rows)
        truth = (
            self.truth.iloc[chosen]
            if hasattr(self.truth, "iloc")
            else [self.truth[row] for row in chosen]
            if isinstance(self.truth, list)
            else self.truth[chosen]
        )
        return Predicted(
            self.frame.iloc[chosen],
            truth,
            self.decided[chosen],
            self.outputs[chosen],
            self.classes,
            None if self.groups is None else self.groups[chosen],
        )

    def score(self, names: list[str]) -> dict[str, float]:
        """Return metrics of the rows.

        Raises:
            DataError: A metric cannot be had of them.
        """
        return evaluate_predictions(names, *self._given)

    def intervals(self, names: list[str], *, draws: int, seed: int) -> list[tuple[float, float]]:
        """Return the 95% bootstrap interval of each metric."""
        drawn = bootstrap_metrics(names, *self._given, groups=self.groups, draws=draws, seed=seed)
        found = []
        for column in drawn.T:
            there = column[~np.isnan(column)]
            low, high = np.percentile(there, [2.5, 97.5]) if len(there) else (np.nan, np.nan)
            found.append((float(low), float(high)))
        return found

    @property
    def _given(self) -> tuple[Any, Any, Any, Any]:
        probabilities = None if self.classes is None else self.outputs
        return self.truth, self.decided, probabilities, self.classes
