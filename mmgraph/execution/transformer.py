"""The graph transformer's attention on padded nodes."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, TransformerConv

from mmgraph.execution.base import (
    DenseForm,
    attend_near,
    attention_reason,
    join_heads,
    open_rows,
    shifted,
    split_heads,
)
from mmgraph.relations import Stencil


class DenseTransformer(DenseForm):
    r"""`TransformerConv` as masked scaled dot-product attention.

    https://arxiv.org/abs/2009.03509

    .. math::
        x_i' = W_1 x_i + \sum_{j \in N(i)} \alpha_{ij} W_2 x_j, \quad
        \alpha_{ij} = \mathrm{softmax}_j \left( (W_3 x_i)^T (W_4 x_j) / \sqrt{d} \right)
    """

    operator = TransformerConv

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
        allowed, hears = open_rows(reach)
        gathered = F.scaled_dot_product_attention(
            split_heads(conv.lin_query(target), conv.heads),
            split_heads(conv.lin_key(source), conv.heads),
            split_heads(conv.lin_value(source), conv.heads),
            attn_mask=allowed,
            dropout_p=conv.dropout if conv.training else 0.0,
        )
        return _add_root(conv, join_heads(gathered * hears, conv.concat), target)

    def forward_near(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch nodes in_source"],
        target: Float[Tensor, "batch nodes in_target"],
        near: Stencil,
    ) -> Float[Tensor, "batch nodes out"]:
        """Compute `conv((source, target), edge_index)` for a stencil."""
        query = conv.lin_query(target) / math.sqrt(conv.out_channels)
        logits = [
            (query * key).unflatten(2, (conv.heads, -1)).sum(3)
            for key in shifted(conv.lin_key(source), near)
        ]
        dropout = conv.dropout if conv.training else 0.0
        gathered = attend_near(logits, conv.lin_value(source), near, dropout)
        return _add_root(conv, join_heads(gathered, conv.concat), target)


def _add_root(
    conv: MessagePassing,
    gathered: Float[Tensor, "batch target out"],
    target: Float[Tensor, "batch target in_target"],
) -> Float[Tensor, "batch target out"]:
    if not conv.root_weight:
        return gathered
    root = conv.lin_skip(target)
    if conv.lin_beta is None:
        return gathered + root
    beta = conv.lin_beta(torch.cat([gathered, root, gathered - root], dim=-1)).sigmoid()
    return beta * root + (1 - beta) * gathered
