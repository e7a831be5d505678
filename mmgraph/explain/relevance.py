"""Attention weighed by its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.attention import (
    graph_fusion,
    matrix,
    no_attention,
    of_units,
    recording,
)
from mmgraph.explain.base import Attribution, Explainer, spread
from mmgraph.explain.sample import Sample


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
    part of the logit is spread by ρ, and the additive model's shares are added, see `spread`.
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
            # Gradients need something to begin with, where no parameter is trained.
            x_dict = {
                k: x.detach().clone().requires_grad_() for k, x in sample.graph.x_dict.items()
            }
            graph = fusion.gnn(sample.graph.with_x(x_dict))
            logit = model.task.relevant(model.head(fusion.read(graph)))[0, target]
        if not found:
            raise no_attention(self.name)
        weights, last = [each.weight for each in found], list(graph.x_dict.values())
        gradients = torch.autograd.grad(
            logit, [*weights, *last], allow_unused=True, materialize_grads=True
        )
        layers: list[Tensor] = []
        for each, gradient in zip(found, gradients, strict=False):
            mean = (gradient * each.weight).detach().clamp_min(0).mean(1)
            one = matrix(sample, each.edge_type, each.edge_index, mean)
            if each.layer == len(layers):
                layers.append(torch.zeros_like(one))
            layers[each.layer] += one
        ends = [
            (gradient * x).detach().sum(2).clamp_min(0)[nodes.mask]
            for gradient, x, nodes in zip(
                gradients[len(weights) :], last, graph.nodes.values(), strict=True
            )
        ]
        return spread(sample, target, of_units(sample, propagate(layers, torch.cat(ends))))


def propagate(
    layers: Sequence[Float[Tensor, "nodes nodes"]], readout: Float[Tensor, "nodes"]
) -> Float[Tensor, "nodes"]:
    """Return the relevance of each node to what the readout makes of them.

    Example:
        >>> hears = torch.tensor([[0.0, 0.0], [0.5, 0.0]])
        >>> propagate([hears], torch.tensor([0.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    for hears in reversed(layers):
        readout = readout + readout @ hears
    return readout
