"""One layer of messages by dense forms, with one product for all linear maps of a node type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.message_passing.base import DenseForm, Ends, LinearMap, apply_maps
from mmgraph.message_passing.convs.attention import AttentionForm
from mmgraph.message_passing.edges.edges import DenseEdges
from mmgraph.typing import EdgeType


@dataclass(frozen=True, eq=False)
class Step:
    """How the messages along one edge type are computed.

    Args:
        conv: The convolution.
        form: Its dense form.
        edges: The edges.
    """

    conv: nn.Module
    form: DenseForm
    edges: DenseEdges


def dense_messages(
    steps: Mapping[EdgeType, Step], x_dict: Mapping[str, Float[Tensor, "_ _"]]
) -> dict[str, Float[Tensor, "_ _"]]:
    """Return the sum of the convolutions' outputs for each node type they lead to."""
    ends, total = _map_ends(steps, x_dict)
    for edge_type, step in steps.items():
        message = step.form.messages(step.conv, *ends[edge_type], step.edges)
        add_to(total, edge_type[2], message)
    return total


def dense_attention(
    steps: Mapping[EdgeType, Step], x_dict: Mapping[str, Float[Tensor, "_ _"]]
) -> dict[EdgeType, Float[Tensor, "edges heads"]]:
    """Return the attention weights of the edges in the order of `Relation.edge_index`."""
    ends, _ = _map_ends(steps, x_dict)
    return {
        edge_type: step.edges.listed(step.form.weights(step.conv, *ends[edge_type], step.edges))
        for edge_type, step in steps.items()
        if isinstance(step.form, AttentionForm)
    }


def add_to(total: dict[str, Tensor], name: str, x: Float[Tensor, "rows channels"]) -> None:
    """Add to a sum that may not have begun."""
    total[name] = total[name] + x if name in total else x


def _map_ends(
    steps: Mapping[EdgeType, Step], x_dict: Mapping[str, Float[Tensor, "_ _"]]
) -> tuple[dict[EdgeType, tuple[Ends, Ends]], dict[str, Tensor]]:
    """Return both ends of each edge type, and the mapped root of each target node type."""
    products = {name: _Product(x) for name, x in x_dict.items()}
    roots: dict[str, list[LinearMap]] = {}
    asked = {}
    for edge_type, step in steps.items():
        source, target = products[edge_type[0]], products[edge_type[2]]
        asked[edge_type] = (
            (source, source.ask(step.form.source_maps(step.conv, step.edges))),
            (target, target.ask(step.form.target_maps(step.conv, step.edges))),
        )
        root = step.form.root(step.conv)
        if root is not None:
            roots.setdefault(edge_type[2], []).append(root)
    rooted = {name: products[name].ask([_joint_root(maps)]) for name, maps in roots.items()}
    ends = {
        edge_type: (source.answer(first), target.answer(second))
        for edge_type, ((source, first), (target, second)) in asked.items()
    }
    return ends, {name: products[name].answer(part).mapped[0] for name, part in rooted.items()}


class _Product:
    """The linear maps of one node type: asked for one by one, computed together.

    Args:
        x: Features of the real nodes.
    """

    def __init__(self, x: Float[Tensor, "rows channels"]) -> None:
        self._x = x
        self._maps: list[LinearMap] = []

    def ask(self, maps: list[LinearMap]) -> slice:
        """Note maps to compute, and return where their results will be."""
        self._maps += maps
        return slice(len(self._maps) - len(maps), len(self._maps))

    def answer(self, part: slice) -> Ends:
        """Return the nodes with the results that were asked for."""
        return Ends(self._x, self._mapped[part])

    @cached_property
    def _mapped(self) -> tuple[Float[Tensor, "rows _"], ...]:
        return apply_maps(self._x, self._maps)


def _joint_root(maps: list[LinearMap]) -> LinearMap:
    """Return one map for the sum of several."""
    weights = [each.weight for each in maps]
    biases = [each.bias for each in maps if each.bias is not None]
    bias = sum(biases[1:], start=biases[0]) if biases else None
    return LinearMap(sum(weights[1:], start=weights[0]), bias)
