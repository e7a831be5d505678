"""Late fusion: every modality decides by itself, and the decisions are averaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, find_present, read_each, share_present
from mmgraph.nn.readout import ReadoutLike, make_readout

Weighting = Literal["mean", "learned"]


class LateFusion(Fusion):
    r"""A block of features a modality, from which a linear head averages logits a modality.

    .. math::
        h = [a_1 g_1, a_1, \dots, a_M g_M, a_M], \qquad
        g_m = \mathrm{dropout}(\mathrm{GELU}(W_m r_m + b_m))

    The shares a_m are 1 / (number of modalities present), or the softmax of learnt weights over
    those present; 0 where missing. They sum to 1. A linear head on h with the matrix
    [V_1, c_1, ..., V_M, c_M] and the bias d therefore gives

    .. math::
        V h + d = \sum_m a_m \, (V_m g_m + c_m + d)

    which is the average of M linear heads' logits, each with a bias of its own: exactly late
    fusion (https://arxiv.org/abs/1705.09406, section 6.1). No feature of one modality ever meets
    a feature of another one. A sample with a single modality gets that modality's logits, and one
    without any gets d. The heads are trained together, on the loss of their average; averaged
    logits are a normalised geometric mean of the probabilities.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of a modality's block.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a feature of a block to be dropped. Default: 0.2.
        weighting: "mean" gives all modalities present the same share, "learned" learns one
            weight a modality. Default: "mean".

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, modalities * (channels + 1)].

    Raises:
        ValueError: There is no such weighting.

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=3)
        >>> LateFusion(["text"], 8)({"text": text})[:, -1].tolist()
        [1.0, 1.0, 0.0]
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        weighting: Weighting = "mean",
    ) -> None:
        super().__init__()
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        self.out_channels = len(self.readouts) * (channels + 1)
        self.mlps = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(channels, channels), nn.GELU(), nn.Dropout(dropout))
                for name in self.readouts
            }
        )
        if weighting not in ("mean", "learned"):
            raise ValueError(f'expected weighting="mean" or "learned", got {weighting!r}')
        self.weight = nn.Parameter(torch.zeros(len(self.mlps))) if weighting == "learned" else None

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return the blocks of all modalities, side by side."""
        vectors = read_each(self.readouts, nodes)
        weight = vectors.new_zeros(len(self.mlps)) if self.weight is None else self.weight
        share = share_present(weight, find_present(self.readouts, nodes))
        blocks = torch.stack(
            [mlp(x) for mlp, x in zip(self.mlps.values(), vectors.unbind(1), strict=True)], dim=1
        )  # [batch, modalities, channels]
        return (F.pad(blocks, (0, 1), value=1.0) * share.unsqueeze(2)).flatten(1)
