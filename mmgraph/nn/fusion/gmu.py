"""Gated multimodal units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, read_each
from mmgraph.nn.readout import ReadoutLike, make_readout


class GatedFusion(Fusion):
    r"""Each modality is let through by a gate that sees all modalities.

    Gated multimodal units (https://arxiv.org/abs/1702.01992), in their form for any number of
    modalities:

    .. math::
        h = \mathrm{dropout} \Bigl( \sum_m z_m \circ \tanh(W_m r_m) \Bigr), \qquad
        z_m = \sigma(V_m [r_1, \dots, r_M])

    There is no bias, as in the paper, so a missing modality (r_m = 0) adds nothing, while the
    gates of the others can tell that it is missing.

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
        >>> GatedFusion(["text"], 8)({"text": text}).shape
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
        self.lins = nn.ModuleDict(
            {name: nn.Linear(channels, channels, bias=False) for name in self.readouts}
        )
        width = len(self.readouts) * channels
        self.gate = nn.Linear(width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        vectors = read_each(self.readouts, nodes)
        gates = self.gate(vectors.flatten(1)).sigmoid().view_as(vectors)
        x = torch.stack(
            [lin(x) for lin, x in zip(self.lins.values(), vectors.unbind(1), strict=True)], dim=1
        )  # [batch, modalities, channels]
        return self.dropout((gates * x.tanh()).sum(1))
