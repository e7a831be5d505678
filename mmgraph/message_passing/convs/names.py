"""PyG's convolutions by name, ready to stand in a graph: their heads, and no self loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GINConv,
    GraphConv,
    HGTConv,
    MessagePassing,
    SAGEConv,
    TransformerConv,
)

from mmgraph.errors import unknown_name
from mmgraph.system.plugins import find_plugins
from mmgraph.typing import EdgeType

#: Makes a convolution from (in_channels, out_channels) and what else it names, see `HeteroGNN`.
ConvFactory = Callable[..., nn.Module]
ConvName = Literal["transformer", "gat", "gatv2", "sage", "graph", "gin", "hgt"]
#: A name of `CONVS`, a class of `torch_geometric.nn`, or a function that makes a convolution.
ConvLike = ConvName | ConvFactory

_HEADS = 4


def transformer_conv(in_channels: int, out_channels: int, edge_dim: int | None = None) -> nn.Module:
    """Make the default convolution, a `TransformerConv` of four heads.

    Raises:
        ValueError: `out_channels` is not a multiple of four.
    """
    size = _per_head(out_channels)
    return TransformerConv(in_channels, size, heads=_HEADS, edge_dim=edge_dim)


def gat_conv(in_channels: int, out_channels: int, edge_dim: int | None = None) -> nn.Module:
    """Make an attention of four heads, a `GATConv`."""
    size = _per_head(out_channels)
    return GATConv(in_channels, size, heads=_HEADS, edge_dim=edge_dim, add_self_loops=False)


def gatv2_conv(in_channels: int, out_channels: int, edge_dim: int | None = None) -> nn.Module:
    """Make a dynamic attention of four heads, a `GATv2Conv`."""
    size = _per_head(out_channels)
    return GATv2Conv(in_channels, size, heads=_HEADS, edge_dim=edge_dim, add_self_loops=False)


def sage_conv(in_channels: int, out_channels: int) -> nn.Module:
    """Make a mean over the neighbours, a `SAGEConv`."""
    return SAGEConv(in_channels, out_channels)


def graph_conv(in_channels: int, out_channels: int) -> nn.Module:
    """Make a sum over the neighbours, a `GraphConv`."""
    return GraphConv(in_channels, out_channels)


def gin_conv(in_channels: int, out_channels: int) -> nn.Module:
    """Make a sum over the neighbours under a small network, a `GINConv`."""
    layers = nn.Sequential(
        nn.Linear(in_channels, out_channels), nn.ReLU(), nn.Linear(out_channels, out_channels)
    )
    return GINConv(layers)


def hgt_conv(
    in_channels: int, out_channels: int, metadata: tuple[list[str], list[EdgeType]]
) -> nn.Module:
    """Make one attention of four heads over all edge types, an `HGTConv`."""
    _per_head(out_channels)
    return HGTConv(in_channels, out_channels, metadata, heads=_HEADS)


#: The convolutions by name.
CONVS: dict[str, ConvFactory] = {
    "transformer": transformer_conv,
    "gat": gat_conv,
    "gatv2": gatv2_conv,
    "sage": sage_conv,
    "graph": graph_conv,
    "gin": gin_conv,
    "hgt": hgt_conv,
}


def find_conv(conv: ConvLike | object) -> ConvFactory:
    """Return what makes a convolution, given its name (that of a plug-in's class too) or itself.

    Raises:
        ValueError: There is no such convolution.
    """
    if isinstance(conv, str):
        known: dict[str, ConvFactory] = {**CONVS, **find_plugins(MessagePassing)}
        if conv not in known:
            raise ValueError(unknown_name("convolution", conv, known))
        return known[conv]
    if not callable(conv) or isinstance(conv, nn.Module):
        raise ValueError(
            f"conv: expected one of {', '.join(CONVS)}, a class of torch_geometric.nn, or a "
            f"function of (in_channels, out_channels) that makes one, got {conv!r}"
        )
    return conv


def _per_head(channels: int) -> int:
    if channels % _HEADS:
        raise ValueError(f"four heads need channels to be a multiple of 4, got {channels}")
    return channels // _HEADS
