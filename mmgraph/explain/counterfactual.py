"""Counterfactuals: the few words and regions without which the prediction would be another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.unit_row import UnitRow


@dataclass(frozen=True)
class Counterfactual(Explainer):
    r"""A small set of units without which another output is predicted (SEDC,
    https://doi.org/10.25300/MISQ/2014/38.1.04).

    Units are taken away one by one, each time the one whose loss lowers the output's logit most,
    until the prediction of the output changes. Then each is put back that is not needed for that.
    So none of the set can be left out, though a smaller set may exist.

    .. math::
        s_u = f(U \setminus S_{<u}) - f(U \setminus S_{\le u}), \qquad u \in S

    The scores are the steps by which the logit falls, and 0 for units outside the set. They are
    all 0 where no set of `most` units changes the prediction.

    Args:
        most: Most units of the set. Default: 20.
    """

    name: ClassVar[str] = "counterfactual"
    needs_network: ClassVar[bool] = False

    most: int = 20

    def __post_init__(self) -> None:
        if self.most < 1:
            raise DataError(f"expected most of at least 1 unit, got {self.most}")

    def attribute(self, sample: UnitRow, target: int) -> Attribution:
        """Return the scores of the row's units.

        Raises:
            DataError: Predictions are numbers, of which none is another one than the last.
        """
        if sample.task.changed(sample.logits, sample.logits, target) is None:
            raise DataError(
                "counterfactual: expected classes or labels, of which another one can be "
                'predicted, got numbers; use "shapley" or "occlusion"'
            )
        scores = torch.zeros(sample.units, dtype=sample.logits.dtype)
        taken = self._search(sample, target)
        if not taken:
            return Attribution(scores)
        taken = _needed(sample, target, taken)
        logits = sample.subsets(_without(sample, [taken[:n] for n in range(len(taken) + 1)]))
        scores[taken] = -logits[:, target].diff()
        return Attribution(scores, changes_to=int(logits[-1].argmax()))

    def _search(self, sample: UnitRow, target: int) -> list[int]:
        """Return units in the order in which they were taken; none where nothing changed."""
        taken: list[int] = []
        for _ in range(min(self.most, sample.units)):
            left = [unit for unit in range(sample.units) if unit not in taken]
            logits = sample.subsets(_without(sample, [[*taken, unit] for unit in left]))
            best = int(_hinders(sample, logits, target).argmax())
            taken.append(left[best])
            if _changed(sample, logits[best], target):
                return taken
        return []


def _needed(sample: UnitRow, target: int, taken: list[int]) -> list[int]:
    """Return the units without those that change nothing when they are put back."""
    for unit in taken[:-1]:
        fewer = [each for each in taken if each != unit]
        if _changed(sample, sample.subsets(_without(sample, [fewer]))[0], target):
            taken = fewer
    return taken


def _without(sample: UnitRow, sets: list[list[int]]) -> Bool[Tensor, "sets units"]:
    kept = torch.ones(len(sets), sample.units, dtype=torch.bool)
    for row, units in enumerate(sets):
        kept[row, units] = False
    return kept


def _changed(sample: UnitRow, logits: Float[Tensor, "outputs"], target: int) -> bool:
    changed = sample.task.changed(logits, sample.logits, target)
    return changed is not None and bool(changed)


def _hinders(
    sample: UnitRow, logits: Float[Tensor, "sets outputs"], target: int
) -> Float[Tensor, "sets"]:
    """Return how far each set moves the output away from what was predicted of it."""
    is_predicted = float(sample.task.comparable(sample.logits.unsqueeze(0))[0, target]) >= 0.5
    is_exclusive = sample.task.is_exclusive
    return -logits[:, target] if is_exclusive or is_predicted else logits[:, target]
