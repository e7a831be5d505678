"""Fusion by a weighted sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.nn.fusion.base import Fusion, check_modalities
from mmgraph.nn.readout import Readout, ReadoutKind
from mmgraph.nodes import Nodes


class WeightedSumFusion(Fusion):
    r"""Each modality is read out by itself; the vectors of those present are averaged.

    .. math::
        h = \sum_{m \, \mathrm{present}} \mathrm{softmax}_m (w_m) \, (W_m r_m + b_m)

    A sample without any modality gives zeros.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined.
        dropout: Probability of a feature of the result to be dropped.
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutKind = "attention",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.readouts = nn.ModuleDict({name: Readout(readout, channels) for name in modalities})
        self.lins = nn.ModuleDict({name: nn.Linear(channels, channels) for name in modalities})
        self.weight = nn.Parameter(torch.zeros(len(self.readouts)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        check_modalities(self.readouts, nodes)
        vectors = torch.stack(
            [self.lins[name](readout(nodes[name])) for name, readout in self.readouts.items()],
            dim=2,
        )  # [batch, channels, modalities]
        present = torch.stack([nodes[name].mask.any(1) for name in self.readouts], dim=1)
        lowest = torch.finfo(vectors.dtype).min
        share = self.weight.expand(present.shape).masked_fill(~present, lowest).softmax(1)
        return self.dropout((vectors @ (share * present).unsqueeze(2)).squeeze(2))
