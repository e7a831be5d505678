"""What a dense form of a PyG convolution is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.nn import Linear, MessagePassing

from mmgraph.message_passing.edges.edges import DenseEdges


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A weight and perhaps a bias, to be applied together with others that read the same rows.

    Args:
        weight: The matrix that rows are multiplied with.
        bias: What is added. Default: None.
    """

    weight: Float[Tensor, "out in"]
    bias: Float[Tensor, "out"] | None = None

    @classmethod
    def of(cls, linear: Any) -> LinearMap:
        """Return the map of a linear layer, torch's or PyG's."""
        return cls(linear.weight, linear.bias)


@dataclass(frozen=True, eq=False)
class Ends:
    """The nodes at one end of the edges.

    Args:
        x: Features of the real nodes.
        mapped: What the linear maps that a form asked for made of them.
    """

    x: Float[Tensor, "rows channels"]
    mapped: tuple[Float[Tensor, "rows _"], ...]


class DenseForm(ABC):
    """The function of one PyG convolution, computed on rows of nodes instead of an edge list.

    The convolution stays the owner of its weights; a dense form only reads them. It names the
    linear maps it needs, so that all maps of a node type in a layer become one product.
    """

    operator: ClassVar[type[MessagePassing]]
    aggregations: ClassVar[tuple[str, ...]] = ("add", "sum")

    def reason(self, conv: MessagePassing) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        if conv.aggr not in self.aggregations:
            return f"aggr={conv.aggr!r} is not one of {self.aggregations}"
        return plain_reason(conv)

    def source_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the linear maps of the source nodes that `messages` needs."""
        return []

    def target_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the linear maps of the target nodes that `messages` needs."""
        return []

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the linear map of the target nodes that is added to the messages, if any.

        The roots of all relations with the same target become one map: the sum of their weights.
        """
        return None

    @abstractmethod
    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)` without its root.

        Args:
            conv: A convolution without a `reason`.
            source: Source nodes and their `source_maps`.
            target: Target nodes and their `target_maps`.
            edges: The edges between them.
        """


def plain_reason(conv: MessagePassing) -> str | None:
    """Say why a convolution is not what its class says, or None when it is."""
    if conv.flow != "source_to_target":
        return f"flow={conv.flow!r} is not 'source_to_target'"
    if conv.explain or any(hooked(module) for module in conv.modules()):
        return "an explainer or a hook watches its edges"
    for name, child in conv.named_children():
        if name.startswith("lin") and type(child) not in (Linear, nn.Linear):
            return f"its {name} is a {type(child).__name__}, not a plain linear layer"
    return None


def hooked(module: nn.Module) -> bool:
    """Say whether calling the module does more than its class says."""
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


def apply_maps(
    x: Float[Tensor, "rows in"], maps: list[LinearMap]
) -> tuple[Float[Tensor, "rows _"], ...]:
    """Apply several linear maps as one product.

    Example:
        >>> one = LinearMap(torch.ones(1, 2), torch.tensor([5.0]))
        >>> two = LinearMap(torch.eye(2))
        >>> [each.tolist() for each in apply_maps(torch.tensor([[1.0, 2.0]]), [one, two])]
        [[[8.0]], [[1.0, 2.0]]]
    """
    if not maps:
        return ()
    weight = torch.cat([each.weight for each in maps])
    return nn.functional.linear(x, weight, _joint_bias(maps)).split(
        [len(each.weight) for each in maps], dim=1
    )


def _joint_bias(maps: list[LinearMap]) -> Float[Tensor, "out"] | None:
    if all(each.bias is None for each in maps):
        return None
    biases = [
        each.weight.new_zeros(len(each.weight)) if each.bias is None else each.bias for each in maps
    ]
    return torch.cat(biases)
