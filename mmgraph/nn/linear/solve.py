"""The weights of a linear model: by gradients, or taken over from their dual form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor, nn

from mmgraph.nn.linear.dual import Dual
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.task import Task


@dataclass(frozen=True, eq=False)
class Alone:
    """A modality's model by itself, in its dual form.

    Args:
        dual: The model.
        rows: True for the samples that it was fitted on.
    """

    dual: Dual
    rows: Bool[Tensor, "samples"]


def solve(
    model: LinearModel,
    features: ScaledFeatures,
    target: Shaped[Tensor, "samples *outputs"],
    task: Task,
    *,
    max_iter: int = 100,
) -> None:
    """Learn the weights from zero, by gradients; for more samples than a Gram matrix can have.

    Args:
        model: The model, which has measured the features.
        features: Scaled features of the training samples.
        target: Target of each sample.
        task: Whose loss is made small.
        max_iter: Most steps of L-BFGS.
    """
    scaled, has = features.x, features.has
    model.weight = nn.Parameter(model.mean.new_zeros(len(model.mean), model.outputs))
    model.alone_weight = nn.Parameter(torch.zeros_like(model.weight))
    widths = [sum(x.shape[1] for x in group) for group in model.by_modality(scaled)]

    def together() -> Tensor:
        logits = model.bias + sum(model.products(scaled, model.weight))
        return task.loss(logits, target, reduction="sum") + model.weight.square().sum() / 2

    def alone() -> Tensor:
        logits = model.alone(scaled)
        losses = [
            task.loss(logits[real, number], target[real], reduction="sum")
            for number, real in enumerate(has.unbind(1))
            if real.any()
        ]
        penalty = model.alone_weight.square().sum() / 2
        return sum(losses, start=model.bias.new_zeros(())) + penalty

    _minimise(together, [model.weight, model.bias], max_iter)
    if len(widths) > 1:
        _minimise(alone, [model.alone_weight, model.alone_bias], max_iter)


def take_dual(
    model: LinearModel, features: ScaledFeatures, together: Dual, alone: Sequence[Alone | None]
) -> None:
    """Give a model the weights that a dual form stands for.

    Args:
        model: The model, which has measured the features.
        features: Scaled features of the training samples.
        together: The model of all features.
        alone: For each modality its own model; None leaves its weights 0.
    """
    model.weight = nn.Parameter(torch.cat([x.T @ together.coefficient for x in features.x]))
    model.bias = nn.Parameter(together.bias.clone())
    parts: list[Tensor] = []
    biases: list[Tensor] = []
    for group, each in zip(model.by_modality(features.x), alone, strict=True):
        if each is None:
            coefficient, bias = together.coefficient * 0, torch.zeros_like(together.bias)
        else:
            coefficient, bias = torch.zeros_like(together.coefficient), each.dual.bias
            coefficient[each.rows] = each.dual.coefficient
        parts.extend(x.T @ coefficient for x in group)
        biases.append(bias)
    model.alone_weight = nn.Parameter(torch.cat(parts))
    model.alone_bias = nn.Parameter(torch.stack(biases))


def _minimise(loss: Callable[[], Tensor], parameters: list[nn.Parameter], max_iter: int) -> None:
    """Bring a convex loss to its minimum by L-BFGS."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=max_iter, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(closure)
