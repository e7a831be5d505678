"""The graph isomorphism network's operator, without edge lists."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch_geometric.nn import GINConv, MessagePassing

from mmgraph.message_passing.base import DenseForm, Ends
from mmgraph.message_passing.edges.edges import DenseEdges


class DenseGIN(DenseForm):
    r"""`GINConv` with its own network, which sees the real nodes only.

    https://arxiv.org/abs/1810.00826

    .. math::
        x_i' = h \Bigl( (1 + \epsilon) x_i + \sum_{j \in N(i)} x_j \Bigr)
    """

    operator = GINConv
    aggregations = ("add", "sum", "mean", "max")

    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)`."""
        return conv.nn(edges.reduce(source.x, conv.aggr) + (1 + conv.eps) * target.x)
