"""The linear model of a model: one convex linear model over pooled features of all modalities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, cast

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.scaling import usable_deviation
from mmgraph.nn.tasks import Task

_Groups: TypeAlias = dict[str, list[PooledFeatures]]


@dataclass(frozen=True, eq=False)
class LinearParts:
    """What each modality says to the linear model, before that is added up.

    Args:
        together: Logits by the weights that were learnt together, without the bias.
        alone: Logits by the weights that each modality learnt alone.
        has: Which modalities a sample has, of those that training had.
    """

    together: Float[Tensor, "batch modalities outputs"]
    alone: Float[Tensor, "batch modalities outputs"]
    has: Bool[Tensor, "batch modalities"]


class LinearModel(nn.Module):
    """Linear model on the pooled of all modalities together: logistic or ridge regression.

    Every modality adds its own logits, so nothing in here can see how modalities interact;
    that is left to the graph, and what the graph adds is measured against this. Being convex
    it has one solution, which L-BFGS finds from zero; on small data it is hard to beat.

    logits = sum over pooled b of scale_b W_b (x_b - mean_b) / (std_b sqrt(width_b)) + bias,
    with mean 0 and std 1 / sqrt(width) for sparse pooled, and the penalty |W|^2 / 2.

    Weights that were learnt together leave to one modality what another one tells as well, and
    err where that one is missing. So each modality also has weights learnt alone; samples that
    lack a modality get the mean of these logits over the modalities they have.

    Args:
        pooled: Pooled features by node type, several for one modality if need be.
        outputs: Number of logits.

    Shapes:
        Items by node type -> logits [batch, outputs]
    """

    mean: Tensor
    factor: Tensor
    known: Tensor

    def __init__(self, pooled: Mapping[str, Sequence[PooledFeatures]], outputs: int) -> None:
        super().__init__()
        self.pooled = nn.ModuleDict({name: nn.ModuleList(group) for name, group in pooled.items()})
        self.outputs = outputs
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight = nn.Parameter(torch.zeros(0, outputs))
        self.alone_bias = nn.Parameter(torch.zeros(len(self.pooled), outputs))
        self.alone_weight = nn.Parameter(torch.zeros(0, outputs))
        self.register_buffer("mean", torch.zeros(0))
        self.register_buffer("factor", torch.zeros(0))
        #: Which modalities some training sample has.
        self.register_buffer("known", torch.ones(len(self.pooled), dtype=torch.bool))

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of every sample."""
        return self.combine(self.parts(items))

    def parts(self, items: Mapping[str, Items]) -> LinearParts:
        """Return what each modality says by itself, in the order of `pooled`."""
        xs, present = self._summaries(items)
        scaled = self._scaled(xs, present)
        groups = self._by_modality(self._products(scaled, self.weight))
        nothing = self.bias.new_zeros(scaled[0].shape[0], self.outputs)
        together = torch.stack([sum(group, start=nothing) for group in groups], dim=1)
        return LinearParts(together, self._alone(scaled), self._completeness(present)[0])

    def combine(self, parts: LinearParts) -> Float[Tensor, "batch outputs"]:
        """Return the logits of samples whose modalities may come from different ones."""
        has = parts.has
        together = self.bias + parts.together.sum(1)
        alone = (parts.alone * has.unsqueeze(2)).sum(1) / has.sum(1, keepdim=True).clamp(1)
        complete = (has | ~self.known).all(1, keepdim=True)
        return torch.where(complete, together, alone)

    def shares(self, items: Mapping[str, Items]) -> dict[str, Float[Tensor, "nodes outputs"]]:
        """Return what each node adds to its sample's logits, by modality.

        The model is linear, so this is exact: what the shares do not sum to are the biases,
        those of n-grams in items without nodes aside. A node that says what the average
        training sample says adds nothing.
        """
        pooled = self._all_pooled()
        has, complete = self._completeness(
            [features.present(items[name]) for name, features in pooled]
        )
        number = {name: place for place, name in enumerate(self.pooled)}
        sample = {name: items[name].node_layout()["sample"] for name in self.pooled}
        shares = {
            name: self.bias.new_zeros(len(owner), self.outputs) for name, owner in sample.items()
        }
        widths = [features.width for _, features in pooled]
        splits = (
            each.split(widths) for each in (self.mean, self.factor, self.weight, self.alone_weight)
        )
        for (name, features), mean, factor, weight, alone in zip(pooled, *splits, strict=True):
            parts, owner = features.parts(items[name]), sample[name]
            if parts.is_sparse:
                scaled = parts * float(factor[0]) if len(factor) else parts
            else:
                count = items[name].nodes_per_sample[owner].unsqueeze(1)
                scaled = (parts - mean / count) * factor
            weighed = has[owner, number[name]] / has.sum(1).clamp(1)[owner]
            shares[name] = shares[name] + torch.where(
                complete[owner].unsqueeze(1),
                _product(scaled, weight),
                _product(scaled, alone) * weighed.unsqueeze(1),
            )
        return shares

    def fit(
        self,
        batches: Iterable[Mapping[str, Items]],
        target: Shaped[Tensor, "samples *outputs"],
        task: Task,
        *,
        max_iter: int = 100,
    ) -> None:
        """Learn vocabularies, statistics and weights, from zero.

        Args:
            batches: Training items by node type; iterated several times.
            target: Target of each sample, in the batches' order.
            task: Whose loss is made small.
            max_iter: Most steps of L-BFGS; a few dozen are enough.
        """
        for name, features in self._all_pooled():
            features.fit(items[name] for items in batches)
        parts = [self._summaries(items) for items in batches]
        xs = [torch.cat(column) for column in zip(*(xs for xs, _ in parts), strict=True)]
        present = [torch.cat(column) for column in zip(*(real for _, real in parts), strict=True)]
        self._measure(xs, present)
        scaled, has = self._scaled(xs, present), self._has(present)
        self.known = has.any(0)
        self.weight = nn.Parameter(self.mean.new_zeros(len(self.mean), self.outputs))
        self.alone_weight = nn.Parameter(torch.zeros_like(self.weight))

        def together() -> Tensor:
            logits = self.bias + sum(self._products(scaled, self.weight))
            return task.loss(logits, target, reduction="sum") + self.weight.square().sum() / 2

        def alone() -> Tensor:
            logits = self._alone(scaled)
            losses = [
                task.loss(logits[real, number], target[real], reduction="sum")
                for number, real in enumerate(has.unbind(1))
                if real.any()
            ]
            return sum(losses, start=self.alone_weight.square().sum() / 2)

        _minimise(together, [self.weight, self.bias], max_iter)
        if len(self.pooled) > 1:
            _minimise(alone, [self.alone_weight, self.alone_bias], max_iter)

    @property
    def sees_all(self) -> bool:
        """Whether there is a summary of every modality."""
        return all(len(group) for group in cast("_Groups", self.pooled).values())

    def _all_pooled(self) -> list[tuple[str, PooledFeatures]]:
        return [
            (k, features) for k, group in cast("_Groups", self.pooled).items() for features in group
        ]

    def _summaries(
        self, items: Mapping[str, Items]
    ) -> tuple[list[Float[Tensor, "batch _"]], list[Bool[Tensor, "batch"]]]:
        pooled = self._all_pooled()
        xs = [features(items[name]) for name, features in pooled]
        return xs, [features.present(items[name]) for name, features in pooled]

    def _measure(
        self, xs: Sequence[Float[Tensor, "batch _"]], present: Sequence[Bool[Tensor, "batch"]]
    ) -> None:
        """Learn how dense pooled are standardised, from the samples that have the modality."""
        means, factors = [], []
        for (_, features), x, real in zip(self._all_pooled(), xs, present, strict=True):
            mean = torch.zeros(features.width, device=x.device)
            factor = torch.full_like(mean, features.scale)
            if not x.is_sparse and real.any():
                mean, std = x[real].mean(0), x[real].std(0, correction=0)
                factor = features.scale / (usable_deviation(std, 0.01) * features.width**0.5)
            means.append(mean)
            factors.append(factor)
        self.mean, self.factor = torch.cat(means), torch.cat(factors)

    def _scaled(
        self, xs: Sequence[Float[Tensor, "batch _"]], present: Sequence[Bool[Tensor, "batch"]]
    ) -> list[Tensor]:
        widths = [x.shape[1] for x in xs]
        scaled = []
        splits = self.mean.split(widths), self.factor.split(widths)
        for (_, features), x, real, mean, factor in zip(
            self._all_pooled(), xs, present, *splits, strict=True
        ):
            if x.is_sparse:
                scaled.append(x * features.scale)
            else:
                scaled.append((x - mean) * factor * real.unsqueeze(1))
        return scaled

    def _products(self, scaled: Sequence[Tensor], weight: Tensor) -> list[Tensor]:
        """Return each summary's part of the logits."""
        weights = weight.split([x.shape[1] for x in scaled])
        return [_product(x, part) for x, part in zip(scaled, weights, strict=True)]

    def _completeness(
        self, present: Sequence[Bool[Tensor, "batch"]]
    ) -> tuple[Bool[Tensor, "batch modalities"], Bool[Tensor, "batch"]]:
        """Say which modalities that training knew a sample has, and whether it has them all."""
        has = self._has(present) & self.known
        return has, (has | ~self.known).all(1)

    def _alone(self, scaled: Sequence[Tensor]) -> Float[Tensor, "batch modalities outputs"]:
        """Return the logits of each modality by itself."""
        groups = self._by_modality(self._products(scaled, self.alone_weight))
        biases = self.alone_bias.expand(scaled[0].shape[0], -1, -1).unbind(1)
        logits = [sum(group, start=bias) for bias, group in zip(biases, groups, strict=True)]
        return torch.stack(logits, dim=1)

    def _has(self, present: Sequence[Bool[Tensor, "batch"]]) -> Bool[Tensor, "batch modalities"]:
        """True where a sample has a modality; those without pooled count as there."""
        always = torch.ones_like(present[0])
        groups = self._by_modality(present)
        return torch.stack([group[0] if group else always for group in groups], dim=1)

    def _by_modality(self, values: Sequence[Tensor]) -> list[list[Tensor]]:
        """Group one value a summary by their modalities."""
        rest = iter(values)
        return [list(islice(rest, len(group))) for group in cast("_Groups", self.pooled).values()]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The widths of pooled features are only known from what was saved.
        for name in ("weight", "alone_weight"):
            setattr(self, name, nn.Parameter(torch.zeros_like(state_dict[prefix + name])))
        self.mean = torch.zeros_like(state_dict[prefix + "mean"])
        self.factor = torch.zeros_like(state_dict[prefix + "factor"])
        super()._load_from_state_dict(state_dict, prefix, *args)


def _product(
    x: Float[Tensor, "rows features"], weight: Float[Tensor, "features outputs"]
) -> Float[Tensor, "rows outputs"]:
    return x @ weight


def _minimise(loss: Callable[[], Tensor], parameters: list[nn.Parameter], max_iter: int) -> None:
    """Bring a convex loss to its minimum by L-BFGS."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=max_iter, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(closure)
