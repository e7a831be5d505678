"""How much each part of a model counts, by rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mmgraph.nn.task import Task


def weigh_parts(
    parts: Float[Tensor, "parts samples outputs"],
    target: Shaped[Tensor, "samples *outputs"],
    task: Task,
    *,
    start: Float[Tensor, "parts"],
    pull: float,
    beside: Float[Tensor, "samples outputs"] | None = None,
) -> Float[Tensor, "parts"]:
    r"""Return the weights of some parts' logits, none of them negative.

    .. math:: \sum_i \ell(\sum_p w_p z_{pi}, y_i) + \lambda |w - w_0|^2

    A weight is a temperature too: a part that is too sure of itself gets less. One that only
    does harm is left out; it is never turned against itself, and the others are weighed anew
    without it.

    Args:
        parts: Logits of each part.
        target: Target of each sample.
        task: Whose loss, with all samples counting the same, is made small.
        start: Weights w_0 to begin with and to be pulled to.
        pull: How strong that is, λ, in samples.
        beside: Logits that are added as they are; None: nothing.
    """
    used = torch.ones_like(start)
    while True:
        weights = _minimise(parts, target, task, start, used, pull, beside)
        if (weights >= 0).all():
            return weights
        used = used * (weights >= 0)


def find_offset(
    logits: Float[Tensor, "samples outputs"],
    target: Shaped[Tensor, "samples *outputs"],
    task: Task,
    *,
    pull: float,
) -> Float[Tensor, "outputs"]:
    r"""Return what to add to the logits of every sample.

    .. math:: \sum_i \ell(z_i + b, y_i) + \lambda |b|^2

    Args:
        logits: Logits of rows that the model was not fitted on.
        target: Target of each sample.
        task: Whose loss, with all samples counting the same, is made small.
        pull: How strongly the offset is pulled to 0, λ, in samples.
    """
    offset = logits.new_zeros(logits.shape[1])

    def loss(offset: Tensor) -> Tensor:
        found = task.loss(logits + offset, target, reduction="sum", weighted=False)
        return found + pull * offset.square().sum()

    return _minimum(loss, offset)


def _minimise(
    parts: Tensor,
    target: Tensor,
    task: Task,
    start: Tensor,
    used: Tensor,
    pull: float,
    beside: Tensor | None,
) -> Tensor:
    def loss(weights: Tensor) -> Tensor:
        logits = torch.einsum("p,pso->so", weights * used, parts)
        logits = logits if beside is None else logits + beside
        found = task.loss(logits, target, reduction="sum", weighted=False)
        return found + pull * (weights - start).square().sum()

    return _minimum(loss, start) * used


def _minimum(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Return where a convex loss is smallest, by L-BFGS."""
    point = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([point], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(point)
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(closure)
    return point.detach()
