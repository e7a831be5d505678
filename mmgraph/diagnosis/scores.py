"""The estimator's own score as a function of means over rows, which can be resampled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from mmgraph.data import targets
from mmgraph.data.numbers import encode_numbers
from mmgraph.fitted import FittedModel
from mmgraph.nn.task import Task


class Score(ABC):
    """A score that follows from the means of some numbers that every row has."""

    #: The score's name.
    name: ClassVar[str]
    #: Whether it is a share of the rows, of which a hundredth is called a point.
    is_share: ClassVar[bool]

    @abstractmethod
    def measure(self, logits: Float[Tensor, "rows outputs"]) -> Float[np.ndarray, "rows numbers"]:
        """Return the numbers of each row, in the order of the truth."""

    @abstractmethod
    def reduce(self, means: Float[np.ndarray, "*draws numbers"]) -> Float[np.ndarray, "*draws"]:
        """Return the score from the means of the numbers."""


class Accuracy(Score):
    """Share of the rows that are predicted right: the class, or all labels.

    Args:
        task: What the logits mean.
        truth: Place of each row's class (-1: unknown), or its labels as 0 and 1.
    """

    name = "accuracy"
    is_share = True

    def __init__(self, task: Task, truth: Int[np.ndarray, "rows *labels"]) -> None:
        self.task = task
        self.truth = truth

    def measure(self, logits: Float[Tensor, "rows outputs"]) -> Float[np.ndarray, "rows 1"]:
        """Return 1 where a row is right, else 0."""
        return self._right(logits).astype(np.float64)[:, None]

    def _right(self, logits: Float[Tensor, "rows outputs"]) -> Bool[np.ndarray, "rows"]:
        right = self.task.decide(self.task.activate(logits).numpy()) == self.truth
        return right.all(1) if right.ndim == 2 else right

    def reduce(self, means: Float[np.ndarray, "*draws 1"]) -> Float[np.ndarray, "*draws"]:
        """Return the share itself."""
        return means[..., 0]


class R2(Score):
    """Share of the variance that is explained, mean over the numbers to predict.

    Args:
        task: What the logits mean.
        truth: The numbers.
    """

    name = "R²"
    is_share = False

    def __init__(self, task: Task, truth: Float[np.ndarray, "rows outputs"]) -> None:
        self.task = task
        # Squares of small differences between large numbers would lose their digits.
        self.truth = truth - truth.mean(0)
        self.shift = truth.mean(0)

    def measure(self, logits: Float[Tensor, "rows outputs"]) -> Float[np.ndarray, "rows numbers"]:
        """Return squared errors, truths and their squares."""
        values = self.task.activate(logits).double().numpy() - self.shift
        return np.hstack([(values - self.truth) ** 2, self.truth, self.truth**2])

    def reduce(self, means: Float[np.ndarray, "*draws numbers"]) -> Float[np.ndarray, "*draws"]:
        """Return R²; where all truths are the same, 1 without any error and else 0."""
        error, truth, square = np.split(means, 3, axis=-1)
        variance = (square - truth**2).clip(min=0)
        constant = variance <= 1e-12 * square
        explained = 1 - error / np.where(constant, 1, variance)
        return np.where(constant, (error == 0).astype(float), explained).mean(-1)


def make_score(fitted: FittedModel, truth: Any, index: Any) -> Score:
    """Return an estimator's own score on some targets.

    Args:
        fitted: The estimator's model.
        truth: Targets in any form that its `score` takes.
        index: Names of the rows, for messages.

    Raises:
        DataError: The targets cannot be used.
    """
    task, classes = fitted.task, fitted.outputs.classes
    if classes is None:
        return R2(task, encode_numbers(truth, index).numpy())
    if task.has_sets:
        return Accuracy(task, targets.indicator(truth, classes, index))
    return Accuracy(task, targets.match_classes(truth, classes, index))


class Resampling:
    """Bootstrap: the same draws of rows for all scores, so that differences are paired.

    Efron (1979), "Bootstrap methods: another look at the jackknife". Whole groups are drawn
    where there are any.

    Args:
        score: The score.
        rows: Number of rows.
        groups: The group of each row, None where each is its own.
        draws: Number of draws.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        score: Score,
        rows: int,
        *,
        groups: Int[np.ndarray, "rows"] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> None:
        owner = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
        units = int(owner.max()) + 1
        drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), draws)
        self.score = score
        #: How often each row was drawn.
        self.weight: Num[np.ndarray, "draws rows"] = np.vstack([np.ones(rows), drawn[:, owner]])

    def __call__(self, numbers: Float[np.ndarray, "rows numbers"]) -> Float[np.ndarray, "draws"]:
        """Return the score of the rows themselves, and behind it those of all draws.

        Args:
            numbers: What `Score.measure` returned.
        """
        return self.score.reduce(self.weight @ numbers / self.weight.sum(1, keepdims=True))
