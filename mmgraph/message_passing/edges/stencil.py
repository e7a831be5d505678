"""Products with neighbours at fixed steps, without a copy of the neighbours.

Three operations whose gradients are each other: for every row and step s

    dot      out[r, h, s]    = sum_c query[r, h, c] key[r + s, h, c]
    gather   out[r, h, c]    = sum_s weight[r, h, s] value[r + s, h, c]
    spread   out[r + s, h, c] += weight[r, h, s] value[r, h, c]

Beyond the first and last row everything is 0. Autograd's own way, padding and slicing for every
step, writes a tensor of zeros for each slice in the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

Steps = tuple[int, ...]


def dot(
    query: Float[Tensor, "rows heads channels"],
    key: Float[Tensor, "rows heads channels"],
    steps: Steps,
) -> Float[Tensor, "rows heads steps"]:
    """Return the product of each row with the row of every step from it."""
    return _Dot.apply(query, key, steps)


def gather(
    weight: Float[Tensor, "rows heads steps"],
    value: Float[Tensor, "rows heads channels"],
    steps: Steps,
) -> Float[Tensor, "rows heads channels"]:
    """Return the weighted sum of the rows at every step from each row.

    Example:
        >>> import torch
        >>> value = torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)
        >>> gather(torch.ones(3, 1, 2), value, (-1, 1)).flatten().tolist()
        [10.0, 101.0, 10.0]
    """
    return _Sum.apply(weight, value, steps, False)


def overlaps(rows: int, steps: Steps) -> Iterator[tuple[int, slice, slice]]:
    """Yield the number of each step, the rows that have a row at that step, and those rows."""
    for number, step in enumerate(steps):
        first, last = max(0, -step), max(0, rows - max(0, step), -step)
        yield number, slice(first, last), slice(first + step, last + step)


class _Dot(Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, steps: Steps) -> Tensor:
        ctx.save_for_backward(query, key)
        ctx.steps = steps
        out = query.new_zeros(*query.shape[:2], len(steps))
        for number, here, there in overlaps(len(query), steps):
            out[here, :, number] = (query[here] * key[there]).sum(2)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        query, key = ctx.saved_tensors
        to_query = _Sum.apply(grad, key, ctx.steps, False) if ctx.needs_input_grad[0] else None
        to_key = _Sum.apply(grad, query, ctx.steps, True) if ctx.needs_input_grad[1] else None
        return to_query, to_key, None


class _Sum(Function):
    """`gather`, or with `back` its mirror `spread`; each is the other's gradient."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, value: Tensor, steps: Steps, back: bool) -> Tensor:
        # Only a gradient of the weights needs the values.
        ctx.save_for_backward(weight, value if ctx.needs_input_grad[0] else None)
        ctx.steps, ctx.back = steps, back
        out = value.new_zeros(value.shape)
        for number, here, there in overlaps(len(value), steps):
            to, of = (there, here) if back else (here, there)
            out[to].addcmul_(weight[here, :, number, None], value[of])
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        weight, value = ctx.saved_tensors
        to_weight = to_value = None
        if ctx.needs_input_grad[0]:
            ends = (value, grad) if ctx.back else (grad, value)
            to_weight = _Dot.apply(*ends, ctx.steps)
        if ctx.needs_input_grad[1]:
            to_value = _Sum.apply(weight, grad, ctx.steps, not ctx.back)
        return to_weight, to_value, None, None
