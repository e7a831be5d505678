"""One row as units that can be taken away or faded, which all methods are built on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.explain.unit_row import UnitRow
from mmgraph.explain.vote import Vote, vote_on
from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.task import Task
from mmgraph.typing import Item

#: Variants of a row that go through the model at once.
_BATCH = 128


class Sample(UnitRow):
    r"""One row, whose units are its nodes: regions, tokens, frames, columns.

    A model is explained through two functions of its units. `subsets` takes units away, from the
    nodes and from the linear model's pooled features alike; a modality without units is missing,
    and a row without any is the prior:

    .. math::
        f(S) = f(\text{the row's units in } S), \qquad f(\emptyset) = \text{prior}

    `faded` multiplies the encoder's nodes, and what each unit adds to the linear model's logits
    and to the vote of the nearest training rows, by a gate that gradients can be taken of:

    .. math::
        f(g) = w_0 \Bigl( b + \sum_u g_u a_u + V(g) \Bigr)
            + w_1 \mathrm{head}(\mathrm{fusion}(\{g_u x_u\}))

    for the vote V of `mmgraph.explain.vote`.

    Both give the logits that a prediction depends on, see `Task.relevant`.

    Args:
        model: The model, in evaluation mode.
        modalities: Its fitted modalities.
        items: The row's items by node type, as `Modality.trace` gives them.
    """

    def __init__(
        self,
        model: MultimodalModel,
        modalities: Sequence[Modality],
        items: Mapping[str, list[Item]],
    ) -> None:
        self.model = model
        self.modalities = {each.node_type: each for each in modalities}
        self.items = {name: items[name] for name in model.encoders}
        self.batch = {name: self._collate(name, [self.items[name]]) for name in self.items}
        self._variants: dict[tuple[str, int, bytes], Item] = {}

    @property
    def task(self) -> Task:
        """What the model predicts."""
        return self.model.task

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of units of each modality."""
        return {name: int(items.length.sum()) for name, items in self.batch.items()}

    @property
    def units(self) -> int:
        """Number of units of the row, in the order of modalities, items and nodes."""
        return sum(self.counts.values())

    @cached_property
    def unit_items(self) -> list[tuple[str, int]]:
        """Modality and item of each unit."""
        return [
            (name, number)
            for name, items in self.batch.items()
            for number, length in enumerate(items.length.tolist())
            for _ in range(length)
        ]

    @cached_property
    def nodes(self) -> dict[str, Nodes]:
        """The encoder's nodes of the row, as a batch of one; learnt nodes are no units."""
        with torch.no_grad():
            return self.model.nodes(self.batch)

    @cached_property
    def graph(self) -> MultimodalGraph | None:
        """The row's graph before any message; None where the fusion makes none."""
        fusion = self.model.fusion
        return fusion.graph(self.nodes) if isinstance(fusion, GraphFusion) else None

    @cached_property
    def logits(self) -> Float[Tensor, "outputs"]:
        """What the model says of the whole row."""
        with torch.no_grad():
            return self.model.task.relevant(self.model(self.batch))[0]

    @cached_property
    def linear(self) -> Float[Tensor, "units outputs"]:
        """What each unit adds to the logits through the linear model."""
        model = self.model
        if model.linear is None:
            return torch.zeros(self.units, model.task.outputs)
        with torch.no_grad():
            shares = model.linear.shares(self.batch)
            if model.linked is not None:
                shares[model.linked.node_type] += model.linked.shares(self.batch)
        joined = torch.cat([shares[name] for name in self.batch])
        return model.task.relevant(model.weights[0] * joined)

    @cached_property
    def vote(self) -> Vote | None:
        """What the nearest training rows say; None where that is nothing."""
        return vote_on(self.model, self.batch) if self.units else None

    def parts(self, target: int) -> dict[str, float]:
        """Return what each part of the model adds to the logit of an output, biases included.

        Empty where the row has no input, for then none is asked.
        """
        if not self.units:
            return {}
        graph = float(self._graph_logits[target])
        parts = {"graph": graph} if self.model.weights[1] else {}
        if self.vote is not None:
            parts = {"neighbours": float(self.vote.logits[target]), **parts}
        if self.model.linear is not None:
            rest = float(self.logits[target]) - graph - parts.get("neighbours", 0.0)
            parts = {"linear": rest, **parts}
        return parts

    def subsets(self, kept: Bool[Tensor, "subsets units"]) -> Float[Tensor, "subsets outputs"]:
        """Return the logits with only some of the units, for each subset."""
        logits = []
        with torch.no_grad():
            for part in kept.split(_BATCH):
                batch = dict(self._subsets(part))
                logits.append(self.model.task.relevant(self.model(batch)))
        return torch.cat([self.logits.new_zeros(0, len(self.logits)), *logits])

    def _subsets(self, kept: Bool[Tensor, "subsets units"]) -> list[tuple[str, Items]]:
        result, begin = [], 0
        for name, items in self.batch.items():
            parts = kept[:, begin : begin + self.counts[name]].split(items.length.tolist(), dim=1)
            # The first axis is the subset's, in spite of no items.
            columns = [self._variants_of(name, number, part) for number, part in enumerate(parts)]
            samples = [
                [variant for column in columns if (variant := column[row]) is not None]
                for row in range(len(kept))
            ]
            result.append((name, self._collate(name, samples)))
            begin += self.counts[name]
        return result

    def _variants_of(
        self, name: str, number: int, kept: Bool[Tensor, "subsets nodes"]
    ) -> list[Item | None]:
        """Return an item with only some of its nodes, for each subset; None without any."""
        keep, item = self.modalities[name].keep, self.items[name][number]
        result: list[Item | None] = []
        for row, some in zip(kept, kept.any(1).tolist(), strict=True):
            key = (name, number, row.numpy().tobytes())
            if some and key not in self._variants:
                self._variants[key] = keep(item, row)
            result.append(self._variants[key] if some else None)
        return result

    def forget(self) -> None:
        """Let go of the items without some of their nodes, once no more are asked for."""
        self._variants.clear()

    def _collate(self, name: str, samples: list[list[Item]]) -> Items:
        return self.modalities[name].collate(samples)

    def faded(self, gate: Float[Tensor, "batch units"]) -> Float[Tensor, "batch outputs"]:
        """Return the logits with each unit multiplied by its gate; gradients go through."""
        model = self.model
        nodes, begin = {}, 0
        for name, whole in self.nodes.items():
            count = self.counts[name]
            # A learnt node that stands for no unit stays as it is.
            part = gate[:, begin : begin + count] if count else gate.new_ones(1, 1)
            nodes[name] = _repeat(whole, len(gate), part)
            begin += count
        graph = model.weights[1] * model.head(model.fusion(nodes))
        return model.task.relevant(graph) + self.cheap_faded(gate)

    def cheap_faded(self, gate: Float[Tensor, "batch units"]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of all parts but the graph, with each unit multiplied by its gate."""
        # What is not any unit's: the biases.
        rest = self.logits - self._graph_logits - self.linear.sum(0)
        logits = gate @ self.linear + rest
        return logits if self.vote is None else logits - self.vote.logits + self.vote.faded(gate)

    @cached_property
    def _graph_logits(self) -> Float[Tensor, "outputs"]:
        model = self.model
        with torch.no_grad():
            logits = model.weights[1] * model.head(model.fusion(self.nodes))
        return model.task.relevant(logits)[0]


def _repeat(nodes: Nodes, batch: int, gate: Float[Tensor, "_ _"]) -> Nodes:
    """Return a batch of copies of one sample's nodes, multiplied by their gates."""

    def copies(values: Tensor) -> Tensor:
        return values.expand(batch, *values.shape[1:])

    whole = replace(
        nodes,
        x=copies(nodes.x),
        mask=copies(nodes.mask),
        item=copies(nodes.item),
        index=copies(nodes.index),
    )
    return whole.with_x(whole.x * gate.unsqueeze(2))
