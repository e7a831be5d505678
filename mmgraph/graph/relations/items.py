"""Nodes of the same image, text or clip, and nodes of different ones."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation, not_itself, same_item


@dataclass(frozen=True)
class SameItem(Relation):
    """Nodes of the same item: all regions of an image, all tokens of a text.

    Between two modalities it joins the first image with the first text, the second with the
    second, and so on.

    Args:
        loops: True adds an edge from each node to itself. Default: False.

    Example:
        >>> import torch
        >>> words = Nodes.from_flat(
        ...     torch.ones(3, 8), sample=torch.zeros(3).long(), batch_size=1,
        ...     item=torch.tensor([0, 0, 1]),
        ... )
        >>> SameItem().edge_index(words, words).tolist()
        [[1, 0], [0, 1]]
    """

    loops: bool = False

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where both nodes belong to the same item."""
        result = same_item(source, target)
        return result if self.loops else result & not_itself(source, target)


@dataclass(frozen=True)
class OtherItems(Relation):
    """Nodes of different items of a sample: the regions of one image with those of another.

    With `SameItem` it splits the edges of `Complete`, so that messages within an image and
    between images have weights of their own.

    Example:
        >>> import torch
        >>> words = Nodes.from_flat(
        ...     torch.ones(3, 8), sample=torch.zeros(3).long(), batch_size=1,
        ...     item=torch.tensor([0, 0, 1]),
        ... )
        >>> OtherItems().edge_index(words, words).tolist()
        [[2, 2, 0, 1], [0, 1, 2, 2]]
    """

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where the nodes belong to different items."""
        return ~same_item(source, target)
