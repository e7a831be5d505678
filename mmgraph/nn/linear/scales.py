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
#: What a change has to gain, in loss summed over the rows: less is chance.
_GAIN = 0.5
#: Share of the loss by which a change may be worse in the first folds and still be looked at, and
#: the fewest rows that can tell.
_HOPE, _FEWEST = 0.01, 150
#: As in `fit_dual`; less than what a change has to gain.
_TOLERANCE = 3e-4
_TEMPERATURES = torch.logspace(-0.5, 0.5, 31)


def out_of_fold(
    gram: Float[Tensor, "rows rows"],
    target: Shaped[Tensor, "rows *outputs"],
    fold: Int[Tensor, "rows"],
    task: Task,
    *,
    whole: Dual,
) -> Float[Tensor, "rows outputs"]:
    """Return the logits of each row by the model of the rows of all other folds.

    Args:
        gram: Inner products of the rows.
        target: Target of each row.
        fold: Fold of each row.
        task: Whose loss is made small.
        whole: The model of all rows, from whose coefficients of the other folds' rows each is
            begun: what is not quite solved says too little of a left-out row, not too much.
    """
    logits = gram.new_zeros(len(gram), task.outputs)
    for kept, left in _folds(fold):
        rows = gram[:, kept]
        start = Dual(whole.coefficient[kept], whole.bias)
        found = fit_dual(rows[kept], target[kept], task, start=start, tolerance=1e-4)
        logits[left] = found.logits(rows[left])
    return logits


def _folds(fold: Int[Tensor, "rows"]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows that are kept and those that are left out, for each fold."""
    for number in fold.unique().tolist():
        yield (fold != number).nonzero()[:, 0], (fold == number).nonzero()[:, 0]


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
) -> Scales:
    """Return the length that a row's features of each kind should have; the penalty is |W|^2 / 2.

    The longer the features, the weaker the penalty. First all kinds together, then one after the
    other, then all together again, as long as left-out rows are predicted better.

    Args:
        grams: Inner products of the rows, whose features have length 1, for each kind.
        target: Target of each row.
        fold: Fold of each row; rows that are alike should be in one.
        task: Whose loss is made small.
    """
    trial = _Trial(grams, target, fold, task)
    for square in _COMMON:
        if not trial.better([square] * len(grams)) and square > _COMMON[0]:
            break
    if len(grams) > 1:
        for factor in _FACTORS:
            trial.climb(range(len(grams)), factor)
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
    logits: Tensor | None = None
    starts: list[Dual] = field(default_factory=list)

    def better(self, squares: Sequence[float]) -> bool:
        """Try other lengths, and keep them where they gain something."""
        gram = torch.stack([s * g for s, g in zip(squares, self.grams, strict=True)]).sum(0)
        logits, starts = gram.new_zeros(len(gram), self.task.outputs), []
        seen = torch.zeros_like(self.fold, dtype=torch.bool)
        for place, (kept, left) in enumerate(_folds(self.fold)):
            rows = gram[:, kept]
            start = self.starts[place] if self.starts else None
            found = fit_dual(
                rows[kept], self.target[kept], self.task, start=start, tolerance=_TOLERANCE
            )
            logits[left] = found.logits(rows[left])
            starts.append(found)
            seen[left] = True
            if self._hopeless(logits, seen):
                return False
        loss = calibrated_loss(logits, self.target, self.task)
        if not loss < self.loss - _GAIN / len(self.target):
            return False
        self.best, self.loss, self.logits, self.starts = list(squares), loss, logits, starts
        return True

    def _hopeless(self, logits: Tensor, seen: Tensor) -> bool:
        """Whether the rows that were left out so far are predicted clearly worse than by the best.

        Most changes are, and the other folds need not be solved to see it.
        """
        if self.logits is None or seen.sum() < _FEWEST:
            return False
        both = [
            calibrated_loss(each[seen], self.target[seen], self.task)
            for each in (logits, self.logits)
        ]
        return both[0] > (1 + _HOPE) * both[1]

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
