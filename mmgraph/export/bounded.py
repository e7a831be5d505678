"""Nodes and edges without a size that only the data tell, as programs for any data need them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from mmgraph.graph.items import Items, before_end
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Relation
from mmgraph.message_passing import GraphEdges, PackedNodes
from mmgraph.message_passing.edges.mask_edges import MaskEdges


@dataclass(frozen=True)
class PaddedItems(Items):
    """Items whose nodes are padded to a width that is given, not looked for.

    Rows are gathered from where they must lie, so no mask is ever turned into a list. Nodes of
    a sample beyond the width are left out.

    Args:
        width: Padded nodes of every sample.
    """

    width: int = 0

    def owner(self, total: int) -> Int[Tensor, "nodes"]:
        """Return the item of each node; rows behind the last node belong to the last item."""
        return owner_of(self.length, total)

    def nodes(self, x: Float[Tensor, "flat channels"]) -> Nodes:
        """Return nodes with these features; rows behind the last node are left out."""
        layout = self.node_layout(x.shape[0])
        count = self.nodes_per_sample
        mask, row = _rows(count, self.width)
        return Nodes(
            x=_pick(x, row, mask),
            mask=mask,
            item=_pick(layout["item"], row, mask),
            index=_pick(layout["index"], row, mask),
        )

    def pad(self, x: Float[Tensor, "flat channels"]) -> Float[Tensor, "items steps channels"]:
        """Return the features of each item's nodes; no item has more than a sample."""
        mask, row = _rows(self.length, self.width)
        return _pick(x, row, mask)

    def pack(
        self, x: Float[Tensor, "items steps channels"], total: int | None = None
    ) -> Float[Tensor, "flat channels"]:
        """Undo `pad`; without a total, rows without meaning lie behind the last node."""
        items, steps, _ = x.shape
        total = items * steps if total is None else total
        owner = self.owner(total)
        start = self.length.cumsum(0) - self.length
        index = torch.arange(total, device=x.device) - start[owner]
        return x.flatten(0, 1)[owner * steps + index.clamp_max(steps - 1)]


def owner_of(length: Int[Tensor, "owners"], total: int) -> Int[Tensor, "{total}"]:
    """Return whom each of some things belongs to, where every owner has several in order.

    Args:
        length: How many each has; together at most `total`.
        total: Number of things; those that nobody owns count for the last one.

    Example:
        >>> owner_of(torch.tensor([2, 0, 1]), 4).tolist()
        [0, 0, 2, 2]
    """
    ends = torch.zeros(total + 1, dtype=torch.long, device=length.device)
    ends = ends.index_add(0, length.cumsum(0), torch.ones_like(length))
    return ends.cumsum(0)[:total].clamp_max(length.shape[0] - 1)


def _rows(
    count: Int[Tensor, "rows"], width: int
) -> tuple[Bool[Tensor, "rows width"], Int[Tensor, "rows width"]]:
    """Return which padded places are real, and the flat row that lies there."""
    mask = before_end(count, width)
    start = (count.cumsum(0) - count).unsqueeze(1)
    row = start + torch.arange(width, device=count.device)
    return mask, row.masked_fill(~mask, 0)


def _pick(
    values: Shaped[Tensor, "flat *channels"],
    row: Int[Tensor, "rows width"],
    mask: Bool[Tensor, "rows width"],
) -> Shaped[Tensor, "rows width *channels"]:
    picked = values[row]
    return picked.masked_fill(~(mask if values.ndim == 1 else mask.unsqueeze(2)), 0)


class PaddedNodes(PackedNodes):
    """Padded nodes are rows as well; what is computed for them is never received."""

    def __init__(self, mask: Bool[Tensor, "batch nodes"]) -> None:
        self.mask = mask

    def __len__(self) -> int:
        """Number of nodes, padding included."""
        return self.mask.numel()

    @property
    def sample(self) -> Int[Tensor, "rows"]:
        """The sample of each row."""
        return torch.arange(len(self), device=self.mask.device) // self.mask.shape[1]

    def pack(self, x: Shaped[Tensor, "batch nodes *channels"]) -> Shaped[Tensor, "rows *channels"]:
        """Return all nodes, one behind the other."""
        return x.flatten(0, 1)

    def pad(self, x: Shaped[Tensor, "rows *channels"]) -> Shaped[Tensor, "batch nodes *channels"]:
        """Return the nodes with zeros where there are none."""
        padded = x.unflatten(0, self.mask.shape)
        real = self.mask.view(*self.mask.shape, *[1] * (x.ndim - 1))
        return padded.masked_fill(~real, 0)


class PaddedEdges(MaskEdges):
    """Edges by a mask that is always applied, whether or not anything is left out."""

    @property
    def neighbours(self) -> None:
        """No lists: their lengths would be those of the traced batch."""

    @property
    def closed(self) -> Bool[Tensor, "batch 1 #target source"]:
        """Which pairs attention leaves out."""
        return (~self.reach & self.receives).unsqueeze(1)

    def received(
        self, x: Float[Tensor, "batch nodes_target heads channels"]
    ) -> Float[Tensor, "target heads channels"]:
        """Pack what targets received, 0 where they receive nothing."""
        return self.target.pack(x) * self._to_rows(self.receives).unsqueeze(2)

    def _max(
        self, x: Float[Tensor, "batch source channels"]
    ) -> Float[Tensor, "batch #target channels"]:
        pairs = x.unsqueeze(1).masked_fill(~self.reach.unsqueeze(3), -float("inf"))
        return pairs.amax(2).masked_fill(~self.receives, 0)


class PaddedGraphEdges(GraphEdges):
    """The edges of one forward pass, all of them by masks."""

    rows_class = PaddedNodes

    def make_dense(
        self,
        relation: Relation,
        ends: tuple[Nodes, Nodes],
        rows: tuple[PackedNodes, PackedNodes],
        features: bool,
    ) -> PaddedEdges:
        """Return the edges of one relation."""
        found = relation.edge_features(*ends) if features else None
        return PaddedEdges(*rows, found, relation.reach(*ends))
