"""The second graph attention network's attention, without edge lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch_geometric.nn import GATv2Conv, MessagePassing

from mmgraph.message_passing.base import Ends, LinearMap
from mmgraph.message_passing.convs.attention import AttentionForm, heads_of
from mmgraph.message_passing.convs.gat import residual
from mmgraph.message_passing.edges.edges import DenseEdges, EdgeTensor
from mmgraph.message_passing.edges.mask_edges import MaskEdges, by_head
from mmgraph.message_passing.edges.stencil import overlaps
from mmgraph.message_passing.edges.stencil_edges import StencilEdges
from mmgraph.message_passing.fused import fusable, leaky_attention

#: Numbers of one batch of pairs: half a megabyte stays in the processor's cache.
_AT_ONCE = 2**17


class DenseGATv2(AttentionForm):
    r"""`GATv2Conv` whose vectors of pairs of nodes live only in the processor's cache.

    https://arxiv.org/abs/2105.14491

    .. math::
        x_i' = \sum_{j \in N(i)} \alpha_{ij} W_l x_j, \quad
        \alpha_{ij} = \mathrm{softmax}_j \left(
        a^T \mathrm{LeakyReLU}(W_l x_j + W_r x_i) \right)

    With a slope of :math:`s` and :math:`\max(l, -r) = \mathrm{ReLU}(l + r) - r`,

    .. math::
        a^T \mathrm{LeakyReLU}(l_j + r_i) =
        s \, a^T l_j + (1 - s) \, a^T \max(l_j, -r_i) + a^T r_i

    whose last term is the same for all :math:`j`, so the softmax ignores it.
    """

    operator = GATv2Conv

    def reason(self, conv: MessagePassing) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        if conv.edge_dim is not None:
            return "edge features (edge_dim) have no dense form"
        return super().reason(conv)

    def source_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the source's map."""
        return [LinearMap.of(conv.lin_l)]

    def target_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the target's map."""
        return [LinearMap.of(conv.lin_r)]

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the residual's map, if there is one."""
        return residual(conv)

    def received(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target heads channels"]:
        """Return what each target receives, by a kernel where one does it."""
        neighbours = fusable(conv, source.x, edges)
        if neighbours is None:
            return super().received(conv, source, target, edges)
        left, right = (heads_of(each.mapped[0], conv.heads) for each in (source, target))
        return leaky_attention(left, right, conv.att[0], conv.negative_slope, neighbours)

    def logits(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> EdgeTensor:
        """Return the logits of all edges, up to a constant for each target."""
        left = heads_of(source.mapped[0], conv.heads)
        right = -heads_of(target.mapped[0], conv.heads)
        linear = conv.negative_slope * (left * conv.att).sum(2)
        larger = weighted_max(left, right, (1 - conv.negative_slope) * conv.att[0], edges)
        return larger + edges.of_source(linear)


def weighted_max(
    left: Float[Tensor, "source heads channels"],
    right: Float[Tensor, "target heads channels"],
    weight: Float[Tensor, "heads channels"],
    edges: DenseEdges,
) -> EdgeTensor:
    """Return the weighted sum over the channels of the larger of an edge's two ends."""
    if isinstance(edges, StencilEdges):
        return _StencilMax.apply(left, right, weight, edges.steps)
    assert isinstance(edges, MaskEdges)
    ends = by_head(edges.source, left), by_head(edges.target, right)
    if torch.compiler.is_compiling():  # a loop over parts would be of the traced batch's size
        larger = torch.maximum(ends[0].unsqueeze(2), ends[1].unsqueeze(3))
        return (larger * weight[:, None, None]).sum(4)
    return _PairMax.apply(*ends, weight)


class _PairMax(Function):
    """For all pairs, a few heads of samples at a time, so that no pair's vector is kept.

    Which end is larger is found again in the backward pass. That is twice as quick as two
    `torch.cdist`, which give the same, and exact where the ends differ by rounding only.
    """

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(left, right, weight)
        out = left.new_empty(*right.shape[:3], left.shape[2])
        weights = weight.expand(len(left), -1, -1).flatten(0, 1)
        flat = out.view(len(weights), right.shape[2] * left.shape[2])
        left, right = left.flatten(0, 1).unsqueeze(1), right.flatten(0, 1).unsqueeze(2)
        for part, pairs in _parts(left, right):
            torch.maximum(left[part], right[part], out=pairs)
            # Single products of a matrix and a vector are twice as quick as batched ones.
            for row, pair in enumerate(pairs.flatten(1, 2), part.start):
                torch.mv(pair, weights[row], out=flat[row])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        left, right, weight = ctx.saved_tensors
        grads = grad.flatten(0, 1)  # [batch * heads, target, source]
        to_left, to_right = left.new_zeros(left.shape), right.new_zeros(right.shape)
        wide = left.flatten(0, 1).unsqueeze(1), right.flatten(0, 1).unsqueeze(2)
        for part, pairs in _parts(*wide):
            # 1 where the left end is larger.
            torch.gt(wide[0][part], wide[1][part], out=pairs)
            to_right.flatten(0, 1)[part] = (grads[part].unsqueeze(2) @ pairs).squeeze(2)
            pairs.mul_(grads[part].unsqueeze(3))
            to_left.flatten(0, 1)[part] = pairs.sum(1)
        to_right = grad.sum(3, keepdim=True) - to_right
        to_weight = ((to_left * left).sum(2) + (to_right * right).sum(2)).sum(0)
        return to_left * weight.unsqueeze(1), to_right * weight.unsqueeze(1), to_weight


def _parts(
    left: Float[Tensor, "rows 1 source channels"], right: Float[Tensor, "rows target 1 channels"]
) -> Iterator[tuple[slice, Float[Tensor, "part target source channels"]]]:
    """Yield slices of the rows and, each time, the same memory for their pairs."""
    shape = right.shape[1], left.shape[2], left.shape[3]
    # A single row may be more.
    size = max(1, _AT_ONCE // max(1, shape[0] * shape[1] * shape[2]))
    memory = left.new_empty(min(size, len(left)), *shape)
    for start in range(0, len(left), size):
        part = slice(start, min(start + size, len(left)))
        yield part, memory[: part.stop - start]


class _StencilMax(Function):
    """For neighbours at fixed steps; which end is larger is found again in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, weight: Tensor, steps: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(left, right, weight)
        ctx.steps = steps
        out = left.new_zeros(*left.shape[:2], len(steps))
        for number, here, there in overlaps(len(left), steps):
            out[here, :, number] = torch.maximum(left[there], right[here]).mul_(weight).sum(2)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        left, right, weight = ctx.saved_tensors
        to_left, to_right = left.new_zeros(left.shape), right.new_zeros(right.shape)
        for number, here, there in overlaps(len(left), ctx.steps):
            own = grad[here, :, number, None]
            larger = torch.gt(left[there], right[here]).to(left.dtype)
            to_left[there].addcmul_(own, larger)
            to_right[here].addcmul_(own, 1 - larger)
        to_weight = (to_left * left).sum(0) + (to_right * right).sum(0)
        return to_left * weight, to_right * weight, to_weight, None
