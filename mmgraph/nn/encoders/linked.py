"""From the vectors of linked rows to nodes."""

from __future__ import annotations

import torch
from torch import nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes

#: Steps in a sequence that are told apart.
_STEPS = 16


class LinkedEncoder(nn.Module):
    r"""One node a linked row: what it holds, by which relation, and how many steps away.

    .. math:: x_j = \mathrm{LayerNorm}(W f_j + r_{\rho(j)} + s_{\min(d_j, 16)})

    for the frozen features f of row j, its relation ρ and its distance d in a sequence.

    Args:
        in_channels: Features of a row.
        relations: Number of relations.
        channels: Features of a node.

    Shapes:
        Items with `features` [nodes, in_channels], `relation` [nodes], `distance` [nodes] ->
        Nodes of the given channels
    """

    def __init__(self, in_channels: int, relations: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(in_channels, channels)
        self.relation = nn.Embedding(relations, channels)
        self.distance = nn.Embedding(_STEPS + 1, channels)
        self.norm = nn.LayerNorm(channels)
        for embedding in (self.relation, self.distance):
            nn.init.normal_(embedding.weight, std=channels**-0.5)

    def forward(self, items: Items) -> Nodes:
        """Return a node for every linked row."""
        data = items.data
        x = self.project(data["features"].to(self.project.weight.dtype))
        x = x + self.relation(data["relation"])
        x = x + self.distance(torch.clamp(data["distance"], max=_STEPS))
        return items.nodes(self.norm(x))
