"""What decides a training, as users choose it, and where it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any, Literal

import torch

from mmgraph.errors import unknown_name
from mmgraph.system.choices import check_choices

Logs = Literal["csv", "tensorboard"]
OptimizerName = Literal["adamw", "adam", "nadam", "sgd"]
#: A name of `OPTIMIZERS`, or a class such as those of `torch.optim`: called with groups of
#: parameters, `lr` and `weight_decay`.
OptimizerLike = OptimizerName | Callable[..., torch.optim.Optimizer]


def adamw(groups: Iterable[Any], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Return AdamW, in one pass over the weights."""
    return torch.optim.AdamW(groups, lr=lr, weight_decay=weight_decay, fused=True)


def adam(groups: Iterable[Any], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Return Adam, whose weight decay is part of the gradients, in one pass over the weights."""
    return torch.optim.Adam(groups, lr=lr, weight_decay=weight_decay, fused=True)


def sgd(groups: Iterable[Any], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Return stochastic gradient descent with Nesterov's momentum of .9."""
    return torch.optim.SGD(groups, lr=lr, weight_decay=weight_decay, momentum=0.9, nesterov=True)


#: The optimisers by name.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": adamw,
    "adam": adam,
    "nadam": torch.optim.NAdam,
    "sgd": sgd,
}


def find_optimizer(optimizer: OptimizerLike | object) -> Callable[..., torch.optim.Optimizer]:
    """Return what makes an optimiser, given its name or itself.

    Raises:
        ValueError: There is no such optimiser.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(unknown_name("optimizer", optimizer, OPTIMIZERS))
        return OPTIMIZERS[optimizer]
    if not callable(optimizer):
        raise ValueError(
            f"optimizer: expected one of {', '.join(OPTIMIZERS)}, or a class of torch.optim, got "
            f"{optimizer!r}"
        )
    return optimizer


#: Names of values, the lowest one allowed, and what they must stay below.
_RANGES = (
    (("epochs", "batch_size", "accumulate", "patience"), 1, inf),
    (("learning_rate", "weight_decay", "gradient_clip"), 0, inf),
    (("label_smoothing", "averaging", "modality_dropout"), 0, 1),
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Training:
    """How the graph, or the fusion in its place, is trained; the linear model is not concerned.

    The learning rate rises over the first tenth of the steps and falls to nothing (one cycle,
    https://arxiv.org/abs/1708.07120). A running mean of the weights is what is validated and kept.

    Args:
        epochs: Most passes over the training rows. Default: 15.
        batch_size: Rows of a batch, over all processes where a launcher started several.
            Default: 64.
        accumulate: Parts of a batch that are computed one after the other, where a whole one
            needs more memory than there is. The steps stay the same. Default: 1.
        learning_rate: Highest learning rate, the change of a weight in a step for optimisers such
            as AdamW. Default: 0.002.
        optimizer: "adamw", "adam", "nadam", "sgd" (with momentum), or a class such as those of
            `torch.optim`, called with groups of weights, `lr` and `weight_decay`. Default: "adamw".
        weight_decay: Share of a weight that is taken away in a step, times the learning rate; of
            matrices only, not of biases, norms and embeddings of one axis. Default: 0.05.
        label_smoothing: Share of the probability that is spread over all classes. Default: 0.1.
        gradient_clip: Longest gradient of all weights together, in units of the loss by weight; a
            longer one is scaled down, 0 leaves all as they are. Default: 5.0.
        patience: Epochs whose loss on held-out rows is above the lowest by more than a hundredth,
            after which training stops. Default: 4.
        averaging: Share of the averaged weights that a step keeps, from 0 (the last step's
            weights) to below 1. Default: 0.98.
        modality_dropout: Probability of hiding a modality of a row; for inputs that lack more than
            the training rows do. Default: 0.0.

    Raises:
        ValueError: A value is out of its range, or there is no such optimiser.

    Example:
        >>> Training(epochs=3)
        Training(epochs=3)
        >>> Training(averaging=1.5)
        Traceback (most recent call last):
        ValueError: Training: expected averaging from 0 to below 1, got 1.5
    """

    epochs: int = 15
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 2e-3
    optimizer: OptimizerLike = "adamw"
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    gradient_clip: float = 5.0
    patience: int = 4
    averaging: float = 0.98
    modality_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_choices(self)
        find_optimizer(self.optimizer)
        for names, lowest, below in _RANGES:
            for name in names:
                value = getattr(self, name)
                if not lowest <= value < below:
                    expected = (
                        f"of at least {lowest}" if below == inf else f"from 0 to below {below}"
                    )
                    raise ValueError(f"Training: expected {name} {expected}, got {value!r}")

    def __repr__(self) -> str:
        chosen = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        return f"Training({', '.join(f'{name}={getattr(self, name)!r}' for name in chosen)})"

    def parameters(self) -> dict[str, Any]:
        """Return all values by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a training runs and what it shows, which decides nothing.

    Args:
        device: "auto", "cpu", "gpu" and so on, as Lightning names accelerators. Default: "auto".
        log_dir: Folder for logs; None: no logs. Default: None.
        logs: Kind of logs. Default: "csv".
        progress: Show a progress bar. Default: True.
    """

    device: str = "auto"
    log_dir: str | Path | None = None
    logs: Logs = "csv"
    progress: bool = True
