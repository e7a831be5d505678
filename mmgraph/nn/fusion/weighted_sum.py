"""Fusion by a weighted sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, find_present, read_each, share_present
from mmgraph.nn.readout import ReadoutLike, make_readout


class WeightedSumFusion(Fusion):
    r"""Each modality is read out by itself; the vectors of those present are averaged.

    .. math::
        h = \mathrm{dropout} \Bigl( \sum_{m \, \mathrm{present}}
        \mathrm{softmax}_m (w_m) \, (W_m r_m + b_m) \Bigr)

    The weights w are learnt, one number a modality. A sample without any modality gives zeros.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a feature of the result to be dropped. Default: 0.2.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> WeightedSumFusion(["text"], 8)({"text": text}).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        self.lins = nn.ModuleDict({name: nn.Linear(channels, channels) for name in self.readouts})
        self.weight = nn.Parameter(torch.zeros(len(self.readouts)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        vectors = read_each(self.readouts, nodes).unbind(1)
        x = torch.stack(
            [lin(vector) for lin, vector in zip(self.lins.values(), vectors, strict=True)], dim=1
        )  # [batch, modalities, channels]
        share = share_present(self.weight, find_present(self.readouts, nodes))
        return self.dropout((share.unsqueeze(1) @ x).squeeze(1))
