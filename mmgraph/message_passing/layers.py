"""Layers of a `HeteroGNN`: one convolution for each edge type, or one for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.message_passing.choice import Execution, why_not_dense
from mmgraph.message_passing.convs.names import ConvFactory
from mmgraph.message_passing.edges.graph_edges import GraphEdges
from mmgraph.message_passing.messages import (
    hetero_attention,
    hetero_messages,
    relation_attention,
    relation_messages,
)
from mmgraph.message_passing.packing import PackedNodes
from mmgraph.message_passing.sparse import Weighted
from mmgraph.message_passing.trial import try_hetero_conv, try_relation_conv
from mmgraph.typing import EdgeType

XDict = Mapping[str, Float[Tensor, "_ _"]]


class Layer(nn.Module, ABC):
    """One round of messages along every edge type, on rows of real nodes.

    Args:
        channels: Features of every node, before and after.
        edge_types: The edge types of the graphs to come.
        dropout: Probability of a channel's update to be dropped.
    """

    def __init__(self, channels: int, edge_types: Sequence[EdgeType], dropout: float) -> None:
        super().__init__()
        self.edge_types = list(edge_types)
        self.node_types = sorted({name for start, _, to in edge_types for name in (start, to)})
        self.dropout = dropout
        self.norms = nn.ModuleDict({name: nn.LayerNorm(channels) for name in self.node_types})

    @abstractmethod
    def messages(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return what arrives at the nodes of each type that receives messages."""

    @abstractmethod
    def weights(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[EdgeType, Weighted]:
        """Return edges and attention weights of each edge type that has any."""

    @abstractmethod
    def check(self, execution: Execution) -> None:
        """Refuse convolutions that cannot run.

        Raises:
            ValueError: They do not fit the execution.
        """

    def forward(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return the nodes with new features."""
        messages = self.messages(self._normed(x_dict), edges, execution)
        updates = {
            name: x_dict[name] + self._drop(F.gelu(x), edges.rows[name])
            for name, x in messages.items()
        }
        return {**x_dict, **updates}

    def attention(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[EdgeType, Weighted]:
        """Return edges and attention weights of each edge type that has any."""
        return self.weights(self._normed(x_dict), edges, execution)

    def _normed(self, x_dict: XDict) -> dict[str, Float[Tensor, "_ _"]]:
        return {name: norm(x_dict[name]) for name, norm in self.norms.items()}

    def _drop(
        self, x: Float[Tensor, "rows channels"], rows: PackedNodes
    ) -> Float[Tensor, "rows channels"]:
        # One mask for all nodes (https://arxiv.org/abs/1512.05287): drawing a mask as wide as
        # the nodes is a serial loop on CPUs, and independent noise averages out in readouts.
        if not self.training or self.dropout == 0:
            return x
        keep = F.dropout(x.new_ones(len(rows.mask), x.shape[1]), self.dropout)
        return x * keep[rows.sample]


class RelationLayer(Layer):
    """A convolution for each edge type; what arrives at a node is summed.

    Args:
        channels: Features of every node, before and after.
        edge_types: The edge types of the graphs to come.
        conv: Makes a convolution from (in_channels, out_channels), and with `edge_dim` where
            there is one.
        edge_dims: Number of features of the edges, of the edge types that have any.
        dropout: Probability of a channel's update to be dropped.

    Raises:
        ValueError: What is made is no convolution, takes no features of edges that have any,
            expects some where there are none, or adds self loops between two node types.
    """

    def __init__(
        self,
        channels: int,
        edge_types: Sequence[EdgeType],
        conv: ConvFactory,
        edge_dims: Mapping[EdgeType, int],
        dropout: float,
    ) -> None:
        super().__init__(channels, edge_types, dropout)
        self.edge_dims = dict(edge_dims)
        self.convs = nn.ModuleDict()
        for edge_type in edge_types:
            edge_dim = self.edge_dims.get(edge_type, 0)
            made = _make_conv(conv, channels, edge_type, edge_dim)
            _check_edges(made, edge_type, edge_dim)
            try_relation_conv(made, channels, edge_dim)
            self.convs["__".join(edge_type)] = made

    def conv(self, edge_type: EdgeType) -> nn.Module:
        """Return the convolution of an edge type."""
        return self.convs["__".join(edge_type)]

    def messages(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return what arrives at the nodes of each type that receives messages."""
        return relation_messages(
            self._convs(), x_dict, edges, featured=self.edge_dims, execution=execution
        )

    def weights(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[EdgeType, Weighted]:
        """Return edges and attention weights of each edge type that has any."""
        return relation_attention(
            self._convs(), x_dict, edges, featured=self.edge_dims, execution=execution
        )

    def check(self, execution: Execution) -> None:
        """Refuse convolutions that cannot run.

        Raises:
            ValueError: They do not fit the execution.
        """
        for edge_type, conv in self._convs().items():
            _check_dense(conv, execution, f"{edge_type}")

    def _convs(self) -> dict[EdgeType, nn.Module]:
        return {edge_type: self.conv(edge_type) for edge_type in self.edge_types}


class HeteroLayer(Layer):
    """One convolution for the whole graph, such as `HGTConv`.

    Args:
        channels: Features of every node, before and after.
        edge_types: The edge types of the graphs to come.
        conv: Makes a convolution from (in_channels, out_channels, metadata=...).
        edge_dims: Number of features of the edges; there must be none.
        dropout: Probability of a channel's update to be dropped.

    Raises:
        ValueError: What is made is no convolution, or an edge type has features.
    """

    def __init__(
        self,
        channels: int,
        edge_types: Sequence[EdgeType],
        conv: ConvFactory,
        edge_dims: Mapping[EdgeType, int],
        dropout: float,
    ) -> None:
        super().__init__(channels, edge_types, dropout)
        for edge_type, edge_dim in edge_dims.items():
            raise ValueError(_no_features(edge_type, edge_dim))
        made = conv(channels, channels, metadata=(self.node_types, self.edge_types))
        try_hetero_conv(made, channels, self.node_types, self.edge_types)
        self.conv = made

    def messages(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """Return what arrives at the nodes of each type that receives messages."""
        return hetero_messages(self.conv, x_dict, edges, self.edge_types, execution=execution)

    def weights(
        self, x_dict: XDict, edges: GraphEdges, execution: Execution
    ) -> dict[EdgeType, Weighted]:
        """Return edges and attention weights of each edge type that has any."""
        return hetero_attention(self.conv, x_dict, edges, self.edge_types, execution=execution)

    def check(self, execution: Execution) -> None:
        """Refuse a convolution that cannot run.

        Raises:
            ValueError: It does not fit the execution.
        """
        _check_dense(self.conv, execution, "the graph")


def _make_conv(conv: ConvFactory, channels: int, edge_type: EdgeType, edge_dim: int) -> Any:
    if not edge_dim:
        return conv(channels, channels)
    try:
        return conv(channels, channels, edge_dim=edge_dim)
    except TypeError as error:
        raise ValueError(_no_features(edge_type, edge_dim)) from error


def _no_features(edge_type: EdgeType, edge_dim: int) -> str:
    return (
        f"{edge_type} has {edge_dim} features of each edge, which this convolution cannot take; "
        "choose one with edge_dim=, such as TransformerConv, or a relation without"
    )


def _check_edges(conv: Any, edge_type: EdgeType, edge_dim: int) -> None:
    """Refuse a convolution whose own edges, or features of edges, are not those of the graph."""
    name = type(conv).__name__
    if edge_type[0] != edge_type[2] and getattr(conv, "add_self_loops", False):
        raise ValueError(
            f"{edge_type}: {name} would join unrelated nodes; make it with add_self_loops=False"
        )
    if getattr(conv, "edge_dim", None) is not None and not edge_dim:
        raise ValueError(
            f"{edge_type}: {name} expects edge_dim={conv.edge_dim}, but these edges have no "
            "features; make it by a function of (in_channels, out_channels, edge_dim=None), which "
            "gets edge_dim where there are any"
        )


def _check_dense(conv: nn.Module, execution: Execution, where: str) -> None:
    reason = why_not_dense(conv)
    if execution == "dense" and reason:
        raise ValueError(f'{where} cannot run with execution="dense": {reason}')
