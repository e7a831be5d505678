"""GraphSAGE on padded nodes."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, SAGEConv

from mmgraph.execution.base import DenseForm


class DenseSAGE(DenseForm):
    r"""`SAGEConv` as a product with the adjacency mask.

    https://arxiv.org/abs/1706.02216

    .. math::
        x_i' = W_1 \, \mathrm{aggregate}_{j \in N(i)} x_j + W_2 x_i

    Where every target hears the same sources, the neighbourhood is aggregated once a sample.
    """

    operator = SAGEConv
    aggregations = ("mean", "add", "sum", "max")

    def forward(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch source in_source"],
        target: Float[Tensor, "batch target in_target"],
        reach: Bool[Tensor, "batch #target source"],
    ) -> Float[Tensor, "batch target out"]:
        """Compute `conv((source, target), edge_index)`."""
        if conv.project:
            source = conv.lin(source).relu()
        gathered = _maximum(source, reach) if conv.aggr == "max" else _total(source, reach)
        if conv.aggr == "mean":
            gathered = gathered / reach.sum(2, keepdim=True).clamp(min=1)
        result = conv.lin_l(gathered)
        if conv.root_weight:
            result = result + conv.lin_r(target)
        if conv.normalize:
            result = F.normalize(result, dim=-1)
        return result.expand(-1, target.shape[1], -1)


def _total(
    source: Float[Tensor, "batch source channels"], reach: Bool[Tensor, "batch target source"]
) -> Float[Tensor, "batch target channels"]:
    return reach.to(source.dtype) @ source


def _maximum(
    source: Float[Tensor, "batch source channels"], reach: Bool[Tensor, "batch target source"]
) -> Float[Tensor, "batch target channels"]:
    """Largest value of the neighbours; 0 without any.

    Only as many candidates are gathered as the largest neighbourhood has, so that grids and
    chains do not need a tensor of all pairs.
    """
    degree = max(int(reach.sum(2).max()), 1) if reach.numel() else 1
    slot = reach.to(source.dtype).topk(degree, dim=2).indices  # [batch, target, degree]
    exists = reach.gather(2, slot).unsqueeze(3)
    row = torch.arange(len(source), device=source.device).view(-1, 1, 1)
    candidates = source[row, slot].masked_fill(~exists, -float("inf"))
    return candidates.amax(2).masked_fill(~exists.any(2), 0)
