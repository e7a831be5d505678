"""Feature-wise linear modulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion, check_modalities
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.readout import Readout, ReadoutLike


class FiLMFusion(Fusion):
    r"""The nodes of each modality are scaled and shifted by what the other modalities say.

    Feature-wise linear modulation (https://arxiv.org/abs/1709.07871). The paper modulates an
    image by a question; here every modality is modulated by all others, in the same way:

    .. math::
        x_{m,i}' = x_{m,i} + \mathrm{GELU} \bigl(
        (1 + \gamma_m) \circ \mathrm{norm}(x_{m,i}) + \beta_m \bigr), \qquad
        [\gamma_m, \beta_m] = \sum_{n \neq m} W_{n,m} \bar{x}_n

    where the condition is the mean of a modality's nodes and norm has no weights of its own. The
    modulated nodes are read out and concatenated as in `ConcatFusion`. A missing modality
    modulates nothing, for its mean is zero and W has no bias, and it is zeros in the
    concatenation.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the modulated nodes of a modality are combined: a name of `READOUTS`, or a
            class or function of the channels. Default: "attention".
        dropout: Probability of a feature of the result to be dropped. Default: 0.2.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> FiLMFusion(["text"], 8)({"text": text}).shape
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
        self.concat = ConcatFusion(modalities, channels, readout=readout, dropout=dropout)
        self.mean = Readout("mean", channels)
        self.lins = nn.ModuleDict(
            {
                f"{source}__{target}": nn.Linear(channels, 2 * channels, bias=False)
                for source, target in permutations(self.concat.readouts, 2)
            }
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        check_modalities(self.concat.readouts, nodes)
        means = {name: self.mean(each) for name, each in nodes.items()}
        return self.concat(
            {name: self._modulate(name, each, means) for name, each in nodes.items()}
        )

    def _modulate(
        self, name: str, nodes: Nodes, means: Mapping[str, Float[Tensor, "batch channels"]]
    ) -> Nodes:
        film = torch.cat([torch.zeros_like(means[name])] * 2, dim=1)
        for source in self.concat.readouts:
            if source != name:
                film = film + self.lins[f"{source}__{name}"](means[source])
        gamma, beta = film.unsqueeze(1).chunk(2, dim=2)  # [batch, 1, channels]
        normed = F.layer_norm(nodes.x, (nodes.channels,))
        return nodes.with_x(nodes.x + F.gelu((1 + gamma) * normed + beta))
