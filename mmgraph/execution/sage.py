"""GraphSAGE on padded nodes."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, SAGEConv

from mmgraph.execution.base import DenseForm, shifted
from mmgraph.relations import Stencil


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
        source = _project(conv, source)
        gathered = _maximum(source, reach) if conv.aggr == "max" else _total(source, reach)
        return _finish(conv, gathered, reach.sum(2, keepdim=True), target)

    def forward_near(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch nodes in_source"],
        target: Float[Tensor, "batch nodes in_target"],
        near: Stencil,
    ) -> Float[Tensor, "batch nodes out"]:
        """Compute `conv((source, target), edge_index)` for a stencil."""
        neighbours = shifted(_project(conv, source), near)
        exists = near.exists.unsqueeze(3).unbind(2)
        pairs = list(zip(neighbours, exists, strict=True))
        if conv.aggr == "max":
            # The lowest number stands in for neighbours that do not exist.
            lowest = torch.finfo(source.dtype).min
            stacked = torch.stack([x.masked_fill(~real, lowest) for x, real in pairs])
            gathered = stacked.amax(0).masked_fill(~near.exists.any(2, keepdim=True), 0)
        else:
            gathered = torch.zeros_like(neighbours[0])
            for x, real in pairs:
                gathered = gathered.addcmul(x, real.to(x.dtype))
        return _finish(conv, gathered, near.exists.sum(2, keepdim=True), target)


def _project(
    conv: MessagePassing, source: Float[Tensor, "batch source channels"]
) -> Float[Tensor, "batch source channels"]:
    return conv.lin(source).relu() if conv.project else source


def _finish(
    conv: MessagePassing,
    gathered: Float[Tensor, "batch #target in_source"],
    degree: Int[Tensor, "batch #target 1"],
    target: Float[Tensor, "batch target in_target"],
) -> Float[Tensor, "batch target out"]:
    if conv.aggr == "mean":
        gathered = gathered / degree.clamp(min=1)
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
