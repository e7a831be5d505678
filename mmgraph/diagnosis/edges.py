"""A trained graph whose cross-modal edges are gone, or run to another sample."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Custom
from mmgraph.nn.fusion.graph import GraphFusion


def no_edges(edge_dim: int = 0) -> Custom:
    """Return a relation that joins nothing, in place of another one.

    Args:
        edge_dim: Number of features of the other relation's edges.
    """

    def nothing(source: Nodes, target: Nodes) -> Bool[Tensor, "1 1 1"]:
        return source.mask.new_zeros(1, 1, 1)

    def features(source: Nodes, target: Nodes) -> Float[Tensor, "1 1 1 features"]:
        return source.x.new_zeros(1, 1, 1, edge_dim)

    return Custom(nothing, features if edge_dim else None, edge_dim)


def has_cross_edges(fusion: GraphFusion) -> bool:
    """Say whether any relation joins different node types."""
    return any(start != to for start, _, to in fusion.relations)


def fuse_without_cross_edges(
    fusion: GraphFusion, nodes: Mapping[str, Nodes]
) -> Float[Tensor, "batch channels"]:
    """Return one vector for each sample, with no edge between nodes of different types.

    The weights are those of the trained model; what a convolution does to nodes that receive
    nothing (a bias, a weight of the node itself) stays.
    """
    graph = fusion.graph(nodes)
    relations = {
        kind: no_edges(relation.edge_dim) if kind[0] != kind[2] else relation
        for kind, relation in graph.relations.items()
    }
    return fusion.read(fusion.gnn(MultimodalGraph(graph.nodes, relations)))


def fuse_with_strangers(
    fusion: GraphFusion, nodes: Mapping[str, Nodes], others: Mapping[str, Nodes]
) -> Float[Tensor, "batch channels"]:
    """Return one vector for each sample, whose modalities receive those of another sample.

    Each modality's nodes pass messages in a graph in which all other modalities are the
    stranger's; then its own nodes are read out. A node that belongs to all modalities, such as
    the global one, is taken from the graph as it is.

    Args:
        fusion: The trained fusion.
        nodes: The nodes of every sample.
        others: The nodes of the sample that it receives messages from in place of itself.
    """
    graph = fusion.gnn(fusion.graph(nodes))
    told = {
        name: fusion.gnn(fusion.graph({**others, name: own})).nodes[name]
        for name, own in nodes.items()
    }
    return fusion.read(MultimodalGraph({**graph.nodes, **told}, {}))
