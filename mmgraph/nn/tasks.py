"""What is predicted: classes, sets of labels or numbers, each with its loss and its prior.

A task is one class: whatever another room must know of it is asked of the task, and of no list of
tasks. `outputs` are what `activate` returns: probabilities, or numbers in the targets' units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor
from torch.nn import functional as F

from mmgraph.nn.task import CURVATURE, Reduction, Task

#: Share of the prior in what neighbours say, so that none of them rules an output out.
_PRIOR_SHARE = 0.02

#: Thresholds that are tried for labels.
_THRESHOLDS = torch.linspace(0.05, 0.95, 91)


class Multiclass(Task):
    """One class of several: softmax and cross-entropy; targets are class indices [samples].

    Args:
        outputs: Number of classes.
        balanced: Rare classes count as much as common ones while parts are fitted. How much each
            part counts is judged with all rows counting the same, so that probabilities are
            those of the rows. Default: True.
        class_weight: How much each class counts, instead, in both; None: the same. Default: None.
    """

    kind = "multiclass"
    has_means = True
    is_exclusive = True
    metric = "accuracy"
    class_weight: Tensor

    def __init__(
        self,
        outputs: int,
        *,
        balanced: bool = True,
        class_weight: Float[Tensor, "outputs"] | None = None,
    ) -> None:
        super().__init__(outputs)
        self.balanced = balanced and class_weight is None
        weight = torch.ones(outputs) if class_weight is None else class_weight
        self.register_buffer("class_weight", weight)

    def fit(self, target: Int[Tensor, "samples"]) -> None:
        """Learn the shares of the classes."""
        count = torch.bincount(target, minlength=self.outputs).clamp_min(1)
        self.prior = (count / count.sum()).log()
        if self.balanced:
            self.class_weight = len(target) / (self.outputs * count)

    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        target: Int[Tensor, "samples"],
        *,
        reduction: Reduction = "mean",
        weighted: bool = True,
        label_smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return the cross-entropy."""
        weight = self.class_weight if weighted or not self.balanced else None
        return F.cross_entropy(
            logits, target, weight=weight, reduction=reduction, label_smoothing=label_smoothing
        )

    def curvature(self, target: Int[Tensor, "samples"]) -> Float[Tensor, "samples"]:
        """Return about how bent the loss of each sample is: more for rare classes."""
        return CURVATURE * self.class_weight[target]

    def indicators(self, target: Int[Tensor, "samples"]) -> Float[Tensor, "samples outputs"]:
        """Return 1 for the class of each sample, and 0 for all others."""
        return F.one_hot(target, self.outputs).to(self.prior.dtype)

    def logits_of_mean(
        self, mean: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the logarithms of shares of the classes, with a little of the prior."""
        return mean.lerp(self.prior.exp().expand_as(mean), _PRIOR_SHARE).log()

    def total_weight(self, target: Int[Tensor, "samples"]) -> Float[Tensor, ""]:
        """Return the sum of the samples' class weights."""
        return self.class_weight[target].sum()

    def score(
        self, logits: Float[Tensor, "samples outputs"], target: Int[Tensor, "samples"]
    ) -> Float[Tensor, ""]:
        """Return the accuracy."""
        return (logits.argmax(1) == target).float().mean()

    def activate(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the probability of each class; a row sums to 1."""
        return logits.softmax(1)

    def decide(self, outputs: Float[np.ndarray, "rows outputs"]) -> Int[np.ndarray, "rows"]:
        """Return the place of the most probable class."""
        return outputs.argmax(1)

    def summarise(self, target: Int[Tensor, "samples"]) -> dict[str, list[Any]]:
        """Return how many samples each class has."""
        return {"count": target.bincount(minlength=self.outputs).tolist()}

    def describe(self) -> str:
        """Return how many classes there are, in words."""
        return f"one of {self.outputs} classes"

    def changed(
        self, logits: Float[Tensor, "*rows outputs"], whole: Float[Tensor, "outputs"], target: int
    ) -> Bool[Tensor, "*rows"]:
        """Say where another class is the most probable one."""
        return logits.argmax(-1) != whole.argmax()

    def relevant(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the logits less their mean, which the softmax ignores."""
        return logits - logits.mean(1, keepdim=True)


class Multilabel(Task):
    """Any number of labels at once: sigmoids and binary cross-entropy; targets are 0 or 1.

    A label is predicted where its probability reaches `threshold`, one for all labels, which
    `calibrate` sets on held-out samples: the F1 of rare labels often wants less than 0.5.
    """

    kind = "multilabel"
    has_means = True
    has_sets = True
    metric = "accuracy"
    threshold: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        self.register_buffer("threshold", torch.tensor(0.5))

    def fit(self, target: Num[Tensor, "samples outputs"]) -> None:
        """Learn how common each label is."""
        # One more sample with and one without, so that no label is impossible or certain.
        self.prior = ((target.sum(0) + 1) / (len(target) + 2)).logit()

    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        target: Num[Tensor, "samples outputs"],
        *,
        reduction: Reduction = "mean",
        weighted: bool = True,
        label_smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return the binary cross-entropy; "mean" is also over the labels."""
        smooth = target.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
        return F.binary_cross_entropy_with_logits(logits, smooth, reduction=reduction)

    def indicators(
        self, target: Num[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the labels as numbers."""
        return target.to(self.prior.dtype)

    def logits_of_mean(
        self, mean: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the logits of shares of the labels, with a little of the prior."""
        return mean.lerp(self.prior.sigmoid().expand_as(mean), _PRIOR_SHARE).logit(eps=1e-6)

    def score(
        self, logits: Float[Tensor, "samples outputs"], target: Num[Tensor, "samples outputs"]
    ) -> Float[Tensor, ""]:
        """Return the share of labels, given or not, that are right."""
        return ((logits > self.threshold.logit()) == (target > 0)).float().mean()

    def activate(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the probability of each label."""
        return logits.sigmoid()

    def decide(self, outputs: Float[np.ndarray, "rows outputs"]) -> Int[np.ndarray, "rows outputs"]:
        """Return 1 where a label's probability reaches the threshold, else 0."""
        return (outputs >= float(self.threshold)).astype(np.int64)

    def summarise(self, target: Num[Tensor, "samples outputs"]) -> dict[str, list[Any]]:
        """Return how many samples have each label."""
        return {"count": target.sum(0).long().tolist()}

    def describe(self) -> str:
        """Return how many labels there are, in words."""
        return f"any of {self.outputs} labels"

    def changed(
        self, logits: Float[Tensor, "*rows outputs"], whole: Float[Tensor, "outputs"], target: int
    ) -> Bool[Tensor, "*rows"]:
        """Say where the label is predicted and was not, or the other way round."""
        least = self.threshold.logit()
        return (logits[..., target] > least) != (whole[target] > least)

    def calibrate(
        self, logits: Float[Tensor, "samples outputs"], target: Num[Tensor, "samples outputs"]
    ) -> None:
        """Set the threshold with the best F1 over all labels together (micro-F1)."""
        candidates = _THRESHOLDS.to(logits.device)
        chosen = logits.sigmoid().flatten() >= candidates.unsqueeze(1)  # [candidates, all labels]
        truth = target.flatten() > 0
        if not truth.any():
            return
        f1 = 2 * (chosen & truth).sum(1) / (chosen.sum(1) + truth.sum())
        # Held-out samples are few: among thresholds within a hair of the best, the one nearest
        # to 0.5 is the least an accident.
        good = candidates[f1 >= f1.max() - 0.002]
        self.threshold = good[(good - 0.5).abs().argmin()]

    def calibration(self) -> dict[str, float]:
        """Return the threshold."""
        return {"threshold": float(self.threshold)}

    def take_calibration(self, learnt: Mapping[str, float]) -> None:
        """Take over the threshold."""
        self.threshold = self.threshold.new_tensor(learnt["threshold"])


class Regression(Task):
    """One or several numbers: squared error on targets that are standardised.

    Targets, their mean and what is predicted are in double precision: in single precision,
    numbers near 1.7e9 (seconds since 1970) lie 128 apart. Only logits are as the model's weights.

    Args:
        outputs: Number of values.
    """

    kind = "regression"
    has_means = True
    has_probabilities = False
    metric = "mae"
    # Both parts predict the target itself, so that their mean does too.
    part_weight = 0.5
    mean: Tensor
    std: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        self.register_buffer("mean", torch.zeros(outputs, dtype=torch.float64))
        self.register_buffer("std", torch.ones(outputs, dtype=torch.float64))

    def fit(self, target: Float[Tensor, "samples outputs"]) -> None:
        """Learn mean and standard deviation; the prior is the mean, a logit of 0."""
        target = target.double()
        self.mean, std = target.mean(0), target.std(0, correction=0)
        self.std = torch.where(std > 0, std, 1.0)

    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        target: Float[Tensor, "samples outputs"],
        *,
        reduction: Reduction = "mean",
        weighted: bool = True,
        label_smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return the squared error in standard deviations; "mean" is also over the values."""
        return F.mse_loss(logits, self.standardise(target, logits.dtype), reduction=reduction)

    def standardise(
        self, target: Float[Tensor, "samples outputs"], dtype: torch.dtype
    ) -> Float[Tensor, "samples outputs"]:
        """Return targets as what logits stand for."""
        return ((target - self.mean) / self.std).to(dtype)

    def curvature(self, target: Float[Tensor, "samples outputs"]) -> Float[Tensor, "samples"]:
        """Return that of the squared error, which is 2."""
        return torch.full((len(target),), 2.0, device=target.device)

    def indicators(
        self, target: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the standardised numbers."""
        return self.standardise(target, self.prior.dtype)

    def logits_of_mean(
        self, mean: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the numbers, which are logits already."""
        return mean

    def score(
        self, logits: Float[Tensor, "samples outputs"], target: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, ""]:
        """Return the mean absolute error in the targets' units."""
        return (self.activate(logits) - target).abs().mean()

    def activate(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return values in the targets' units."""
        return logits * self.std + self.mean

    def decide(
        self, outputs: Float[np.ndarray, "rows outputs"]
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return the numbers themselves."""
        return outputs

    def summarise(self, target: Float[Tensor, "samples outputs"]) -> dict[str, list[Any]]:
        """Return the range of each number and its mean."""
        found = {"minimum": target.amin(0), "mean": target.mean(0), "maximum": target.amax(0)}
        return {name: values.tolist() for name, values in found.items()}

    def describe(self) -> str:
        """Return how many numbers there are, in words."""
        return "a number" if self.outputs == 1 else f"{self.outputs} numbers"

    @property
    def unit(self) -> Float[Tensor, "outputs"]:
        """The standard deviation of each number."""
        return self.std

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Regression:
        """Move to a device or a dtype; mean and deviation stay double where the device can."""
        mean, std = self.mean, self.std
        self.mean, self.std = mean.float(), std.float()
        super()._apply(fn, recurse)
        if self.mean.device.type != "mps":
            self.mean, self.std = mean.to(self.mean.device), std.to(self.std.device)
        return self
