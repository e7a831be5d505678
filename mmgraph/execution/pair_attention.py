"""Attention over all pairs whose logits are sums of one number at each end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

#: Numbers of one batch of pairs, which should stay in the processor's cache.
_AT_ONCE = 2**16


def additive_attention(
    source: Float[Tensor, "batch heads nodes_source"],
    target: Float[Tensor, "batch heads nodes_target"],
    value: Float[Tensor, "batch heads nodes_source channels"],
    closed: Bool[Tensor, "batch 1 #nodes_target nodes_source"] | None,
    slope: float,
) -> Float[Tensor, "batch heads nodes_target channels"]:
    r"""Return what each target hears, a few samples at a time: no weight of a pair is kept.

    .. math:: y_i = \sum_j \mathrm{softmax}_j (\mathrm{LeakyReLU}(s_j + t_i)) \, v_j

    Args:
        source: The number of each source and head.
        target: The number of each target and head.
        value: What each source says.
        closed: True for pairs to leave out; no target may be left without any.
        slope: Slope of the LeakyReLU below 0.
    """
    if closed is not None and closed.shape[2] == 1:
        # The same pairs for all targets: a source of -inf gets no weight, and needs no mask.
        source, closed = source.masked_fill(closed[:, :, 0], -float("inf")), None
    if torch.compiler.is_compiling():  # a loop over parts would be of the traced batch's size
        return _weights(source, target, closed, slope)[1] @ value
    return _AdditiveAttention.apply(source, target, value, closed, slope)


class _AdditiveAttention(Function):
    """Weights are worked out again in the backward pass, which costs less than to store them."""

    @staticmethod
    def forward(
        ctx: Any, source: Tensor, target: Tensor, value: Tensor, closed: Tensor | None, slope: float
    ) -> Tensor:
        ctx.save_for_backward(source, target, value, closed)
        ctx.slope = slope
        out = value.new_empty(*target.shape, value.shape[3])
        for part in _parts(source, target):
            _, weight = _weights(source[part], target[part], _of(closed, part), slope)
            torch.matmul(weight, value[part], out=out[part])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        source, target, value, closed = ctx.saved_tensors
        to_source, to_target = torch.empty_like(source), torch.empty_like(target)
        to_value = torch.empty_like(value)
        for part in _parts(source, target):
            total, weight = _weights(source[part], target[part], _of(closed, part), ctx.slope)
            to_value[part] = weight.mT @ grad[part]
            to_weight = grad[part] @ value[part].mT
            # The softmax's gradient, then the LeakyReLU's.
            to_logit = to_weight.sub_((to_weight * weight).sum(3, keepdim=True)).mul_(weight)
            to_logit = torch.ops.aten.leaky_relu_backward(to_logit, total, ctx.slope, False)
            to_source[part], to_target[part] = to_logit.sum(2), to_logit.sum(3)
        return to_source, to_target, to_value, None, None


def _weights(
    source: Tensor, target: Tensor, closed: Tensor | None, slope: float
) -> tuple[Tensor, Tensor]:
    """Return the sums of both ends, and their attention weights."""
    total = target.unsqueeze(3) + source.unsqueeze(2)
    logits = F.leaky_relu(total, slope)
    if closed is not None:
        logits.masked_fill_(closed, -float("inf"))
    return total, logits.softmax(3)


def _parts(source: Tensor, target: Tensor) -> Iterator[slice]:
    """Yield slices of samples whose pairs stay in the processor's cache."""
    pairs = source.shape[1] * source.shape[2] * target.shape[2]
    size = max(1, _AT_ONCE // max(1, pairs))
    for start in range(0, len(source), size):
        yield slice(start, start + size)


def _of(closed: Tensor | None, part: slice) -> Tensor | None:
    return None if closed is None else closed[part]
