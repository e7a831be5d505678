"""The second graph attention network's attention on padded nodes."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATv2Conv, MessagePassing

from mmgraph.execution.base import (
    DenseForm,
    attend,
    attend_near,
    attention_reason,
    join_heads,
    shifted,
    split_heads,
)
from mmgraph.execution.gat import add_residual_and_bias
from mmgraph.relations import Stencil


class DenseGATv2(DenseForm):
    r"""`GATv2Conv` with its logits as distances, so no vector is kept for a pair of nodes.

    https://arxiv.org/abs/2105.14491

    .. math::
        x_i' = \sum_{j \in N(i)} \alpha_{ij} W_l x_j, \quad
        \alpha_{ij} = \mathrm{softmax}_j \left(
        a^T \mathrm{LeakyReLU}(W_l x_j + W_r x_i) \right)
    """

    operator = GATv2Conv

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
        left = split_heads(conv.lin_l(source), conv.heads)
        right = split_heads(conv.lin_r(target), conv.heads)
        logits = _logits(left, right, conv.att.unsqueeze(2), conv.negative_slope)
        dropout = conv.dropout if conv.training else 0.0
        gathered = attend(logits, left, reach, dropout)
        return add_residual_and_bias(conv, join_heads(gathered, conv.concat), target)

    def forward_near(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch nodes in_source"],
        target: Float[Tensor, "batch nodes in_target"],
        near: Stencil,
    ) -> Float[Tensor, "batch nodes out"]:
        """Compute `conv((source, target), edge_index)` for a stencil."""
        left, right = conv.lin_l(source), conv.lin_r(target)
        sums = [F.leaky_relu(right + each, conv.negative_slope) for each in shifted(left, near)]
        logits = [(each.unflatten(2, (conv.heads, -1)) * conv.att).sum(3) for each in sums]
        dropout = conv.dropout if conv.training else 0.0
        gathered = attend_near(logits, left, near, dropout)
        return add_residual_and_bias(conv, join_heads(gathered, conv.concat), target)


def _logits(
    left: Float[Tensor, "batch heads source channels"],
    right: Float[Tensor, "batch heads target channels"],
    weight: Float[Tensor, "1 heads 1 channels"],
    slope: float,
) -> Float[Tensor, "batch heads target source"]:
    r"""Return a^T LeakyReLU(left + right) up to a constant a row, which a softmax ignores.

    LeakyReLU(z) = (1+s)/2 z + (1-s)/2 |z|. The first term is linear, so its part of `right` is
    constant in a row. The second is a difference of two L1 distances, between `right` and
    `-left` scaled by the positive and by the negative part of a.
    """
    linear = (left * weight).sum(3).unsqueeze(2)  # [batch, heads, 1, source]
    absolute = _distance(left, right, weight.relu()) - _distance(left, right, (-weight).relu())
    return (1 + slope) / 2 * linear + (1 - slope) / 2 * absolute


def _distance(
    left: Float[Tensor, "batch heads source channels"],
    right: Float[Tensor, "batch heads target channels"],
    scale: Float[Tensor, "1 heads 1 channels"],
) -> Float[Tensor, "batch heads target source"]:
    # cdist knows no half precision.
    wide = torch.promote_types(left.dtype, torch.float32)
    distance = torch.cdist((right * scale).to(wide), (-left * scale).to(wide), p=1.0)
    return distance.to(left.dtype)
