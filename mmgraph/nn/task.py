"""What is predicted, as all other rooms ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

Reduction = Literal["mean", "sum"]

#: Typical curvature of the cross-entropy, p (1 - p), for solvers to begin with.
CURVATURE = 0.1


class Task(nn.Module, ABC):
    """How logits become predictions, how they are judged, and what to say without any input.

    A subclass sets `kind` and `metric`, and defines `fit`, `loss`, `score`, `activate`, `decide`,
    `summarise` and `describe`. The other methods have defaults, which suit one independent
    probability for each output; a task that sets `has_means` also defines `indicators` and
    `logits_of_mean`.

    Args:
        outputs: Number of logits.
    """

    #: Word for the task, as in `mmgraph.typing.TaskKind`; a task of one's own has its own.
    kind: ClassVar[str]
    #: Outputs are probabilities of classes or labels; False: numbers in the targets' units.
    has_probabilities: ClassVar[bool] = True
    #: A row may have several of the classes at once, which are then called labels.
    has_sets: ClassVar[bool] = False
    #: One softmax over all outputs, of which exactly one is right.
    is_exclusive: ClassVar[bool] = False
    #: Targets have means that say something, so that the nearest rows can vote.
    has_means: ClassVar[bool] = False
    #: Name of the metric that is shown for each epoch.
    metric: ClassVar[str]
    #: Weight of each of a model's parts when no held-out rows can tell.
    part_weight: ClassVar[float] = 1.0

    prior: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.register_buffer("prior", torch.zeros(outputs))

    @abstractmethod
    def fit(self, target: Shaped[Tensor, "samples *outputs"]) -> None:
        """Learn the prior, and what else the training targets tell."""

    @abstractmethod
    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        target: Shaped[Tensor, "samples *outputs"],
        *,
        reduction: Reduction = "mean",
        weighted: bool = True,
        label_smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return the loss over the samples.

        Args:
            logits: Output of a model.
            target: Targets as the task encodes them.
            reduction: "mean" over the samples, or "sum".
            weighted: Weigh classes as the task was told to.
            label_smoothing: Share of probability that is spread over all classes.
        """

    def curvature(self, target: Shaped[Tensor, "samples *outputs"]) -> Float[Tensor, "samples"]:
        """Return about how bent the loss of each sample is, for solvers to begin with."""
        return torch.full((len(target),), CURVATURE, device=target.device)

    def indicators(
        self, target: Shaped[Tensor, "samples *outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return targets whose mean over samples means something; where `has_means`."""
        raise NotImplementedError

    def logits_of_mean(
        self, mean: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return what a mean of `indicators` says, as logits; where `has_means`."""
        raise NotImplementedError

    @property
    def prior_mean(self) -> Float[Tensor, "outputs"]:
        """The mean of `indicators` that says what the prior does; where `has_means`."""
        if not self.has_probabilities:
            return self.prior
        return self.activate(self.prior.unsqueeze(0))[0]

    def total_weight(self, target: Shaped[Tensor, "samples *outputs"]) -> Float[Tensor, ""]:
        """Return what the loss divides by for reduction="mean": how much the samples count."""
        return torch.tensor(float(target.numel()), device=target.device)

    @abstractmethod
    def score(
        self, logits: Float[Tensor, "samples outputs"], target: Shaped[Tensor, "samples *outputs"]
    ) -> Float[Tensor, ""]:
        """Return the mean of `metric` over the samples."""

    @abstractmethod
    def activate(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return probabilities, or values in the targets' units."""

    @abstractmethod
    def decide(self, outputs: Float[np.ndarray, "rows outputs"]) -> np.ndarray:
        """Return what is predicted: places of classes, labels as 0 and 1, or the numbers."""

    @abstractmethod
    def summarise(self, target: Shaped[Tensor, "samples *outputs"]) -> dict[str, list[Any]]:
        """Return what a model card says of the targets, a value for each class or number."""

    @abstractmethod
    def describe(self) -> str:
        """Return in words what is predicted: "one of 3 classes"."""

    def output_names(self, classes: np.ndarray | None) -> list[Any]:
        """Return what each output is called: the classes, or places where there are none."""
        return list(range(self.outputs) if classes is None else classes)

    def explained_output(self, outputs: Float[Tensor, "outputs"]) -> int:
        """Return which output of a row is explained where none is named."""
        return int(outputs.argmax()) if self.has_probabilities else 0

    def comparable(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return values on one scale for all outputs: probabilities, or standard deviations."""
        return self.activate(logits) if self.has_probabilities else logits

    def changed(
        self, logits: Float[Tensor, "*rows outputs"], whole: Float[Tensor, "outputs"], target: int
    ) -> Bool[Tensor, "*rows"] | None:
        """Say which rows' prediction of an output is another one than `whole`'s.

        None where no two predictions are ever the same, as with numbers.
        """
        return None

    @property
    def unit(self) -> Float[Tensor, "outputs"]:
        """What a difference of each output is measured in; 1 for probabilities."""
        return torch.ones_like(self.prior)

    def relevant(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the logits without what no prediction depends on; all by default."""
        return logits

    def calibrate(
        self, logits: Float[Tensor, "samples outputs"], target: Shaped[Tensor, "samples *outputs"]
    ) -> None:
        """Learn from held-out samples how logits become decisions; nothing by default."""
        return

    def calibration(self) -> dict[str, float]:
        """Return what `calibrate` learnt, as JSON holds it."""
        return {}

    def take_calibration(self, learnt: Mapping[str, float]) -> None:
        """Take over what another task's `calibration` returned."""
        return
