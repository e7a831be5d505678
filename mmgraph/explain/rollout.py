"""Attention rollout on a heterogeneous graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.attention import (
    attention_of,
    graph_fusion,
    layer_matrices,
    no_attention,
    of_units,
)
from mmgraph.explain.base import Attribution, Explainer, spread
from mmgraph.explain.units import Sample
from mmgraph.nn.readout import Readout


@dataclass(frozen=True)
class AttentionRollout(Explainer):
    r"""Attention rollout (https://arxiv.org/abs/2005.00928) over all relations and the readout.

    .. math::
        A^l = \tfrac{1}{2} \operatorname{norm} \Bigl( \sum_r \operatorname{mean}_h A^l_{r,h}
            \Bigr) + \tfrac{1}{2} I, \qquad
        \rho = \frac{1}{M} \sum_m a_m^\top A^L \cdots A^1

    All nodes of the graph are one sequence. What a node receives along several relations counts the
    same for each (norm makes rows sum to 1); a node that receives nothing keeps itself; the halves
    stand for the residual connections. a_m is the readout's attention over the nodes of
    modality m, or even for other readouts. The graph's part of the logit is spread by ρ, and the
    linear model's shares are added, see `spread`.
    """

    name: ClassVar[str] = "attention_rollout"

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units.

        Raises:
            DataError: The model has no graph, or its convolutions have no attention.
        """
        graph_fusion(sample, self.name)
        weights = attention_of(sample)
        if not weights:
            raise no_attention(self.name)
        relevance = rollout(layer_matrices(sample, weights), readout_weights(sample))
        return spread(sample, target, of_units(sample, relevance))


def rollout(
    layers: Sequence[Float[Tensor, "nodes nodes"]], readout: Float[Tensor, "nodes"]
) -> Float[Tensor, "nodes"]:
    """Return how much of each node reaches the readout.

    Args:
        layers: What each node (row) receives of the others (columns), from the first layer on.
        readout: Share of each node in the readout.

    Example:
        >>> receives = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
        >>> rollout([receives], torch.tensor([0.0, 1.0])).tolist()
        [0.5, 0.5]
    """
    for receives in reversed(layers):
        total = receives.sum(1, keepdim=True)
        received = torch.where(
            total > 0, receives / total.clamp_min(1e-12), torch.eye(len(receives))
        )
        readout = (readout + readout @ received) / 2
    return readout


def readout_weights(sample: Sample) -> Float[Tensor, "nodes"]:
    """Return the share of each node in the readout; all modalities present have the same."""
    fusion = graph_fusion(sample, "the readout")
    assert sample.graph is not None
    with torch.no_grad():
        graph = fusion.gnn(sample.graph)
    parts = []
    for name, readout in fusion.readouts.items():
        nodes = graph.nodes[name]
        share = nodes.mask / nodes.mask.sum().clamp_min(1)
        if isinstance(readout, Readout) and readout.kind == "attention":
            with torch.no_grad():
                share = readout.weights(nodes)
        parts.append(share[nodes.mask])
    joined = torch.cat(parts)
    return joined / joined.sum().clamp_min(1e-12)
