"""A learnt node that stands for a modality a sample lacks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes


class AbsentNode(nn.Module):
    """Gives samples without nodes one node with learnt features, so that absence counts too.

    That a modality is missing can itself tell something: a product without a picture, a patient
    without a scan. The node's `item` and `index` are 0.

    Args:
        encoder: From `Items` to `Nodes`.
        channels: Features of a node.

    Example:
        >>> from mmgraph import Text
        >>> text = Text(features=None).fit([["red rose"], []])
        >>> encoder = AbsentNode(text.make_encoder(8), 8)
        >>> encoder(text.collate(text.transform([["red rose"], []]))).mask.any(1).tolist()
        [True, True]
    """

    def __init__(self, encoder: nn.Module, channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.x = nn.Parameter(torch.randn(channels) * 0.02)

    def forward(self, items: Items) -> Nodes:
        """Return the encoder's nodes, and one for each sample without any."""
        nodes = self.encoder(items)
        absent = ~nodes.mask.any(1)
        extra = int(nodes.mask.shape[1] == 0)

        def widen(values: Tensor) -> Tensor:
            return F.pad(values, (0,) * (2 * values.ndim - 4) + (0, extra))

        first = torch.zeros_like(widen(nodes.mask))
        first[:, 0] = absent
        return replace(
            nodes,
            x=widen(nodes.x) + first.unsqueeze(2) * self.x,
            mask=widen(nodes.mask) | first,
            item=widen(nodes.item),
            index=widen(nodes.index),
        )
