"""All nodes of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Bool
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation, not_itself, same_item


@dataclass(frozen=True)
class Complete(Relation):
    """Every source node to every target node of the sample, or of the same item.

    Args:
        within: "sample" joins all nodes of a sample, "item" only those of the same item.
            Default: "sample".
        loops: False leaves out edges from a node to itself. Default: True.

    Raises:
        ValueError: `within` is neither "sample" nor "item".

    Example:
        >>> import torch
        >>> words = Nodes.from_flat(torch.ones(2, 8), sample=torch.zeros(2).long(), batch_size=1)
        >>> Complete(loops=False).edge_index(words, words).tolist()
        [[1, 0], [0, 1]]
    """

    within: Literal["sample", "item"] = "sample"
    loops: bool = True

    def __post_init__(self) -> None:
        if self.within not in ("sample", "item"):
            raise ValueError(f'within must be "sample" or "item", got {self.within!r}')

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """True everywhere, within items, off the diagonal, or both."""
        # One mask for all targets, where it is one: dense execution makes much of it.
        everywhere = source.mask.new_ones(1, 1, 1)
        result = same_item(source, target) if self.within == "item" else everywhere
        return result if self.loops else result & not_itself(source, target)
