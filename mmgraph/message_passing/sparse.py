"""One layer of messages and attention weights by PyG's own code."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn import HGTConv
from torch_geometric.utils import softmax

from mmgraph.typing import EdgeType

#: Edges and their attention weights.
Weighted = tuple[Int[Tensor, "2 edges"], Float[Tensor, "edges heads"]]


def sparse_messages(
    conv: nn.Module,
    source: Float[Tensor, "source channels"],
    target: Float[Tensor, "target channels"],
    edge_index: Int[Tensor, "2 edges"],
    edge_attr: Float[Tensor, "edges edge_dim"] | None,
) -> Float[Tensor, "target out"]:
    """Call a convolution, with features of the edges if there are any."""
    features = {} if edge_attr is None else {"edge_attr": edge_attr}
    return conv((source, target), edge_index, **features)


def has_attention(conv: nn.Module) -> bool:
    """Say whether a convolution tells its attention weights."""
    return "return_attention_weights" in signature(conv.forward).parameters


def sparse_attention(
    conv: nn.Module,
    source: Float[Tensor, "source channels"],
    target: Float[Tensor, "target channels"],
    edge_index: Int[Tensor, "2 edges"],
    edge_attr: Float[Tensor, "edges edge_dim"] | None,
) -> Weighted:
    """Return the edges as the convolution sees them, self loops included, and their weights."""
    features = {} if edge_attr is None else {"edge_attr": edge_attr}
    _, weighted = conv((source, target), edge_index, **features, return_attention_weights=True)
    return weighted


def hgt_attention(
    conv: HGTConv,
    x_dict: Mapping[str, Float[Tensor, "_ _"]],
    edge_index_dict: Mapping[EdgeType, Int[Tensor, "2 _"]],
) -> dict[EdgeType, Weighted]:
    """Return the weights of all relations, which `HGTConv` itself does not tell."""
    seen: dict[str, Any] = {}
    handle = conv.register_message_forward_pre_hook(lambda _, inputs: seen.update(inputs[0]))
    try:
        conv(dict(x_dict), dict(edge_index_dict))
    finally:
        handle.remove()
    # As in HGTConv.message.
    logits = (seen["q_i"] * seen["k_j"]).sum(2) * seen["edge_attr"] / seen["q_i"].shape[2] ** 0.5
    weight = softmax(logits, seen["index"], seen["ptr"], seen["size_i"])
    parts = weight.split([edges.shape[1] for edges in edge_index_dict.values()])
    return {
        kind: (edges, part)
        for (kind, edges), part in zip(edge_index_dict.items(), parts, strict=True)
    }
