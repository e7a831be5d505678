"""Factorised bilinear pooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, find_present, read_each
from mmgraph.nn.readout import ReadoutLike, make_readout

#: Bounds the slope of the square root, which is infinite at 0.
_EPSILON = 1e-5


class BilinearFusion(Fusion):
    r"""Products of projections of all modalities, summed in groups, rooted and normalised.

    Multimodal factorised bilinear pooling (https://arxiv.org/abs/1708.01471):

    .. math::
        z = \mathrm{SumPool}_k \Bigl( \mathrm{dropout} \Bigl(
        \prod_{m \, \mathrm{present}} (U_m r_m + b_m) \Bigr) \Bigr), \qquad
        y = \mathrm{sign}(z) \sqrt{|z|}, \qquad
        h = \sqrt{C} \, y / \lVert y \rVert_2

    The paper has two modalities; more of them are more factors of the elementwise product. A
    missing modality is a factor of 1. A sample without any modality gives zeros. The factor
    sqrt(C), C being the channels, is not the paper's; it makes the mean square of a result 1.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a product to be dropped. Default: 0.2.
        factors: Number k of products that are summed to a channel. Default: 5.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> BilinearFusion(["text"], 8)({"text": text}).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        factors: int = 5,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.factors = factors
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        self.lins = nn.ModuleDict(
            {name: nn.Linear(channels, channels * factors) for name in self.readouts}
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        vectors = read_each(self.readouts, nodes).unbind(1)
        x = torch.stack(
            [lin(x) for lin, x in zip(self.lins.values(), vectors, strict=True)], dim=1
        )  # [batch, modalities, channels * factors]
        present = find_present(self.readouts, nodes)
        product = x.masked_fill(~present.unsqueeze(2), 1.0).prod(1)
        product = self.dropout(product * present.any(1, keepdim=True))
        return _normalise(product.unflatten(1, (self.out_channels, self.factors)).sum(2))


def _normalise(z: Float[Tensor, "batch channels"]) -> Float[Tensor, "batch channels"]:
    """Return the signed root of each feature, scaled to one as the mean square of a sample."""
    y = z / (z.abs() + _EPSILON).sqrt()
    return y / (y.square().mean(1, keepdim=True) + _EPSILON).sqrt()
