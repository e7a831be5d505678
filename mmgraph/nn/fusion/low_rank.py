"""Low-rank tensor fusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, read_each
from mmgraph.nn.readout import ReadoutLike, make_readout


class LowRankFusion(Fusion):
    r"""Tensor fusion whose weights are a sum of outer products, so that no tensor is ever made.

    Low-rank multimodal fusion (https://arxiv.org/abs/1806.00064):

    .. math::
        h = \mathrm{dropout} \Bigl( b + \sum_{i=1}^{R} \prod_m W_m^{(i)} [r_m, 1] \Bigr)

    with elementwise products. The number of parameters grows linearly with the modalities. The
    factor of a missing modality (r_m = 0) is the column of its constant 1. These columns start
    as equal constants whose products sum to 1 over the ranks: small random ones would nearly
    blot out the modalities that are present.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a feature of the result to be dropped. Default: 0.2.
        rank: Number R of outer products. Default: 4.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> LowRankFusion(["text"], 8)({"text": text}).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        rank: int = 4,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.rank = rank
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        start = rank ** (-1 / len(self.readouts))
        self.factors = nn.ModuleDict(
            {name: _make_factor(channels, rank, start) for name in self.readouts}
        )
        self.bias = nn.Parameter(torch.zeros(channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        vectors = read_each(self.readouts, nodes).unbind(1)
        x = torch.stack(
            [factor(x) for factor, x in zip(self.factors.values(), vectors, strict=True)], dim=1
        )  # [batch, modalities, rank * channels]
        product = x.prod(1).unflatten(1, (self.rank, self.out_channels))
        return self.dropout(product.sum(1) + self.bias)


def _make_factor(channels: int, rank: int, start: float) -> nn.Linear:
    """Return all W^(i) of a modality; the bias is the columns of the constant 1."""
    factor = nn.Linear(channels, rank * channels)
    nn.init.constant_(factor.bias, start)
    return factor
