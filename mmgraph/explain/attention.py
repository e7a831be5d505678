"""The attention weights of one row's graph, and what they say of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.errors import DataError
from mmgraph.explain.units import Sample
from mmgraph.graph.nodes import Nodes
from mmgraph.message_passing.gnn import AttentionWeights, HeteroGNN
from mmgraph.message_passing.layers import RelationLayer
from mmgraph.nn.fusion.graph import GraphFusion
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


def place_of_nodes(nodes: Mapping[str, Nodes]) -> dict[str, slice]:
    """Return where the nodes of each type lie among all nodes of a row."""
    places, begin = {}, 0
    for name, each in nodes.items():
        end = begin + int(each.mask.sum())
        places[name] = slice(begin, end)
        begin = end
    return places


def of_units(sample: Sample, values: Float[Tensor, "nodes"]) -> Float[Tensor, "units"]:
    """Return the values of those nodes that are units."""
    assert sample.graph is not None
    places = place_of_nodes(sample.graph.nodes)
    parts = [values[places[name]][:count] for name, count in sample.counts.items()]
    return torch.cat(parts)


def layer_matrices(
    sample: Sample, weights: Iterable[AttentionWeights]
) -> list[Float[Tensor, "nodes nodes"]]:
    """Return the mean attention over the heads of each layer, summed over the relations.

    What each node (row) receives of the others (columns), from the first layer on.
    """
    assert sample.graph is not None
    places = place_of_nodes(sample.graph.nodes)
    size = max(place.stop for place in places.values())
    layers: dict[int, Tensor] = {}
    for each in weights:
        receives = layers.setdefault(each.layer, each.weight.new_zeros(size, size))
        source = each.edge_index[0] + places[each.edge_type[0]].start
        target = each.edge_index[1] + places[each.edge_type[2]].start
        receives.index_put_((target, source), each.weight.mean(1), accumulate=True)
    return [layers[number] for number in sorted(layers)]


@contextmanager
def recording(gnn: HeteroGNN) -> Iterator[list[AttentionWeights]]:
    """Run PyG's own code within the block, and list the attention weights it computes.

    Unlike those of `HeteroGNN.attention`, gradients can be taken of them.
    """
    found: list[AttentionWeights] = []
    handles = [
        handle
        for number, layer in enumerate(gnn.layers)
        if isinstance(layer, RelationLayer)
        for edge_type in gnn.edge_types
        for handle in _record(layer.conv(edge_type), number, edge_type, found)
    ]
    execution, gnn.execution = gnn.execution, "sparse"
    try:
        yield found
    finally:
        gnn.execution = execution
        for handle in handles:
            handle.remove()


def _record(conv: Any, layer: int, edge_type: EdgeType, found: list[AttentionWeights]) -> list[Any]:
    """Let a convolution add its weights to a list; returns what ends that."""
    edge_index: list[Any] = []

    def remember(conv: nn.Module, inputs: tuple) -> None:
        edge_index[:] = inputs[:1]

    def record(conv: nn.Module, inputs: tuple, _: Tensor) -> None:
        # Where PyG's own `AttentionExplainer` finds it.
        weight = inputs[0].get("alpha", getattr(conv, "_alpha", None))
        if weight is not None:
            found.append(AttentionWeights(layer, edge_type, edge_index[0], weight))

    if not hasattr(conv, "register_message_forward_hook"):
        return []
    return [
        conv.register_propagate_forward_pre_hook(remember),
        conv.register_message_forward_hook(record),
    ]
