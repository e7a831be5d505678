"""Tensor fusion: the products of all features of all modalities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, find_present, read_each
from mmgraph.nn.readout import ReadoutLike, make_readout


class TensorFusion(Fusion):
    r"""The outer product of small vectors of all modalities, each with a constant 1.

    Tensor fusion network (https://arxiv.org/abs/1707.07250):

    .. math::
        h = \mathrm{dropout} \Bigl( \mathrm{GELU} \Bigl( W \, \mathrm{vec} \Bigl(
        \bigotimes_m [z_m, 1] \Bigr) + b \Bigr) \Bigr), \qquad
        z_m = \mathrm{GELU}(W_m r_m + b_m)

    The constants keep the products of fewer modalities, down to each by itself. A missing
    modality is its constant alone (z_m = 0), so what remains is the tensor fusion of the others.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a feature of the result to be dropped. Default: 0.2.
        size: Features of each z_m; the tensor has (size + 1) ** modalities. None takes the
            largest size whose tensor is no wider than the concatenation of all modalities.
            Default: None.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> fusion = TensorFusion(["image", "text"], 8)
        >>> fusion.size  # a tensor of 4 × 4, where concatenation has 2 × 8
        3
        >>> image = Nodes.from_flat(torch.ones(1, 8), sample=torch.tensor([1]), batch_size=2)
        >>> fusion({"image": image, "text": text}).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        size: int | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        count = len(self.readouts)
        self.size = _largest_size(channels, count) if size is None else size
        self.lins = nn.ModuleDict({name: nn.Linear(channels, self.size) for name in self.readouts})
        self.mlp = nn.Sequential(
            nn.Linear((self.size + 1) ** count, channels), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        vectors = read_each(self.readouts, nodes).unbind(1)
        present = find_present(self.readouts, nodes).unsqueeze(2).unbind(1)
        product = vectors[0].new_ones(vectors[0].shape[0], 1)
        for lin, x, here in zip(self.lins.values(), vectors, present, strict=True):
            factor = F.pad(F.gelu(lin(x)) * here, (0, 1), value=1.0)  # [batch, size + 1]
            product = torch.einsum("bi,bj->bij", product, factor).flatten(1)
        return self.mlp(product)


def _largest_size(channels: int, modalities: int) -> int:
    size = 1
    while (size + 2) ** modalities <= modalities * channels:
        size += 1
    return size
