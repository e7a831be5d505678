"""What a relation is: edges as a mask, as a list, and where it pays as a stencil."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes


@dataclass(frozen=True, eq=False)
class Stencil:
    """Edges among nodes that lie in order, as steps from each node to the sources of its messages.

    Args:
        steps: How far behind (positive) or before (negative) a node its neighbour lies.
        exists: True where a node has the neighbour of a step.
    """

    steps: tuple[int, ...]
    exists: Bool[Tensor, "batch nodes steps"]


class Relation(ABC):
    """Directed edges from the nodes of one modality to the nodes of another (or the same).

    A relation of a node type with itself gets the same `Nodes` object as source and target;
    that is how it knows a node's edge to itself.

    Subclasses are best frozen dataclasses, which can be compared and shown.

    Example:
        >>> class LaterTokens(Relation):
        ...     def joins(self, source, target):
        ...         return source.index.unsqueeze(1) > target.index.unsqueeze(2)
        >>> words = Nodes.from_flat(
        ...     torch.ones(3, 8), sample=torch.tensor([0, 0, 0]), batch_size=1
        ... )
        >>> LaterTokens().edge_index(words, words).tolist()
        [[1, 2, 2], [0, 0, 1]]
    """

    @property
    def depends_on_x(self) -> bool:
        """Whether the edges follow the features, so that every layer needs its own."""
        return False

    @property
    def edge_dim(self) -> int:
        """Number of features of an edge; 0 without any."""
        return 0

    @abstractmethod
    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """True where an edge would run, padding not considered; axes of size 1 broadcast."""

    def reach(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch #target source"]:
        """True from real source nodes to their targets; what padded targets receive is left open.

        The mask dense operators take: its target axis has size 1 where every target receives
        messages from the same sources, which saves them most of their work.
        """
        return self.joins(source, target) & source.mask.unsqueeze(1)

    def adjacency(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where an edge runs from a source node (last axis) to a target node."""
        return self.reach(source, target) & target.mask.unsqueeze(2)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Edges as rows of `Nodes.flat()`: source row above target row, PyG's convention.

        They are sorted by target row, then by source row, whatever the relation.
        """
        batch, to, start = self.adjacency(source, target).nonzero(as_tuple=True)
        return torch.stack([source.offsets()[batch, start], target.offsets()[batch, to]])

    def edge_features(
        self, source: Nodes, target: Nodes
    ) -> Float[Tensor, "#batch #target #source features"] | None:
        """Features of all edges over padded nodes, or None; left open where no edge runs."""
        return None

    def edge_attr(self, source: Nodes, target: Nodes) -> Float[Tensor, "edges features"] | None:
        """Features of the edges in the order of `edge_index`, or None."""
        features = self.edge_features(source, target)
        if features is None:
            return None
        adjacency = self.adjacency(source, target)
        return features.expand(*adjacency.shape, -1)[adjacency]

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the same edges as a stencil, where that is quicker than a mask."""
        return None

    def of_sample(self, sample: int) -> Relation:
        """Return the relation for a batch made of this one sample."""
        return self


def same_item(source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
    """True where both nodes belong to the same image, text or clip."""
    return target.item.unsqueeze(2) == source.item.unsqueeze(1)


def not_itself(source: Nodes, target: Nodes) -> Bool[Tensor, "1 #target #source"]:
    """False where a node would receive its own messages, which it can only within one node type."""
    if source is not target:
        return source.mask.new_ones(1, 1, 1)
    return ~torch.eye(source.mask.shape[1], dtype=torch.bool, device=source.x.device).unsqueeze(0)
