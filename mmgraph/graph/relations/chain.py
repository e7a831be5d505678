"""Tokens or frames that stand close together."""

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
class Chain(Relation):
    """Tokens of the same text, or frames of the same clip, that stand close.

    No two nodes of an item share an `index`.

    Args:
        window: Largest distance of two joined tokens. Default: 1.
        direction: "forward" if edges point in reading order, so that a token receives messages
            from those before it; "backward" if it receives messages from those after it; "both"
            for both. Two edge types, one of each, tell a convolution which side a token stands on.
            Default: "both".

    Raises:
        ValueError: `window` is less than 1, or there is no such direction.

    Example:
        >>> words = Nodes.from_flat(torch.ones(3, 8), sample=torch.zeros(3).long(), batch_size=1)
        >>> Chain(direction="forward").edge_index(words, words).tolist()
        [[0, 1], [1, 2]]
    """

    window: int = 1
    direction: Literal["both", "forward", "backward"] = "both"

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window must be >= 1, got {self.window}")
        if self.direction not in ("both", "forward", "backward"):
            raise ValueError(
                f'direction must be "both", "forward" or "backward", got {self.direction!r}'
            )

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where two tokens of the same text stand close, on the side that sends messages."""
        step = source.index.unsqueeze(1) - target.index.unsqueeze(2)
        steps = self._steps()
        return (step != 0) & (step >= steps[0]) & (step <= steps[-1]) & same_item(source, target)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Look the neighbours up by their position, which long texts repay."""
        return edges_to(source, target, self._wanted(target))

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the steps to the neighbours, for texts in order."""
        return stencil_to(source, target, self._steps(), self._wanted(target))

    def _wanted(self, target: Nodes) -> Int[Tensor, "batch target steps"]:
        shift = torch.tensor(self._steps(), device=target.x.device)
        return target.index.unsqueeze(2) + shift

    def _steps(self) -> list[int]:
        """Steps from a token to those it receives messages from, ascending."""
        first = 1 if self.direction == "backward" else -self.window
        last = -1 if self.direction == "forward" else self.window
        return [step for step in range(first, last + 1) if step]
