"""Edges to nodes whose `index` is known: found by looking it up instead of comparing all pairs."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Stencil


def edges_to(
    source: Nodes, target: Nodes, wanted: Int[Tensor, "batch target steps"]
) -> Int[Tensor, "2 edges"]:
    """Edges from the source nodes that have the wanted `index` in the target node's item.

    Args:
        source: Nodes no two of which share item and `index`.
        target: Nodes that receive messages from them.
        wanted: `index` of the nodes each target receives messages from; one that no node has is
            left out.
    """
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
    # Nodes need not lie in the order of their index, but edges are listed in that of the nodes.
    start = start.sort(dim=2).values
    to = target.offsets().unsqueeze(2).expand_as(start)
    found = start >= 0
    return torch.stack([start[found], to[found]])


def stencil_to(
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
