"""The edges of one relation as dense forms use them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.message_passing.edges.neighbours import Neighbours
from mmgraph.message_passing.packing import PackedNodes

#: One number for each edge and head. Its layout is the edges' own, sources along the last axis.
EdgeTensor: TypeAlias = Float[Tensor, "..."]


def unchanged(x: Tensor) -> Tensor:
    """Return the tensor as it is."""
    return x


@dataclass(frozen=True, eq=False)
class DenseEdges(ABC):
    """Edges that are never listed. Nodes are rows, see `PackedNodes`.

    Args:
        source: The nodes that send messages.
        target: The nodes that receive messages.
        features: Features of the edges, or None.
    """

    source: PackedNodes
    target: PackedNodes
    features: Float[Tensor, "..."] | None

    @property
    @abstractmethod
    def neighbours(self) -> Neighbours | None:
        """What each target receives, as lists; None where sizes are not known."""

    @abstractmethod
    def reduce(
        self,
        x: Float[Tensor, "source channels"],
        aggr: str,
        then: Callable[[Tensor], Tensor] = unchanged,
    ) -> Float[Tensor, "target out"]:
        """Reduce what each target receives, 0 where it receives nothing, and map the result.

        Args:
            x: What the source nodes say.
            aggr: "mean", "max", or "add" or "sum".
            then: A map of single nodes.
        """

    @abstractmethod
    def dot(
        self,
        query: Float[Tensor, "target heads channels"],
        key: Float[Tensor, "source heads channels"],
    ) -> EdgeTensor:
        """Return the product of the two ends of each edge."""

    @abstractmethod
    def dot_features(self, query: Float[Tensor, "target heads edge_dim"]) -> EdgeTensor:
        """Return the product of each edge's target and its features."""

    @abstractmethod
    def of_source(self, x: Float[Tensor, "source heads"]) -> EdgeTensor:
        """Return what stands at the source of each edge; axes may be 1."""

    @abstractmethod
    def of_target(self, x: Float[Tensor, "target heads"]) -> EdgeTensor:
        """Return what stands at the target of each edge; axes may be 1."""

    @abstractmethod
    def softmax(self, logits: EdgeTensor) -> EdgeTensor:
        """Normalise over what each target receives.

        The weights of targets that receive nothing are finite, and `gather` gives them 0.
        """

    @abstractmethod
    def gather(
        self, weight: EdgeTensor, value: Float[Tensor, "source heads channels"]
    ) -> Float[Tensor, "target heads channels"]:
        """Return the weighted sum of what each target receives."""

    @abstractmethod
    def gather_features(self, weight: EdgeTensor) -> Float[Tensor, "target heads edge_dim"]:
        """Return the weighted sum of the features of each target's edges."""

    @abstractmethod
    def padded(
        self, logits: EdgeTensor
    ) -> tuple[Float[Tensor, "batch heads target _"], Bool[Tensor, "batch 1 #target _"]]:
        """Return the numbers by padded target, and which of them belong to an edge."""

    @abstractmethod
    def unpadded(self, weight: Float[Tensor, "batch heads target _"]) -> EdgeTensor:
        """Undo `padded`."""

    @abstractmethod
    def listed(self, weight: EdgeTensor) -> Float[Tensor, "edges heads"]:
        """Return the numbers in the order of `Relation.edge_index`."""
