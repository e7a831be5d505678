"""Message passing on multimodal graphs with any PyG convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import TransformerConv

from mmgraph.execution import dense_form, run_dense, run_near, why_not_dense
from mmgraph.graph import MultimodalGraph
from mmgraph.typing import EdgeType

Execution = Literal["auto", "dense", "sparse"]
ConvFactory = Callable[..., nn.Module]


def transformer_conv(in_channels: int, out_channels: int, edge_dim: int | None = None) -> nn.Module:
    """Make the default convolution, a `TransformerConv` of four heads.

    Raises:
        ValueError: `out_channels` is not a multiple of four.
    """
    if out_channels % 4:
        raise ValueError(f"four heads need channels to be a multiple of 4, got {out_channels}")
    return TransformerConv(in_channels, out_channels // 4, heads=4, edge_dim=edge_dim)


class HeteroGNN(nn.Module):
    r"""Layers of PyG convolutions, one for each edge type, with residual connections.

    .. math::
        x_t' = x_t + \mathrm{dropout} \Bigl( \mathrm{GELU} \Bigl(
        \sum_{(s, r, t)} \mathrm{conv}_{s,r,t} (\mathrm{norm}(x_s), \mathrm{norm}(x_t))
        \Bigr) \Bigr)

    The LayerNorm stands inside the residual branch (pre-norm,
    https://arxiv.org/abs/2002.04745): training needs no warm-up, and nodes that hear nothing
    keep exactly what their encoder said.

    Args:
        channels: Features of every node, before and after.
        edge_types: The edge types of the graphs to come.
        conv: Makes a convolution from (in_channels, out_channels) that takes
            `((x_source, x_target), edge_index)`; most classes of `torch_geometric.nn` do. For
            relations with edge features it is called with `edge_dim=` as well.
        edge_dims: Number of edge features of the edge types that have any.
        num_layers: Number of rounds of messages.
        dropout: Probability of a channel's update to be dropped, for all nodes of the sample
            and modality together.
        execution: "dense" computes on padded nodes without listing edges, "sparse" runs PyG's
            own code, "auto" runs densely what has a dense form. All compute the same.

    Raises:
        ValueError: `execution="dense"` and a convolution has no dense form, or a convolution
            adds self loops between two node types.
    """

    def __init__(
        self,
        channels: int,
        edge_types: Sequence[EdgeType],
        *,
        conv: ConvFactory = transformer_conv,
        edge_dims: Mapping[EdgeType, int] | None = None,
        num_layers: int = 2,
        dropout: float = 0.0,
        execution: Execution = "auto",
    ) -> None:
        super().__init__()
        self.channels = channels
        self.edge_types = list(edge_types)
        self.execution = execution
        dims = dict.fromkeys(edge_types, 0) | dict(edge_dims or {})
        layers = [HeteroLayer(channels, dims, conv, dropout) for _ in range(num_layers)]
        for edge_type in self.edge_types:
            for layer in layers:
                self._check(edge_type, layer.conv(edge_type))
        self.layers = nn.ModuleList(layers)

    def forward(self, graph: MultimodalGraph) -> MultimodalGraph:
        """Return the graph with new features for all nodes that the edge types touch.

        Raises:
            ValueError: The graph's edge types are not those of the network.
        """
        if set(graph.relations) != set(self.edge_types):
            raise ValueError(
                f"expected edge types {sorted(self.edge_types)}, got {sorted(graph.relations)}"
            )
        edges = _Edges(graph)
        for layer in self.layers:
            graph = layer(graph, edges, self.execution)
        return graph

    def _check(self, edge_type: EdgeType, conv: nn.Module) -> None:
        reason = why_not_dense(conv)
        if self.execution == "dense" and reason:
            raise ValueError(f'{edge_type} cannot run with execution="dense": {reason}')
        if edge_type[0] != edge_type[2] and getattr(conv, "add_self_loops", False):
            raise ValueError(
                f"{edge_type}: {type(conv).__name__} would join unrelated nodes; make it with "
                "add_self_loops=False"
            )


class HeteroLayer(nn.Module):
    """One round of messages along every edge type.

    Args:
        channels: Features of every node, before and after.
        edge_dims: The edge types of the graphs to come, with their number of edge features.
        conv: Makes a convolution from (in_channels, out_channels).
        dropout: Probability of a channel's update to be dropped.
    """

    def __init__(
        self, channels: int, edge_dims: Mapping[EdgeType, int], conv: ConvFactory, dropout: float
    ) -> None:
        super().__init__()
        node_types = sorted({name for start, _, to in edge_dims for name in (start, to)})
        self.dropout = dropout
        self.norms = nn.ModuleDict({name: nn.LayerNorm(channels) for name in node_types})
        self.convs = nn.ModuleDict(
            {
                "__".join(edge_type): _make_conv(conv, channels, edge_type, edge_dim)
                for edge_type, edge_dim in edge_dims.items()
            }
        )

    def conv(self, edge_type: EdgeType) -> nn.Module:
        """Return the convolution of an edge type."""
        return self.convs["__".join(edge_type)]

    def forward(
        self, graph: MultimodalGraph, edges: _Edges, execution: Execution
    ) -> MultimodalGraph:
        """Return the graph with new node features."""
        edges = edges.of_layer(graph)
        x_dict = {name: norm(graph.nodes[name].x) for name, norm in self.norms.items()}
        heard = graph.with_x(x_dict)
        total: dict[str, Tensor] = {}
        for edge_type in graph.relations:
            conv, target = self.conv(edge_type), edge_type[2]
            dense = execution == "dense" or (execution == "auto" and dense_form(conv) is not None)
            message = (_dense if dense else _sparse)(conv, heard, edge_type, edges)
            total[target] = total[target] + message if target in total else message
        return graph.with_x(
            {name: graph.nodes[name].x + self._drop(F.gelu(x)) for name, x in total.items()}
        )

    def _drop(self, x: Float[Tensor, "batch nodes channels"]) -> Float[Tensor, "batch nodes _"]:
        # One mask for all nodes (https://arxiv.org/abs/1512.05287): drawing a mask as wide as
        # the nodes is a serial loop on CPUs, and independent noise averages out in readouts.
        if not self.training or self.dropout == 0:
            return x
        keep = F.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.dropout)
        return x * keep


def _make_conv(conv: ConvFactory, channels: int, edge_type: EdgeType, edge_dim: int) -> nn.Module:
    if not edge_dim:
        return conv(channels, channels)
    try:
        return conv(channels, channels, edge_dim=edge_dim)
    except TypeError as error:
        raise ValueError(
            f"{edge_type} has {edge_dim} features of each edge, which this convolution cannot "
            "take; choose one with edge_dim=, such as TransformerConv, or a relation without"
        ) from error


class _Edges:
    """The edges of one forward pass, worked out once for all layers where they stay the same."""

    def __init__(self, graph: MultimodalGraph, fixed: _Edges | None = None) -> None:
        self.fixed = fixed

        def once(name: str) -> Callable[[EdgeType], Any]:
            def find(kind: EdgeType) -> Any:
                relation = graph.relations[kind]
                if fixed is not None and not relation.depends_on_x:
                    return getattr(fixed, name)(kind)
                return getattr(relation, name)(*graph.ends(kind))

            return cache(find)

        self.reach, self.stencil = once("reach"), once("stencil")
        self.edge_index, self.edge_attr = once("edge_index"), once("edge_attr")

    def of_layer(self, graph: MultimodalGraph) -> _Edges:
        """Return the same edges, but those that follow the features for this layer's."""
        if not any(relation.depends_on_x for relation in graph.relations.values()):
            return self
        return _Edges(graph, fixed=self)


def _dense(
    conv: nn.Module, graph: MultimodalGraph, edge_type: EdgeType, edges: _Edges
) -> Float[Tensor, "batch nodes channels"]:
    source, target = graph.ends(edge_type)
    near = edges.stencil(edge_type)
    if near is not None:
        return run_near(conv, source.x, target.x, near)
    return run_dense(conv, source.x, target.x, edges.reach(edge_type))


def _sparse(
    conv: nn.Module, graph: MultimodalGraph, edge_type: EdgeType, edges: _Edges
) -> Float[Tensor, "batch nodes channels"]:
    source, target = graph.ends(edge_type)
    inputs = (source.flat(), target.flat()), edges.edge_index(edge_type)
    attributes = edges.edge_attr(edge_type)
    message = conv(*inputs) if attributes is None else conv(*inputs, edge_attr=attributes)
    return target.with_flat(message).x
