"""Regions of an image that touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation, Stencil, same_item
from mmgraph.graph.relations.by_index import edges_to, stencil_to


@dataclass(frozen=True)
class Grid(Relation):
    """Neighbouring regions of an image, both ways, never from one image to another.

    A node's `index` is its region in reading order, and no two nodes of an item share one.

    Args:
        rows: Regions from top to bottom.
        columns: Regions from left to right.
        neighbours: 4 for regions that share a side, 8 for those that share a corner too.
            Default: 4.

    Raises:
        ValueError: There are no rows or columns, or `neighbours` is neither 4 nor 8.

    Example:
        >>> regions = Nodes.from_flat(torch.ones(4, 8), sample=torch.zeros(4).long(), batch_size=1)
        >>> Grid(2, 2).edge_index(regions, regions).tolist()
        [[1, 2, 0, 3, 0, 3, 1, 2], [0, 0, 1, 1, 2, 2, 3, 3]]
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
        return edges_to(source, target, self._wanted(target))

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the steps to the neighbours, for whole images in reading order."""
        steps = [down * self.columns + right for down, right in self._steps()]
        return stencil_to(source, target, steps, self._wanted(target))

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
