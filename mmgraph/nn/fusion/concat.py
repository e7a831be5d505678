"""Fusion by concatenation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.nn.fusion.base import Fusion, check_modalities
from mmgraph.nn.readout import Readout, ReadoutKind
from mmgraph.nodes import Nodes


class ConcatFusion(Fusion):
    r"""Each modality is read out by itself; the vectors stand side by side.

    .. math::
        h = \mathrm{dropout}(\mathrm{GELU}(W [r_1, \dots, r_M] + b))

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
        self.mlp = nn.Sequential(
            nn.Linear(len(self.readouts) * channels, channels), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        check_modalities(self.readouts, nodes)
        vectors = [readout(nodes[name]) for name, readout in self.readouts.items()]
        return self.mlp(torch.cat(vectors, dim=1))
