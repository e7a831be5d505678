"""Relations: which nodes are joined by edges, described without listing the edges.

Every relation gives the same edges in two forms: `joins`, a mask over padded nodes for dense
execution, and `edge_index`, a list of node pairs for PyG's sparse operators.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.nodes import Nodes


@dataclass(frozen=True, eq=False)
class Stencil:
    """Edges among nodes that lie in order, as steps from each node to those it hears.

    Args:
        steps: How far behind (positive) or before (negative) a node its neighbour lies.
        exists: True where a node has the neighbour of a step.
    """

    steps: tuple[int, ...]
    exists: Bool[Tensor, "batch nodes steps"]


class Relation(ABC):
    """Directed edges from the nodes of one modality to the nodes of another (or the same)."""

    @abstractmethod
    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """True where an edge would run, padding not considered; axes of size 1 broadcast."""

    def reach(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch #target source"]:
        """True where a node hears a real source node; what padded targets hear is left open.

        The mask dense operators take: its target axis has size 1 where every target hears the
        same sources, which saves them most of their work.
        """
        return self.joins(source, target) & source.mask.unsqueeze(1)

    def adjacency(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where an edge runs from a source node (last axis) to a target node."""
        return self.reach(source, target) & target.mask.unsqueeze(2)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Edges as rows of `Nodes.flat()`: source row above target row, PyG's convention."""
        batch, to, start = self.adjacency(source, target).nonzero(as_tuple=True)
        return torch.stack([source.offsets()[batch, start], target.offsets()[batch, to]])

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the same edges as a stencil, where that is quicker than a mask."""
        return None

    def of_sample(self, sample: int) -> Relation:
        """Return the relation for a batch made of this one sample."""
        return self


def same_item(source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
    """True where both nodes belong to the same image, text or clip."""
    return target.item.unsqueeze(2) == source.item.unsqueeze(1)


@dataclass(frozen=True)
class Grid(Relation):
    """Neighbouring regions of an image, both ways, never from one image to another.

    A node's `index` is its region in reading order, and no two nodes of an item share one.

    Args:
        rows: Regions from top to bottom.
        columns: Regions from left to right.
        neighbours: 4 for regions that share a side, 8 for those that share a corner too.
    """

    rows: int
    columns: int
    neighbours: Literal[4, 8] = 4

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"a grid needs rows and columns >= 1, got {self}")
        if self.neighbours not in (4, 8):
            raise ValueError(f"neighbours must be 4 or 8, got {self.neighbours}")

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where two regions of the same image touch."""
        apart = target.index.unsqueeze(2) - source.index.unsqueeze(1)
        column = target.index.unsqueeze(2) % self.columns
        # A step to the left or right must not wrap round to the row above or below.
        touch = (apart == self.columns) | (apart == -self.columns)
        diagonal = self.columns if self.neighbours == 8 else 0
        for step in {-diagonal, 0, diagonal}:
            touch |= (apart == step + 1) & (column > 0)
            touch |= (apart == step - 1) & (column < self.columns - 1)
        return touch & same_item(source, target)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Look the neighbours up by their region, which a large grid repays."""
        return _edges_to(source, target, self._wanted(target))

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the steps to the neighbours, for whole images in reading order."""
        steps = [down * self.columns + right for down, right in self._steps()]
        return _stencil(source, target, steps, self._wanted(target))

    def _wanted(self, target: Nodes) -> Int[Tensor, "batch target steps"]:
        """`index` of the neighbours of each region, -1 beyond the left and right border."""
        down, right = torch.tensor(self._steps(), device=target.x.device).T.view(2, 1, 1, -1)
        column = target.index.unsqueeze(2) % self.columns + right
        wanted = target.index.unsqueeze(2) + down * self.columns + right
        return wanted.masked_fill((column < 0) | (column >= self.columns), -1)

    def _steps(self) -> list[tuple[int, int]]:
        around = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        reach = 1 if self.neighbours == 4 else 2
        return [step for step in around if 0 < abs(step[0]) + abs(step[1]) <= reach]


@dataclass(frozen=True)
class Chain(Relation):
    """Tokens of the same text, or frames of the same clip, that stand close, both ways.

    No two nodes of an item share an `index`.

    Args:
        window: Largest distance of two joined tokens.
    """

    window: int = 1

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window must be >= 1, got {self.window}")

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where two tokens of the same text stand 1 to `window` apart."""
        apart = (target.index.unsqueeze(2) - source.index.unsqueeze(1)).abs()
        return (apart > 0) & (apart <= self.window) & same_item(source, target)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Look the neighbours up by their position, which long texts repay."""
        return _edges_to(source, target, self._wanted(target))

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the steps to the neighbours, for texts in order."""
        return _stencil(source, target, self._steps(), self._wanted(target))

    def _wanted(self, target: Nodes) -> Int[Tensor, "batch target steps"]:
        shift = torch.tensor(self._steps(), device=target.x.device)
        return target.index.unsqueeze(2) + shift

    def _steps(self) -> list[int]:
        return [step for step in range(-self.window, self.window + 1) if step]


def _edges_to(
    source: Nodes, target: Nodes, wanted: Int[Tensor, "batch target steps"]
) -> Int[Tensor, "2 edges"]:
    """Edges from the source nodes that have the wanted `index` in the target node's item."""
    if not source.mask.any() or not target.mask.any():
        return wanted.new_zeros(2, 0)
    items = int(torch.cat([source.item.flatten(), target.item.flatten()]).max()) + 1
    length = int(source.index.max()) + 1
    batch = torch.arange(source.batch_size, device=wanted.device).unsqueeze(1)
    rows = source.offsets()
    row_at = rows.new_full((source.batch_size * items * length,), -1)
    place = (batch * items + source.item) * length + source.index
    row_at[place[source.mask]] = rows[source.mask]

    exists = (wanted >= 0) & (wanted < length) & target.mask.unsqueeze(2)
    asked = ((batch * items + target.item) * length).unsqueeze(2) + wanted
    start = row_at[asked.masked_fill(~exists, 0)].masked_fill(~exists, -1)
    to = target.offsets().unsqueeze(2).expand_as(start)
    found = start >= 0
    return torch.stack([start[found], to[found]])


def _stencil(
    source: Nodes, target: Nodes, steps: list[int], wanted: Int[Tensor, "batch nodes steps"]
) -> Stencil | None:
    """Return the neighbours with the wanted `index`, where all of them lie at their step."""
    width = source.mask.shape[1]
    if source is not target or 2 * len(steps) >= width or not _in_order(source):
        return None
    step = torch.tensor(steps, device=wanted.device)
    slot = torch.arange(width, device=wanted.device).unsqueeze(1) + step  # [nodes, steps]
    inside = (slot >= 0) & (slot < width)
    slot = slot.clamp(0, width - 1)
    found = (source.index[:, slot] == wanted) & (source.item[:, slot] == target.item.unsqueeze(2))
    both = source.mask[:, slot] & target.mask.unsqueeze(2)
    return Stencil(tuple(steps), found & both & inside)


def _in_order(nodes: Nodes) -> bool:
    """Say whether each item's nodes lie one behind the other, without a gap in `index`."""
    item, index = nodes.item.diff(dim=1), nodes.index.diff(dim=1)
    follows = ((item == 0) & (index == 1)) | (item > 0)
    return bool((follows | ~nodes.mask[:, 1:]).all())


@dataclass(frozen=True)
class Complete(Relation):
    """Every source node to every target node of the sample, or of the same item.

    Args:
        within: "sample" joins all nodes of a sample, "item" only those of the same item.
        loops: False leaves out edges from a node to itself; only for a relation of a node
            type with itself.
    """

    within: Literal["sample", "item"] = "sample"
    loops: bool = True

    def __post_init__(self) -> None:
        if self.within not in ("sample", "item"):
            raise ValueError(f'within must be "sample" or "item", got {self.within!r}')

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """True everywhere, within items, off the diagonal, or both.

        Raises:
            ValueError: Loops are left out, and source and target are different nodes.
        """
        result = source.mask.new_ones(1, 1, 1)
        if self.within == "item":
            result = same_item(source, target)
        if not self.loops:
            if source.mask.shape != target.mask.shape:
                raise ValueError("loops=False needs the same node type as source and target")
            loop = torch.eye(source.mask.shape[1], dtype=torch.bool, device=source.mask.device)
            result = result & ~loop
        return result


@dataclass(frozen=True, eq=False)
class EdgeList(Relation):
    """Edges given one by one, for graphs that come from elsewhere.

    Args:
        sample: The sample of each edge.
        source: Position of its source node in the sample, as in `Nodes.x`.
        target: Position of its target node in the sample.
    """

    sample: Int[Tensor, "edges"]
    source: Int[Tensor, "edges"]
    target: Int[Tensor, "edges"]

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where an edge is listed."""
        shape = (source.batch_size, target.mask.shape[1], source.mask.shape[1])
        none = torch.zeros(shape, dtype=torch.bool, device=source.mask.device)
        listed = torch.ones_like(self.sample, dtype=torch.bool)
        return none.index_put((self.sample, self.target, self.source), listed)

    def of_sample(self, sample: int) -> EdgeList:
        """Return the edges of one sample, as those of the first sample of a batch."""
        own = self.sample == sample
        return EdgeList(torch.zeros_like(self.sample[own]), self.source[own], self.target[own])
