"""Real nodes as rows, one behind the other, and the way to padded nodes and back."""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool, Int, Shaped
from torch import Tensor
from torch.autograd import Function


class PackedNodes:
    """Where the real nodes of one modality stand among the padded ones.

    Linear maps, norms and residuals run on rows, so padding costs nothing there. Without any
    padding, both ways are views.

    Args:
        mask: True where a node exists, as in `Nodes`.

    Example:
        >>> import torch
        >>> rows = PackedNodes(torch.tensor([[True, False], [True, True]]))
        >>> rows.pad(torch.tensor([[1.0], [2.0], [3.0]])).tolist()
        [[[1.0], [0.0]], [[2.0], [3.0]]]
    """

    def __init__(self, mask: Bool[Tensor, "batch nodes"]) -> None:
        self.mask = mask
        self.index = mask.flatten().nonzero()[:, 0]
        self.full = len(self.index) == mask.numel()

    def __len__(self) -> int:
        """Number of real nodes."""
        return len(self.index)

    @property
    def sample(self) -> Int[Tensor, "rows"]:
        """The sample of each row."""
        return self.index // max(self.mask.shape[1], 1)

    def pack(self, x: Shaped[Tensor, "batch nodes *channels"]) -> Shaped[Tensor, "rows *channels"]:
        """Return the real nodes of padded ones, as `Nodes.flat` lists them."""
        flat = x.flatten(0, 1)
        return flat if self.full else _Pack.apply(flat, self.index)

    def pad(self, x: Shaped[Tensor, "rows *channels"]) -> Shaped[Tensor, "batch nodes *channels"]:
        """Return the nodes padded with zeros."""
        flat = x if self.full else _Pad.apply(x, self.index, self.mask.numel())
        return flat.unflatten(0, self.mask.shape)


class _Pack(Function):
    """Choose rows; each at most once, so the backward pass is a copy and not a sum."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, index: Tensor) -> Tensor:
        ctx.index, ctx.size = index, len(flat)
        return flat.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _Pad.apply(grad, ctx.index, ctx.size), None


class _Pad(Function):
    """Put rows where they were chosen from."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, size: int) -> Tensor:
        ctx.index = index
        return rows.new_zeros(size, *rows.shape[1:]).index_copy_(0, index, rows)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _Pack.apply(grad, ctx.index), None, None
