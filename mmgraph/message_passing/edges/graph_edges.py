"""The edges of one forward pass, worked out once for all layers where that is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Relation
from mmgraph.message_passing.edges.edges import DenseEdges
from mmgraph.message_passing.edges.mask_edges import MaskEdges
from mmgraph.message_passing.edges.stencil_edges import StencilEdges
from mmgraph.message_passing.packing import PackedNodes
from mmgraph.typing import EdgeType


class GraphEdges:
    """Edges of a graph, dense and listed, kept until features change that they depend on.

    Args:
        graph: The graph before the first layer.
    """

    rows_class: ClassVar[type[PackedNodes]] = PackedNodes

    def __init__(self, graph: MultimodalGraph) -> None:
        self.rows = {name: self.rows_class(nodes.mask) for name, nodes in graph.nodes.items()}
        self._graph = graph
        self._kept: dict[tuple, Any] = {}

    def see(self, x_dict: Mapping[str, Float[Tensor, "_ _"]]) -> None:
        """Work out anew what depends on features, from those of the rows.

        Args:
            x_dict: Features of the real nodes of each type.
        """
        changing = {kind for kind, each in self._graph.relations.items() if each.depends_on_x}
        if changing:
            nodes = {
                name: replace(nodes, x=self.rows[name].pad(x_dict[name]))
                for name, nodes in self._graph.nodes.items()
            }
            self._graph = MultimodalGraph(nodes, self._graph.relations)
            self._kept = {key: each for key, each in self._kept.items() if key[0] not in changing}

    def dense(self, edge_type: EdgeType, *, features: bool) -> DenseEdges:
        """Return the edges for dense execution, with their features if wanted."""
        rows = self.rows[edge_type[0]], self.rows[edge_type[2]]
        return self._keep(
            (edge_type, "dense", features),
            lambda relation, *ends: self.make_dense(relation, ends, rows, features),
        )

    def edge_index(self, edge_type: EdgeType) -> Int[Tensor, "2 edges"]:
        """Return the edges as rows of source and target nodes."""
        return self._keep((edge_type, "index"), lambda relation, *ends: relation.edge_index(*ends))

    def edge_attr(self, edge_type: EdgeType) -> Float[Tensor, "edges edge_dim"]:
        """Return the features of the edges in the order of `edge_index`."""
        return self._keep((edge_type, "attr"), lambda relation, *ends: relation.edge_attr(*ends))

    def make_dense(
        self,
        relation: Relation,
        ends: tuple[Nodes, Nodes],
        rows: tuple[PackedNodes, PackedNodes],
        features: bool,
    ) -> DenseEdges:
        """Return the edges of one relation for dense execution, see `dense_edges`."""
        return dense_edges(relation, ends, rows, features)

    def _keep(self, key: tuple, make: Callable[..., Any]) -> Any:
        if key not in self._kept:
            edge_type = key[0]
            self._kept[key] = make(self._graph.relations[edge_type], *self._graph.ends(edge_type))
        return self._kept[key]


def dense_edges(
    relation: Relation,
    nodes: tuple[Nodes, Nodes],
    rows: tuple[PackedNodes, PackedNodes],
    with_features: bool,
) -> DenseEdges:
    """Return a relation's edges as a stencil where it has one, else as a mask.

    Args:
        relation: The relation.
        nodes: Source and target nodes.
        rows: Where source and target nodes stand.
        with_features: Whether the features of the edges are wanted.
    """
    near = relation.stencil(*nodes)
    if near is None:
        features = relation.edge_features(*nodes) if with_features else None
        return MaskEdges(*rows, features, relation.reach(*nodes))
    exists = rows[1].pack(near.exists)
    features = None
    if with_features:
        # Steps ascend, so the edges of a row come in the order in which they are listed.
        given = relation.edge_attr(*nodes)
        assert given is not None
        features = given.new_zeros(*exists.shape, given.shape[1])
        features = features.index_put(tuple(exists.nonzero().T), given)
    return StencilEdges(*rows, features, near.steps, exists)
