"""The attention weights of one row's graph, and what they say of its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.errors import DataError
from mmgraph.explain.sample import Sample
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.gnn import AttentionWeights, HeteroGNN
from mmgraph.nn.gnn_layers import RelationLayer
from mmgraph.typing import EdgeType


def attention_of(sample: Sample) -> list[AttentionWeights]:
    """Return the attention weights of a row; none where the model has no attention."""
    fusion = sample.model.fusion
    if sample.graph is None or not isinstance(fusion, GraphFusion):
        return []
    try:
        return fusion.gnn.attention(sample.graph)
    except ValueError:
        return []


def graph_fusion(sample: Sample, method: str) -> GraphFusion:
    """Return the fusion of the model, which must be a graph.

    Raises:
        DataError: It is another one.
    """
    fusion = sample.model.fusion
    if not isinstance(fusion, GraphFusion):
        raise DataError(
            f"{method} explains the edges of a graph, but the fusion is {type(fusion).__name__}; "
            'choose method="occlusion", which suits any model'
        )
    return fusion


def no_attention(method: str) -> DataError:
    """Return the error of a method that the convolutions do not suit."""
    return DataError(
        f"{method} needs convolutions that tell their attention weights, such as TransformerConv "
        'or GATv2Conv; choose method="occlusion", which suits any model'
    )


def place_of_nodes(sample: Sample) -> dict[str, slice]:
    """Return where the nodes of each type lie among all nodes of the row's graph."""
    assert sample.graph is not None
    places, begin = {}, 0
    for name, nodes in sample.graph.nodes.items():
        count = int(nodes.mask.sum())
        places[name] = slice(begin, begin + count)
        begin += count
    return places


def of_units(sample: Sample, values: Float[Tensor, "nodes"]) -> Float[Tensor, "units"]:
    """Return the values of those nodes that are units."""
    places = place_of_nodes(sample)
    parts = [values[places[name]][:count] for name, count in sample.counts.items()]
    return torch.cat(parts)


def matrix(
    sample: Sample,
    edge_type: EdgeType,
    edge_index: Int[Tensor, "2 edges"],
    weight: Float[Tensor, "edges"],
) -> Float[Tensor, "nodes nodes"]:
    """Return weights of one relation's edges as a matrix, targets above sources."""
    places = place_of_nodes(sample)
    size = max(place.stop for place in places.values())
    source = edge_index[0] + places[edge_type[0]].start
    target = edge_index[1] + places[edge_type[2]].start
    return weight.new_zeros(size, size).index_put((target, source), weight, accumulate=True)


@dataclass(frozen=True, eq=False)
class RecordedAttention:
    """Attention weights that gradients can be taken of.

    Args:
        layer: Number of the layer.
        edge_type: The edge type.
        edge_index: The edges as the convolution saw them.
        weight: Their weights, part of the computation that made the logits.
    """

    layer: int
    edge_type: EdgeType
    edge_index: Int[Tensor, "2 edges"]
    weight: Float[Tensor, "edges heads"]


@contextmanager
def recording(gnn: HeteroGNN) -> Iterator[list[RecordedAttention]]:
    """Run PyG's own code within the block, and list the attention weights it computes."""
    found: list[RecordedAttention] = []
    seen: dict[nn.Module, Any] = {}
    handles = []

    def remember(conv: nn.Module, inputs: tuple) -> None:
        seen[conv] = inputs[0]

    def hook(layer: int, edge_type: EdgeType) -> Any:
        def record(conv: nn.Module, inputs: tuple, _: Tensor) -> None:
            # Where PyG's own `AttentionExplainer` finds it.
            weight = inputs[0].get("alpha", getattr(conv, "_alpha", None))
            if weight is not None:
                found.append(RecordedAttention(layer, edge_type, seen[conv], weight))

        return record

    for number, layer in enumerate(gnn.layers):
        if not isinstance(layer, RelationLayer):
            continue
        for edge_type in gnn.edge_types:
            conv: Any = layer.conv(edge_type)
            if hasattr(conv, "register_message_forward_hook"):
                handles.append(conv.register_propagate_forward_pre_hook(remember))
                handles.append(conv.register_message_forward_hook(hook(number, edge_type)))
    execution = gnn.execution
    gnn.execution = "sparse"
    try:
        yield found
    finally:
        gnn.execution = execution
        for handle in handles:
            handle.remove()
