"""The higher-order graph network's operator, without edge lists."""

from __future__ import annotations

from typing import Any

from torch_geometric.nn import GraphConv, MessagePassing

from mmgraph.message_passing.base import LinearMap
from mmgraph.message_passing.convs.aggregate import AggregateForm


class DenseGraphConv(AggregateForm):
    r"""`GraphConv`; one for each edge type is the relational RGCN.

    https://arxiv.org/abs/1810.02244, https://arxiv.org/abs/1703.06103

    .. math::
        x_i' = W_1 x_i + W_2 \, \mathrm{aggregate}_{j \in N(i)} x_j
    """

    operator = GraphConv

    def neighbour(self, conv: MessagePassing) -> Any:
        """Return the linear layer that maps the neighbourhood."""
        return conv.lin_rel

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the root's map."""
        return LinearMap.of(conv.lin_root)
