"""One layer of messages: each convolution by its dense form, or by PyG's own code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.nn import HGTConv

from mmgraph.message_passing.base import DenseForm
from mmgraph.message_passing.choice import Execution, dense_form
from mmgraph.message_passing.convs.hgt import DenseHGT
from mmgraph.message_passing.dense import Step, add_to, dense_attention, dense_messages
from mmgraph.message_passing.edges.graph_edges import GraphEdges
from mmgraph.message_passing.sparse import (
    Weighted,
    has_attention,
    hgt_attention,
    sparse_attention,
    sparse_messages,
)
from mmgraph.typing import EdgeType

XDict = Mapping[str, Float[Tensor, "_ _"]]


def relation_messages(
    convs: Mapping[EdgeType, nn.Module],
    x_dict: XDict,
    edges: GraphEdges,
    *,
    featured: Collection[EdgeType] = (),
    execution: Execution = "auto",
) -> dict[str, Float[Tensor, "_ _"]]:
    """Run one convolution along each edge type and sum what arrives at each node type.

    Args:
        convs: The convolution of each edge type.
        x_dict: Features of the real nodes of each type.
        edges: The edges.
        featured: The edge types whose convolution takes features of the edges.
        execution: "dense", "sparse", or "auto" for whatever has a dense form.

    Raises:
        ValueError: `execution="dense"`, and a convolution has no dense form.
    """
    steps = _steps(convs, edges, featured, execution)
    total = dense_messages(steps, x_dict)
    for edge_type, conv in convs.items():
        if edge_type not in steps:
            args = _listed(edge_type, x_dict, edges, featured)
            add_to(total, edge_type[2], sparse_messages(conv, *args))
    return total


def relation_attention(
    convs: Mapping[EdgeType, nn.Module],
    x_dict: XDict,
    edges: GraphEdges,
    *,
    featured: Collection[EdgeType] = (),
    execution: Execution = "auto",
) -> dict[EdgeType, Weighted]:
    """Return edges and attention weights of the edge types whose convolution has any.

    Arguments and errors are those of `relation_messages`.
    """
    steps = _steps(convs, edges, featured, execution)
    weights = dense_attention(steps, x_dict)
    result = {kind: (edges.edge_index(kind), weight) for kind, weight in weights.items()}
    for edge_type, conv in convs.items():
        if edge_type not in steps and has_attention(conv):
            args = _listed(edge_type, x_dict, edges, featured)
            result[edge_type] = sparse_attention(conv, *args)
    return result


def hetero_messages(
    conv: nn.Module,
    x_dict: XDict,
    edges: GraphEdges,
    edge_types: Sequence[EdgeType],
    *,
    execution: Execution = "auto",
) -> dict[str, Float[Tensor, "_ _"]]:
    """Run a convolution that takes all edge types at once.

    Args:
        conv: The convolution, called with (x_dict, edge_index_dict).
        x_dict: Features of the real nodes of each type.
        edges: The edges.
        edge_types: The edge types in the order of the convolution's metadata: `HGTConv` gives
            wrong results in any other.
        execution: "dense", "sparse", or "auto" for whatever has a dense form.

    Raises:
        ValueError: `execution="dense"`, and the convolution has no dense form.
    """
    form = dense_form(conv, execution)
    if isinstance(form, DenseHGT):
        return form.forward(conv, x_dict, _dense_dict(edges, edge_types))
    edge_index_dict = {kind: edges.edge_index(kind) for kind in edge_types}
    result = conv(dict(x_dict), edge_index_dict)
    return {name: x for name, x in result.items() if x is not None}


def hetero_attention(
    conv: nn.Module,
    x_dict: XDict,
    edges: GraphEdges,
    edge_types: Sequence[EdgeType],
    *,
    execution: Execution = "auto",
) -> dict[EdgeType, Weighted]:
    """Return edges and attention weights of `HGTConv`; nothing for other convolutions.

    Arguments and errors are those of `hetero_messages`.
    """
    edge_index_dict = {kind: edges.edge_index(kind) for kind in edge_types}
    form = dense_form(conv, execution)
    if isinstance(form, DenseHGT):
        dense = _dense_dict(edges, edge_types)
        weights = form.weights(conv, x_dict, dense)
        return {
            kind: (edge_index, dense[kind].listed(weights[kind]))
            for kind, edge_index in edge_index_dict.items()
        }
    return hgt_attention(conv, x_dict, edge_index_dict) if isinstance(conv, HGTConv) else {}


def _steps(
    convs: Mapping[EdgeType, nn.Module],
    edges: GraphEdges,
    featured: Collection[EdgeType],
    execution: Execution,
) -> dict[EdgeType, Step]:
    """Return what runs densely."""
    steps = {}
    for edge_type, conv in convs.items():
        form = dense_form(conv, execution)
        if isinstance(form, DenseForm):
            dense = edges.dense(edge_type, features=edge_type in featured)
            steps[edge_type] = Step(conv, form, dense)
    return steps


def _dense_dict(edges: GraphEdges, edge_types: Sequence[EdgeType]) -> dict:
    return {kind: edges.dense(kind, features=False) for kind in edge_types}


def _listed(
    edge_type: EdgeType, x_dict: XDict, edges: GraphEdges, featured: Collection[EdgeType]
) -> tuple:
    """Return source, target, edges and their features, as PyG's convolutions take them."""
    edge_attr = edges.edge_attr(edge_type) if edge_type in featured else None
    ends = x_dict[edge_type[0]], x_dict[edge_type[2]]
    return *ends, edges.edge_index(edge_type), edge_attr
