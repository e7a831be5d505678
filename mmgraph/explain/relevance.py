"""Attention weighed by its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.attention import (
    graph_fusion,
    layer_matrices,
    no_attention,
    of_units,
    recording,
)
from mmgraph.explain.base import Attribution, Explainer, spread
from mmgraph.explain.units import Sample
from mmgraph.graph.graph import MultimodalGraph


@dataclass(frozen=True)
class AttentionGradient(Explainer):
    r"""Attention weighed by its gradient (https://arxiv.org/abs/2103.15679), over all relations.

    .. math::
        \bar A^l = \sum_r \operatorname{mean}_h \bigl( \nabla A^l_{r,h} \odot A^l_{r,h} \bigr)^+,
        \qquad R^l = R^{l-1} + \bar A^l R^{l-1}, \qquad R^0 = I

    .. math::
        \rho = \sum_u \bigl\langle \nabla x^L_u, x^L_u \bigr\rangle^+ R^L_u

    Unlike rollout it knows which output is asked for. ∇ is the gradient of the graph's logit; the
    readout is entered by gradient times input of the nodes after the last layer. The graph's
    part of the logit is spread by ρ, and the linear model's shares are added, see `spread`.
    """

    name: ClassVar[str] = "attention_gradient"

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units.

        Raises:
            DataError: The model has no graph, or its convolutions tell no attention.
        """
        fusion, model = graph_fusion(sample, self.name), sample.model
        assert sample.graph is not None
        with torch.enable_grad(), recording(fusion.gnn) as found:
            graph = fusion.gnn(_with_gradients(sample.graph))
            logit = model.task.relevant(model.head(fusion.read(graph)))[0, target]
        if not found:
            raise no_attention(self.name)
        last = list(graph.x_dict.values())
        gradients = torch.autograd.grad(
            logit,
            [*(each.weight for each in found), *last],
            allow_unused=True,
            materialize_grads=True,
        )
        weighed = [
            replace(each, weight=(gradient * each.weight).detach().clamp_min(0))
            for each, gradient in zip(found, gradients, strict=False)
        ]
        ends = [
            (gradient * x).detach().sum(2).clamp_min(0)[nodes.mask]
            for gradient, x, nodes in zip(
                gradients[len(found) :], last, graph.nodes.values(), strict=True
            )
        ]
        relevance = propagate(layer_matrices(sample, weighed), torch.cat(ends))
        return spread(sample, target, of_units(sample, relevance))


def _with_gradients(graph: MultimodalGraph) -> MultimodalGraph:
    """Return the graph with nodes that gradients begin with: no parameter may be trained."""
    return graph.with_x({k: x.detach().clone().requires_grad_() for k, x in graph.x_dict.items()})


def propagate(
    layers: Sequence[Float[Tensor, "nodes nodes"]], readout: Float[Tensor, "nodes"]
) -> Float[Tensor, "nodes"]:
    """Return the relevance of each node to what the readout makes of them.

    Example:
        >>> receives = torch.tensor([[0.0, 0.0], [0.5, 0.0]])
        >>> propagate([receives], torch.tensor([0.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    for receives in reversed(layers):
        readout = readout + readout @ receives
    return readout
