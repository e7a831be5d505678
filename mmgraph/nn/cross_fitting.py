"""Fits the linear model and the neighbours, and weighs them by rows that each was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from mmgraph.nn.linear.dual import Dual, fit_dual
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.pool import first_pool, partial_patterns, pattern_of
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.linear.scales import choose_scales, out_of_fold
from mmgraph.nn.linear.solve import Alone, solve, take_dual
from mmgraph.nn.neighbours.learn import learn_sharpness
from mmgraph.nn.neighbours.model import Found, Neighbours, shares_of
from mmgraph.nn.neighbours.similarity import RowVectors, nearest
from mmgraph.nn.task import Task
from mmgraph.nn.weighing import find_offset, weigh_parts

#: Rows whose Gram matrix is made; of more, some.
ROWS_FOR_GRAM = 3000
#: Rows that scales are chosen by.
_ROWS_FOR_SCALES = 1000
#: Rows by which it is learnt what makes rows alike.
_ROWS_FOR_SHARPNESS = 1000
#: Fewer rows than this cannot weigh anything.
_FEWEST = 10
#: How strongly weights are pulled to where they begin, in rows.
_PULL = 2.0
#: How strongly what is added to all logits is pulled to 0, in rows.
_PULL_OFFSET = 10.0
#: Weight of the vote to begin with.
_VOTE = 0.3


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What the cheap parts said of rows that they were not fitted on.

    Args:
        rows: Numbers of the rows.
        logits: Logits of the parts together.
    """

    rows: Int[Tensor, "rows"]
    logits: Float[Tensor, "rows outputs"]


def cross_fit(
    linear: LinearModel,
    neighbours: Neighbours | None,
    features: ScaledFeatures,
    target: Shaped[Tensor, "rows *outputs"],
    task: Task,
    *,
    fold: Int[Tensor, "rows"],
    group: Int[Tensor, "rows"],
) -> LeftOut | None:
    """Fit the linear model and the neighbours on all rows, and weigh them.

    Scales, temperatures, weights and what makes rows alike are chosen by predictions of rows
    that were left out, whole folds of them; then the parts are fitted on all rows.

    Args:
        linear: The linear model, which has measured the features.
        neighbours: The neighbours; None to do without.
        features: Features of all training rows, as `linear` measured them.
        target: Target of each row.
        task: What is predicted, fitted.
        fold: Fold of each row.
        group: Group of each row; no group is in two folds.

    Returns:
        What the parts said of left-out rows; None where there are too few to weigh anything.
    """
    if len(target) < _FEWEST or len(fold.unique()) < 2:
        if neighbours is not None:
            neighbours.learn(features, target)
        solve(linear, features, target, task)
        return None
    rows = _some(len(target), ROWS_FOR_GRAM)
    fitting = _CrossFit(linear, features[rows], target[rows], task, fold[rows], group[rows])
    features = linear.stretch(features, fitting.lengths)
    # Rows to come are compared by stretched features, so the training rows are as well.
    vectors = None if neighbours is None else neighbours.learn(features, target)
    fitting.fit()
    logits = fitting.weigh(neighbours, None if vectors is None else vectors[rows])
    if len(rows) == len(target):
        fitting.take(features)
    else:
        solve(linear, features, target, task)
    return LeftOut(rows, logits)


class _CrossFit:
    """Models of all features and of each modality alone, on left-out rows and on all."""

    def __init__(
        self,
        linear: LinearModel,
        features: ScaledFeatures,
        target: Tensor,
        task: Task,
        fold: Tensor,
        group: Tensor,
    ) -> None:
        self.linear, self.target, self.task = linear, target, task
        self.fold, self.group, self.has = fold, group, features.has
        self.kinds = linear.kinds
        grams = [
            gram / scale**2 for gram, scale in zip(features.grams(), linear.scales, strict=True)
        ]
        few = _some(len(target), _ROWS_FOR_SCALES)
        sample = [gram[few][:, few] for gram in grams]
        self.lengths = choose_scales(sample, target[few], fold[few], task)
        self.grams = [gram * length**2 for gram, length in zip(grams, self.lengths, strict=True)]

    def fit(self) -> None:
        """Fit all models, on all rows and on those of all folds but one."""
        gram = torch.stack(self.grams).sum(0)
        self.together, whole = self._both(gram, self.target, self.fold)
        self.alone: list[Alone | None] = []
        alone = [torch.zeros_like(whole) for _ in self.kinds]
        for number, kinds in enumerate(self.kinds):
            real = self.has[:, number]
            if len(self.kinds) == 1 or not kinds or len(self.fold[real].unique()) < 2:
                self.alone.append(None)
                continue
            gram = torch.stack([self.grams[kind][real][:, real] for kind in kinds]).sum(0)
            dual, logits = self._both(gram, self.target[real], self.fold[real])
            self.alone.append(Alone(dual, real))
            alone[number][real] = logits
        self.logits = torch.stack([whole, *alone])

    def _both(self, gram: Tensor, target: Tensor, fold: Tensor) -> tuple[Dual, Tensor]:
        dual = fit_dual(gram, target, self.task)
        return dual, out_of_fold(gram, target, fold, self.task, whole=dual)

    def weigh(self, neighbours: Neighbours | None, vectors: RowVectors | None) -> Tensor:
        """Set the weights of all parts and what is added to them; return left-out logits."""
        everything = torch.ones(len(self.kinds), dtype=torch.bool)
        vote = None
        if neighbours is not None and vectors is not None:
            vote = _Vote(neighbours, vectors, self.group)
            self._learn_sharpness(vote, everything)
        for modalities in [everything, *partial_patterns(len(self.kinds))]:
            self._weigh_pattern(modalities, vote)
        weights = self.linear.weights(self.has).T.unsqueeze(2)
        logits = (weights * self.logits).sum(0)
        if vote is not None:
            weight = vote.neighbours.weight[pattern_of(self.has | ~self.linear.known)]
            logits = logits + weight.unsqueeze(1) * vote.logits(everything)
        self.linear.offset = find_offset(logits, self.target, self.task, pull=_PULL_OFFSET)
        return logits + self.linear.offset

    def _learn_sharpness(self, vote: _Vote, everything: Tensor) -> None:
        rows = self._rows_with(everything)
        if len(rows) < _FEWEST:
            return
        asked = _some(len(rows), _ROWS_FOR_SHARPNESS)
        parts, start = self._parts(everything, rows[asked])
        vote.neighbours.sharpness = learn_sharpness(
            vote.vectors[rows],
            self.target[rows],
            self.group[rows],
            self.task,
            asked=asked,
            others=parts,
            start=torch.cat([start, start.new_tensor([_VOTE])]),
            sharpness=vote.neighbours.sharpness,
            pull=_PULL,
        )

    def _weigh_pattern(self, modalities: Tensor, vote: _Vote | None) -> None:
        """Weigh the parts of rows that have just these modalities, by all rows that have them."""
        rows = self._rows_with(modalities)
        if len(rows) < _FEWEST:
            return
        parts, start = self._parts(modalities, rows)
        if vote is not None:
            parts = torch.cat([parts, vote.logits(modalities)[rows].unsqueeze(0)])
            start = torch.cat([start, start.new_tensor([_VOTE])])
        weights = weigh_parts(parts, self.target[rows], self.task, start=start, pull=_PULL)
        pattern = int(pattern_of(modalities.unsqueeze(0)))
        if vote is not None:
            vote.neighbours.weight[pattern] = weights[-1]
        self.linear.pool[pattern] = weights[: len(start) - (vote is not None)]

    def _rows_with(self, modalities: Bool[Tensor, "modalities"]) -> Int[Tensor, "rows"]:
        has = self.has | ~self.linear.known
        return (has | ~modalities).all(1).nonzero()[:, 0]

    def _parts(
        self, modalities: Bool[Tensor, "modalities"], rows: Int[Tensor, "rows"]
    ) -> tuple[Float[Tensor, "parts rows outputs"], Float[Tensor, "parts"]]:
        """Return left-out logits as the pool weighs them, and the weights to begin with.

        Parts that such rows do not have are 0, so that nothing pulls at their weights.
        """
        real = modalities & self.linear.known
        share = torch.cat([modalities.all().float().view(1), real / real.sum().clamp_min(1)])
        start = first_pool(len(self.kinds))[pattern_of(modalities.unsqueeze(0))[0]]
        return self.logits[:, rows] * share.view(-1, 1, 1), start

    def take(self, features: ScaledFeatures) -> None:
        """Give the linear model the weights of the models of all rows."""
        take_dual(self.linear, features, self.together, self.alone)


@dataclass(frozen=True, eq=False)
class _Vote:
    """Votes of the training rows themselves, none of which sees its own group."""

    neighbours: Neighbours
    vectors: RowVectors
    group: Tensor

    def logits(self, modalities: Bool[Tensor, "modalities"]) -> Float[Tensor, "rows outputs"]:
        """Return what the neighbours say when rows have these modalities at most."""
        queries = RowVectors(self.vectors.vectors, self.vectors.has & modalities)
        alike, near = nearest(
            queries,
            self.vectors,
            self.neighbours.sharpness,
            self.neighbours.count,
            apart=(self.group, self.group),
        )
        return self.neighbours.logits(Found(near, shares_of(alike)))


def _some(count: int, most: int) -> Int[Tensor, "rows"]:
    """Return the numbers of some rows, all over the table."""
    if count <= most:
        return torch.arange(count)
    return torch.linspace(0, count - 1, most).round().long()
