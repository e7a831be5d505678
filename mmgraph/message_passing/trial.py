"""A convolution is called once when it is made, so that what is none is refused there.

PyG's layers may be made with -1 channels; their weights get their sizes by that call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmgraph.errors import quote, reason
from mmgraph.typing import EdgeType

_NODES = 2


def try_relation_conv(conv: Any, channels: int, edge_dim: int) -> None:
    """Call the convolution of one edge type.

    Args:
        conv: What was made for it.
        channels: Features of every node, before and after.
        edge_dim: Number of features of each edge.

    Raises:
        ValueError: It is no convolution, or has another number of channels.
    """
    x, edges = torch.zeros(_NODES, channels), torch.arange(_NODES).expand(2, -1).contiguous()
    features = {"edge_attr": torch.zeros(_NODES, edge_dim)} if edge_dim else {}
    takes = "((x_source, x_target), edge_index" + (", edge_attr=...)" if edge_dim else ")")
    _check_channels(conv, _call(conv, takes, (x, x), edges, **features), channels)


def try_hetero_conv(
    conv: Any, channels: int, node_types: Sequence[str], edge_types: Sequence[EdgeType]
) -> None:
    """Call the convolution of a whole graph.

    Args:
        conv: What was made for it.
        channels: Features of every node, before and after.
        node_types: Types of the nodes.
        edge_types: Types of the edges.

    Raises:
        ValueError: It is no convolution, or has another number of channels.
    """
    x_dict = {name: torch.zeros(_NODES, channels) for name in node_types}
    edges = torch.arange(_NODES).expand(2, -1).contiguous()
    takes = "(x_dict, edge_index_dict)"
    out = _call(conv, takes, x_dict, dict.fromkeys(edge_types, edges))
    for x in out.values() if isinstance(out, dict) else [out]:
        if x is not None:  # nodes that receive nothing
            _check_channels(conv, x, channels)


@torch.no_grad()
def _call(conv: Any, takes: str, *args: object, **kwargs: object) -> Any:
    """Return what a convolution makes of two nodes of each type, each joined to one."""
    if not isinstance(conv, nn.Module):
        raise ValueError(
            "conv: expected a function of (in_channels, out_channels) that makes a convolution, "
            f"such as those of torch_geometric.nn, got one that makes {quote(conv)}"
        )
    training = conv.training
    conv.eval()  # no random numbers, and nothing is learnt from zeros
    try:
        return conv(*args, **kwargs)
    except Exception as error:
        raise ValueError(
            f"conv: expected a convolution that can be called with {takes}, got "
            f"{type(conv).__name__}, which fails there: {reason(error)}"
        ) from error
    finally:
        conv.train(training)


def _check_channels(conv: nn.Module, x: Any, channels: int) -> None:
    shape = list(x.shape) if isinstance(x, Tensor) else None
    if shape != [_NODES, channels]:
        got = quote(x) if shape is None else f"{shape[-1] if len(shape) == 2 else shape}"
        raise ValueError(
            f"conv: expected {channels} features for each node, as many as before, got {got} from "
            f"{type(conv).__name__}; several heads that are joined have out_channels // heads each"
        )
