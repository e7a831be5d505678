"""The graph attention network's attention on padded nodes."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATConv, MessagePassing

from mmgraph.execution.base import (
    DenseForm,
    attend,
    attention_reason,
    join_heads,
    split_heads,
)


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
        to_source, to_target = (conv.lin, conv.lin) if conv.lin else (conv.lin_src, conv.lin_dst)
        value = split_heads(to_source(source), conv.heads)
        query = split_heads(to_target(target), conv.heads)
        from_source = (value * conv.att_src.unsqueeze(2)).sum(3)  # [batch, heads, source]
        from_target = (query * conv.att_dst.unsqueeze(2)).sum(3)
        logits = from_target.unsqueeze(3) + from_source.unsqueeze(2)
        logits = F.leaky_relu(logits, conv.negative_slope)
        dropout = conv.dropout if conv.training else 0.0
        result = join_heads(attend(logits, value, reach, dropout), conv.concat)
        return add_residual_and_bias(conv, result, target)


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
