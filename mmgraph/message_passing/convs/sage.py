"""GraphSAGE, without edge lists."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, SAGEConv

from mmgraph.message_passing.base import Ends, LinearMap
from mmgraph.message_passing.convs.aggregate import AggregateForm
from mmgraph.message_passing.edges.edges import DenseEdges


class DenseSAGE(AggregateForm):
    r"""`SAGEConv`; one for each edge type is the relational RGCN.

    https://arxiv.org/abs/1706.02216, https://arxiv.org/abs/1703.06103

    .. math::
        x_i' = W_1 \, \mathrm{aggregate}_{j \in N(i)} x_j + W_2 x_i
    """

    operator = SAGEConv

    def neighbour(self, conv: MessagePassing) -> Any:
        """Return the linear layer that maps the neighbourhood."""
        return conv.lin_l

    def maps_first(self, conv: MessagePassing, edges: DenseEdges) -> bool:
        """Say whether the neighbours are mapped before they are reduced."""
        return super().maps_first(conv, edges) and not conv.project

    def target_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the root's map where the sum with it is normalised."""
        return [LinearMap.of(conv.lin_r)] if conv.root_weight and conv.normalize else []

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the root's map, unless the sum with it is normalised."""
        return LinearMap.of(conv.lin_r) if conv.root_weight and not conv.normalize else None

    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)` without its root, or with it normalised."""
        if conv.project:
            source = Ends(conv.lin(source.x).relu(), ())
        result = super().messages(conv, source, target, edges)
        if not conv.normalize:
            return result
        return F.normalize(result + target.mapped[0] if target.mapped else result, dim=1)
