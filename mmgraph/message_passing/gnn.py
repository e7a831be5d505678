"""Message passing on multimodal graphs with any PyG convolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.message_passing.choice import Execution
from mmgraph.message_passing.convs.names import ConvLike, find_conv
from mmgraph.message_passing.edges.graph_edges import GraphEdges
from mmgraph.message_passing.layers import HeteroLayer, Layer, RelationLayer
from mmgraph.typing import EdgeType

__all__ = ["AttentionWeights", "Execution", "HeteroGNN"]


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """How much each target node received along each edge of one edge type in one layer.

    Args:
        layer: Number of the layer, from 0.
        edge_type: The edge type.
        edge_index: The edges as rows of `Nodes.flat()`, source above target.
        weight: The weights. Those of a target sum to 1 for each head: over the edges of this
            edge type, or for `HGTConv` over those of all edge types.
    """

    layer: int
    edge_type: EdgeType
    edge_index: Int[Tensor, "2 edges"]
    weight: Float[Tensor, "edges heads"]


class HeteroGNN(nn.Module):
    r"""Layers of PyG convolutions with residual connections.

    .. math::
        x_t' = x_t + \mathrm{dropout} \Bigl( \mathrm{GELU} \Bigl(
        \sum_{(s, r, t)} \mathrm{conv}_{s,r,t} (\mathrm{norm}(x_s), \mathrm{norm}(x_t))
        \Bigr) \Bigr)

    The LayerNorm stands inside the residual branch (pre-norm,
    https://arxiv.org/abs/2002.04745): training needs no warm-up, and nodes that receive nothing
    keep exactly what their encoder said.

    Every edge type has a convolution of its own, so `SAGEConv` and `GraphConv` are relational
    (RGCN, https://arxiv.org/abs/1703.06103). Convolutions of a whole graph, such as `HGTConv`,
    are known by an argument named `metadata`: there is one a layer, for all edge types.

    Args:
        channels: Features of every node, before and after.
        edge_types: The edge types of the graphs to come.
        conv: A name of `CONVS`, or what makes a convolution from (in_channels, out_channels) that
            takes `((x_source, x_target), edge_index)`; most classes of `torch_geometric.nn` do.
            For relations with edge features it is called with `edge_dim=` as well, and takes
            `edge_attr`. One with an argument `metadata` gets (node types, edge types), and what
            it makes takes `(x_dict, edge_index_dict)`. Default: "transformer".
        edge_dims: Number of edge features of the edge types that have any. Default: None.
        num_layers: Number of rounds of messages. Default: 2.
        dropout: Probability of a channel's update to be dropped, for all nodes of the sample
            and modality together. Default: 0.0.
        execution: "dense" computes without listing edges, "sparse" runs PyG's own code, "auto"
            runs densely what has a dense form. All compute the same. Default: "auto".

    Raises:
        ValueError: There is no such convolution, `execution="dense"` and a convolution has no
            dense form, a convolution adds self loops between two node types, or it takes no edge
            features where there are any, or expects some where there are none.

    Example:
        >>> from torch_geometric.nn import HGTConv
        >>> gnn = HeteroGNN(
        ...     8,
        ...     [("image", "to", "text"), ("text", "to", "image")],
        ...     conv=lambda i, o, metadata: HGTConv(i, o, metadata, heads=2),
        ... )
        >>> gnn.layers[0].conv
        HGTConv(-1, 8, heads=2)
    """

    edges_class: type[GraphEdges] = GraphEdges

    def __init__(
        self,
        channels: int,
        edge_types: Sequence[EdgeType],
        *,
        conv: ConvLike = "transformer",
        edge_dims: Mapping[EdgeType, int] | None = None,
        num_layers: int = 2,
        dropout: float = 0.0,
        execution: Execution = "auto",
    ) -> None:
        super().__init__()
        self.channels = channels
        self.edge_types = list(edge_types)
        self.edge_dims = {kind: size for kind, size in (edge_dims or {}).items() if size}
        self.execution = execution
        make = find_conv(conv)
        make_layer = HeteroLayer if "metadata" in signature(make).parameters else RelationLayer
        layers = [
            make_layer(channels, self.edge_types, make, self.edge_dims, dropout)
            for _ in range(num_layers)
        ]
        for layer in layers:
            layer.check(execution)
        self.layers = nn.ModuleList(layers)

    def forward(self, graph: MultimodalGraph) -> MultimodalGraph:
        """Return the graph with new features for all nodes that receive messages.

        Raises:
            ValueError: The graph's edge types or the number of their features are not those of
                the network.
        """
        edges, x_dict = self._begin(graph)
        for layer in self.layers:
            edges.see(x_dict)
            x_dict = layer(x_dict, edges, self.execution)
        targets = {edge_type[2] for edge_type in self.edge_types}
        nodes = {name: edges.rows[name].pad(x_dict[name]) for name in targets}
        return graph.with_x(nodes)

    @torch.no_grad()
    def attention(self, graph: MultimodalGraph) -> list[AttentionWeights]:
        """Return the attention weights of every layer and edge type, without dropout.

        Both executions give the same edges in the same order: that of `Relation.edge_index`,
        behind which self loops stand where a convolution adds them.

        Raises:
            ValueError: The convolutions have no attention, or the graph is not the network's.
        """
        edges, x_dict = self._begin(graph)
        result = []
        with _evaluating(self):
            for number, layer in enumerate(self.layers):
                assert isinstance(layer, Layer)
                edges.see(x_dict)
                weights = layer.attention(x_dict, edges, self.execution)
                result += [AttentionWeights(number, kind, *weights[kind]) for kind in weights]
                x_dict = layer(x_dict, edges, self.execution)
        if not result:
            raise ValueError(
                f"expected a convolution with attention, such as TransformerConv, got {self}"
            )
        return result

    def _begin(self, graph: MultimodalGraph) -> tuple[GraphEdges, dict[str, Float[Tensor, "_ _"]]]:
        if set(graph.relations) != set(self.edge_types):
            raise ValueError(
                f"expected edge types {sorted(self.edge_types)}, got {sorted(graph.relations)}"
            )
        for edge_type, expected in self.edge_dims.items():
            got = graph.relations[edge_type].edge_dim
            if got != expected:
                raise ValueError(
                    f"{edge_type}: expected {expected} features of each edge, got {got}"
                )
        edges = self.edges_class(graph)
        return edges, {name: edges.rows[name].pack(nodes.x) for name, nodes in graph.nodes.items()}


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Switch dropout off within the block."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True
