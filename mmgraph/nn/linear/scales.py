"""One scale for each kind of pooled features, chosen on rows that were left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from mmgraph.nn.linear.dual import Dual, fit_dual
from mmgraph.nn.task import Task

Scales = tuple[float, ...]

#: Squared lengths of a row's features that are tried for all kinds together.
_COMMON = (1.0, 4.0, 16.0, 64.0)
#: Factors by which one of them is changed, from coarse to fine.
_FACTORS = (4.0, 2.0)
#: Most steps in one direction.
_STEPS = 3
#: What a change has to gain, in mean loss: less is chance.
_GAIN = 5e-4
#: As in `fit_dual`; less than what a change has to gain.
_TOLERANCE = 3e-4
_TEMPERATURES = torch.logspace(-0.5, 0.5, 31)


def out_of_fold(
    gram: Float[Tensor, "rows rows"],
    target: Shaped[Tensor, "rows *outputs"],
    fold: Int[Tensor, "rows"],
    task: Task,
    *,
    starts: dict[int, Dual] | None = None,
    tolerance: float = 1e-4,
) -> Float[Tensor, "rows outputs"]:
    """Return the logits of each row by the model of the rows of all other folds.

    Args:
        gram: Inner products of the rows.
        target: Target of each row.
        fold: Fold of each row.
        task: Whose loss is made small.
        starts: Solutions to begin with, by fold; replaced by those that are found.
        tolerance: As in `fit_dual`.
    """
    starts = {} if starts is None else starts
    logits = gram.new_zeros(len(gram), task.outputs)
    for number in fold.unique().tolist():
        kept, left = (fold != number).nonzero()[:, 0], (fold == number).nonzero()[:, 0]
        rows = gram[:, kept]
        starts[number] = fit_dual(
            rows[kept], target[kept], task, start=starts.get(number), tolerance=tolerance
        )
        logits[left] = starts[number].logits(rows[left])
    return logits


def calibrated_loss(
    logits: Float[Tensor, "rows outputs"], target: Shaped[Tensor, "rows *outputs"], task: Task
) -> float:
    """Return the mean loss at the best temperature, which weighing the parts finds later."""
    losses = [
        float(task.loss(logits * each, target, weighted=False)) for each in _TEMPERATURES.tolist()
    ]
    return min(losses)


def choose_scales(
    grams: Sequence[Float[Tensor, "rows rows"]],
    target: Shaped[Tensor, "rows *outputs"],
    fold: Int[Tensor, "rows"],
    task: Task,
    *,
    shape: Scales | None = None,
) -> Scales:
    """Return the length that a row's features of each kind should have; the penalty is |W|^2 / 2.

    The longer the features, the weaker the penalty. First all kinds together, then one after the
    other, then all together again, as long as left-out rows are predicted better.

    Args:
        grams: Inner products of the rows, whose features have length 1, for each kind.
        target: Target of each row.
        fold: Fold of each row; rows that are alike should be in one.
        task: Whose loss is made small.
        shape: Lengths whose ratios are kept; None: they are chosen too.
    """
    trial = _Trial(grams, target, fold, task)
    begin = [1.0] * len(grams) if shape is None else [each**2 for each in shape]
    common = _COMMON if shape is None else (0.25, 1.0, 4.0)
    for factor in common:
        if not trial.better([factor * each for each in begin]) and factor > common[0]:
            break
    if shape is None and len(grams) > 1:
        for factor in _FACTORS:
            trial.climb(range(len(grams)), factor)
    if shape is None:
        for factor in (2.0, 0.5):
            while trial.better([factor * each for each in trial.best]):
                pass
    return tuple(math.sqrt(each) for each in trial.best)


@dataclass(eq=False)
class _Trial:
    """The best squared lengths so far, and what left-out rows say of others."""

    grams: Sequence[Tensor]
    target: Tensor
    fold: Tensor
    task: Task
    best: list[float] = field(default_factory=list)
    loss: float = math.inf
    starts: dict[int, Dual] = field(default_factory=dict)

    def better(self, squares: Sequence[float]) -> bool:
        """Try other lengths, and keep them where they gain something."""
        gram = torch.stack([s * g for s, g in zip(squares, self.grams, strict=True)]).sum(0)
        starts = dict(self.starts)
        logits = out_of_fold(
            gram, self.target, self.fold, self.task, starts=starts, tolerance=_TOLERANCE
        )
        loss = calibrated_loss(logits, self.target, self.task)
        if not loss < self.loss - _GAIN:
            return False
        self.best, self.loss, self.starts = list(squares), loss, starts
        return True

    def climb(self, places: Iterator[int] | range, factor: float) -> None:
        """Change one length after the other, up or down."""
        for place in places:
            for change in (factor, 1 / factor):
                steps = 0
                while steps < _STEPS and self.better(self._changed(place, change)):
                    steps += 1
                if steps:
                    break

    def _changed(self, place: int, change: float) -> list[float]:
        return [s * change if i == place else s for i, s in enumerate(self.best)]
