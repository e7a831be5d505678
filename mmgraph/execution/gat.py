"""The graph attention network's attention on padded nodes."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATConv, MessagePassing

from mmgraph.execution.base import (
    DenseForm,
    attend,
    attend_near,
    attention_reason,
    join_heads,
    shifted,
    split_heads,
)
from mmgraph.relations import Stencil


class DenseGAT(DenseForm):
    r"""`GATConv` with one logit for each pair of nodes, never one vector.

    https://arxiv.org/abs/1710.10903

    .. math::
        x_i' = \sum_{j \in N(i)} \alpha_{ij} W x_j, \quad
        \alpha_{ij} = \mathrm{softmax}_j \left(
        \mathrm{LeakyReLU}(a_s^T W x_j + a_t^T W x_i) \right)
    """

    operator = GATConv

    def reason(self, conv: MessagePassing) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        return super().reason(conv) or attention_reason(conv)

    def forward(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch source in_source"],
        target: Float[Tensor, "batch target in_target"],
        reach: Bool[Tensor, "batch #target source"],
    ) -> Float[Tensor, "batch target out"]:
        """Compute `conv((source, target), edge_index)`."""
        value, from_source, from_target = _project(conv, source, target)
        logits = from_target.mT.unsqueeze(3) + from_source.mT.unsqueeze(2)
        logits = F.leaky_relu(logits, conv.negative_slope)
        dropout = conv.dropout if conv.training else 0.0
        gathered = attend(logits, split_heads(value, conv.heads), reach, dropout)
        return add_residual_and_bias(conv, join_heads(gathered, conv.concat), target)

    def forward_near(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch nodes in_source"],
        target: Float[Tensor, "batch nodes in_target"],
        near: Stencil,
    ) -> Float[Tensor, "batch nodes out"]:
        """Compute `conv((source, target), edge_index)` for a stencil."""
        value, from_source, from_target = _project(conv, source, target)
        logits = [
            F.leaky_relu(from_target + each, conv.negative_slope)
            for each in shifted(from_source, near)
        ]
        dropout = conv.dropout if conv.training else 0.0
        gathered = attend_near(logits, value, near, dropout)
        return add_residual_and_bias(conv, join_heads(gathered, conv.concat), target)


def _project(
    conv: MessagePassing,
    source: Float[Tensor, "batch source in_source"],
    target: Float[Tensor, "batch target in_target"],
) -> tuple[
    Float[Tensor, "batch source wide"],
    Float[Tensor, "batch source heads"],
    Float[Tensor, "batch target heads"],
]:
    """Return the values, and the parts of the logits that come from source and target."""
    to_source, to_target = (conv.lin, conv.lin) if conv.lin else (conv.lin_src, conv.lin_dst)
    value, query = to_source(source), to_target(target)
    from_source = (value.unflatten(2, (conv.heads, -1)) * conv.att_src).sum(3)
    from_target = (query.unflatten(2, (conv.heads, -1)) * conv.att_dst).sum(3)
    return value, from_source, from_target


def add_residual_and_bias(
    conv: MessagePassing,
    result: Float[Tensor, "batch target out"],
    target: Float[Tensor, "batch target in_target"],
) -> Float[Tensor, "batch target out"]:
    """Add what `GATConv` and `GATv2Conv` add after their attention."""
    # PyG's layers have `residual` since 2.6.
    if getattr(conv, "res", None) is not None:
        result = result + conv.res(target)
    return result if conv.bias is None else result + conv.bias
