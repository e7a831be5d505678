"""Regressions on single blocks of features, joined by what they say of left-out rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.comparison.baselines.part import LeftOut, Part, TrainingRows
from mmgraph.comparison.baselines.regression import Regression
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.linear.scaling import usable_deviation
from mmgraph.nn.weighing import weigh_parts

#: How strongly weights are pulled to those of a plain mean, in rows.
_PULL = 1.0


class LogPool(Part):
    r"""Weighted sum of the regressions' logits, whose weights fit left-out rows.

    .. math:: p \propto \prod_r p_r^{w_r}, \qquad w_r \geq 0

    Args:
        regressions: What is joined.

    Fitted state:
        weights.
    """

    def __init__(self, regressions: Sequence[Regression]) -> None:
        self.regressions = list(regressions)

    def fit(self, rows: TrainingRows) -> LeftOut:
        """Fit the regressions and their weights."""
        left = torch.stack([each.fit(rows)() for each in self.regressions])
        start = torch.full((len(left),), 1 / len(left))
        self.weights = weigh_parts(left, rows.target, rows.task, start=start, pull=_PULL)
        self.num_parameters = _count(self.regressions) + len(left)
        return lambda: torch.einsum("r,rno->no", self.weights, left)

    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the weighted sum."""
        parts = torch.stack([each.logits(features) for each in self.regressions])
        return torch.einsum("r,rno->no", self.weights, parts)


class Stack(Part):
    """A regression on the regressions' logits of left-out rows (Wolpert, 1992).

    https://doi.org/10.1016/S0893-6080(05)80023-1

    Args:
        regressions: What is joined.

    Fitted state:
        meta, mean and factor (of the logits).
    """

    def __init__(self, regressions: Sequence[Regression]) -> None:
        self.regressions = list(regressions)

    def fit(self, rows: TrainingRows) -> LeftOut:
        """Fit the regressions, and the one on what they say."""
        left = torch.cat([each.fit(rows)() for each in self.regressions], dim=1)
        self.mean = left.mean(0)
        self.factor = 1 / (usable_deviation(left.std(0, correction=0), 0.01) * left.shape[1] ** 0.5)
        self.meta = Regression([0], [0])
        known = TrainingRows(self._scaled(left), rows.target, rows.task, rows.fold, rows.group)
        said = self.meta.fit(known)
        self.num_parameters = _count([*self.regressions, self.meta])
        return said

    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the regression on logits."""
        parts = torch.cat([each.logits(features) for each in self.regressions], dim=1)
        return self.meta.logits(self._scaled(parts))

    def _scaled(self, logits: Tensor) -> ScaledFeatures:
        x = (logits - self.mean) * self.factor
        return ScaledFeatures([x], torch.ones(len(x), 1, dtype=torch.bool))


def _count(regressions: Sequence[Regression]) -> int:
    return sum(each.num_parameters for each in regressions)
