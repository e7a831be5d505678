"""What the dense forms without attention share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch_geometric.nn import MessagePassing

from mmgraph.message_passing.base import DenseForm, Ends, LinearMap
from mmgraph.message_passing.edges.edges import DenseEdges
from mmgraph.message_passing.edges.stencil_edges import StencilEdges


class AggregateForm(DenseForm):
    r"""A convolution that reduces a neighbourhood and maps the result.

    .. math::
        x_i' = W_1 \, \mathrm{aggregate}_{j \in N(i)} x_j + W_2 x_i

    Sum and mean commute with a linear map. Along a stencil there are as many targets as
    sources, so :math:`W_1` goes first and shares one product with the other maps of the source.
    By a mask the reduction goes first, which can leave as little as one row a sample.
    """

    aggregations = ("mean", "add", "sum", "max")

    @abstractmethod
    def neighbour(self, conv: MessagePassing) -> Any:
        """Return the linear layer that maps the neighbourhood."""

    def maps_first(self, conv: MessagePassing, edges: DenseEdges) -> bool:
        """Say whether the neighbours are mapped before they are reduced."""
        return conv.aggr != "max" and isinstance(edges, StencilEdges)

    def source_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the neighbours' map where it goes first."""
        first = self.maps_first(conv, edges)
        return [LinearMap(self.neighbour(conv).weight)] if first else []

    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)` without its root."""
        linear = self.neighbour(conv)
        if not source.mapped:
            return edges.reduce(source.x, conv.aggr, then=linear)
        result = edges.reduce(source.mapped[0], conv.aggr)
        return result if linear.bias is None else result + linear.bias
