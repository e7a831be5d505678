"""Fusion by concatenation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, read_each
from mmgraph.nn.readout import ReadoutLike, make_readout


class ConcatFusion(Fusion):
    r"""Each modality is read out by itself; the vectors stand side by side.

    .. math::
        h = \mathrm{dropout}(\mathrm{GELU}(W [r_1, \dots, r_M] + b))

    A missing modality is filled with zeros, the classic way: r_m = 0, and the columns of W that
    belong to it say nothing. The others are not scaled up in its place.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a feature of the result to be dropped. Default: 0.2.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> import torch
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> ConcatFusion(["text"], 8)({"text": text}).shape
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
        self.mlp = nn.Sequential(
            nn.Linear(len(self.readouts) * channels, channels), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        return self.mlp(read_each(self.readouts, nodes).flatten(1))
