"""Logistic or ridge regressions on block-scaled features, side by side, with a chosen penalty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.comparison.baselines.part import LeftOut, Part, TrainingRows
from mmgraph.nn.linear.dual import fit_dual
from mmgraph.nn.linear.scaled import ScaledFeatures

#: Inverse penalties that are tried, scikit-learn's C; the middle one first.
_STRENGTHS = tuple(4.0**power for power in range(-3, 6))
_FIRST = 4
#: Rows that the penalty is chosen by; of more, some.
_ROWS_FOR_PENALTY = 1500


class Regression(Part):
    r"""One regression on several blocks of features, with its penalty chosen by left-out folds.

    .. math:: \min_W C \sum_i \ell(W x_i + b, y_i) + \tfrac12 |W|^2

    As scikit-learn's `LogisticRegression(C=C)`, or `Ridge(alpha=1 / 2C)` on standardised
    numbers, solved in its dual form. Rows that have none of the features get the prior.

    Args:
        kinds: Numbers of the blocks.
        modalities: Numbers of the modalities that these are of.

    Fitted state:
        strength (C), weights (of each block), bias.
    """

    num_parameters: int

    def __init__(self, kinds: Sequence[int], modalities: Sequence[int]) -> None:
        self.kinds, self.modalities = list(kinds), list(modalities)

    def fit(self, rows: TrainingRows) -> LeftOut:
        """Choose the penalty, and fit on all rows that have some of the features."""
        self.prior = rows.task.prior
        real = self._rows_with(rows.features)
        known = rows[real]
        grams = ScaledFeatures([known.features.x[kind] for kind in self.kinds], known.features.has)
        gram = torch.stack(grams.grams()).sum(0)
        self.strength = choose_strength(gram, known)
        gram = gram * self.strength
        dual = fit_dual(gram, known.target, rows.task)
        coefficient = self.strength * dual.coefficient
        self.weights = [known.features.x[kind].T @ coefficient for kind in self.kinds]
        self.bias = dual.bias
        self.num_parameters = sum(each.numel() for each in [*self.weights, self.bias])

        def left_out() -> Tensor:
            logits = self.prior.expand(len(rows.target), -1).clone()
            if len(known.fold.unique()) > 1:
                logits[real] = left_out_logits(gram, known)
            return logits

        return left_out

    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits, the prior's for rows that have none of the features."""
        logits = self.prior.expand(len(features.has), -1).clone()
        real = self._rows_with(features)
        blocks = [features.x[kind].index_select(0, real) for kind in self.kinds]
        parts = [x @ weight for x, weight in zip(blocks, self.weights, strict=True)]
        logits[real] = self.bias + torch.stack(parts).sum(0)
        return logits

    def _rows_with(self, features: ScaledFeatures) -> Int[Tensor, "real"]:
        return features.has[:, self.modalities].any(1).nonzero()[:, 0]


def choose_strength(gram: Float[Tensor, "rows rows"], rows: TrainingRows) -> float:
    """Return the inverse penalty with the least loss on left-out folds.

    Args:
        gram: Inner products of the rows.
        rows: The rows.
    """
    few = torch.arange(len(gram))
    if len(few) > _ROWS_FOR_PENALTY:
        few = torch.linspace(0, len(few) - 1, _ROWS_FOR_PENALTY).round().long()
    gram, rows = gram[few][:, few], rows[few]
    if len(rows.fold.unique()) < 2:
        return _STRENGTHS[_FIRST]

    def loss(place: int) -> float:
        if not 0 <= place < len(_STRENGTHS):
            return math.inf
        logits = left_out_logits(gram * _STRENGTHS[place], rows)
        return float(rows.task.loss(logits, rows.target, weighted=False))

    # The loss has one minimum: go down from the middle, on the side that is lower.
    best, least = _FIRST, loss(_FIRST)
    for step in (1, -1):
        while (following := loss(best + step)) < least:
            best, least = best + step, following
        if best != _FIRST:
            break
    return _STRENGTHS[best]


def left_out_logits(
    gram: Float[Tensor, "rows rows"], rows: TrainingRows
) -> Float[Tensor, "rows outputs"]:
    """Return the logits of each row by the regression of the rows of all other folds.

    Each is solved from zero, so that nothing of a row is known to the model that judges it.

    Args:
        gram: Inner products of the rows.
        rows: The rows.
    """
    logits = gram.new_zeros(len(gram), rows.task.outputs)
    for number in rows.fold.unique().tolist():
        kept, left = (rows.fold != number).nonzero()[:, 0], (rows.fold == number).nonzero()[:, 0]
        products = gram[:, kept]
        dual = fit_dual(products[kept], rows.target[kept], rows.task, tolerance=1e-4)
        logits[left] = dual.logits(products[left])
    return logits
