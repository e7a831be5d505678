"""The linear model of a model: one convex linear model over pooled features of all modalities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.pool import first_pool, pattern_of
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.linear.scaling import usable_deviation

_Value = TypeVar("_Value")
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
    lack a modality get the mean of these logits over the modalities they have. `pool` weighs
    both kinds where left-out rows say that this helps, see `mmgraph.nn.cross_fitting`. `offset`
    is added to the logits of every sample: weights that count rare classes as much as common ones
    say too little of the common ones.

    Args:
        pooled: Pooled features by node type, several for one modality if need be.
        outputs: Number of logits.

    Shapes:
        Items by node type -> logits [batch, outputs]
    """

    mean: Tensor
    factor: Tensor
    known: Tensor
    pool: Tensor
    offset: Tensor

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
        #: For each pattern of modalities, the weights of what was learnt together and alone.
        self.register_buffer("pool", first_pool(len(self.pooled)))
        self.register_buffer("offset", torch.zeros(outputs))
        self.register_load_state_dict_post_hook(_restore_scales)

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of every sample."""
        return self.combine(self.parts(items))

    def parts(self, items: Mapping[str, Items]) -> LinearParts:
        """Return what each modality says by itself, in the order of `pooled`."""
        return self.parts_of(self.read(items))

    def read(self, items: Mapping[str, Items]) -> ScaledFeatures:
        """Return the scaled features of every sample, for this model and for others."""
        xs, present = self._summaries(items)
        return ScaledFeatures(self._scaled(xs, present), self._completeness(present)[0])

    def parts_of(self, features: ScaledFeatures) -> LinearParts:
        """Return what each modality says by itself, given what `read` returned."""
        groups = self.by_modality(self.products(features.x, self.weight))
        nothing = self.bias.new_zeros(features.has.shape[0], self.outputs)
        together = torch.stack([sum(group, start=nothing) for group in groups], dim=1)
        return LinearParts(together, self.alone(features.x), features.has)

    def combine(self, parts: LinearParts) -> Float[Tensor, "batch outputs"]:
        """Return the logits of samples whose modalities may come from different ones."""
        weights = self.weights(parts.has)
        together = self.bias + parts.together.sum(1)
        alone = (weights[:, 1:, None] * parts.alone).sum(1)
        return weights[:, :1] * together + alone + self.offset

    def weights(self, has: Bool[Tensor, "batch modalities"]) -> Float[Tensor, "batch parts"]:
        """Return the weights of what was learnt together, and of each modality alone."""
        pool = self.pool[pattern_of(has | ~self.known)]
        share = has.to(pool.dtype)
        share = share / share.sum(1, keepdim=True).clamp_min(1)
        return torch.cat([pool[:, :1], pool[:, 1:] * share], dim=1)

    def shares(self, items: Mapping[str, Items]) -> dict[str, Float[Tensor, "nodes outputs"]]:
        """Return what each node adds to its sample's logits, by modality.

        The model is linear, so this is exact: what the shares do not sum to are the biases,
        those of n-grams in items without nodes aside. A node that says what the average
        training sample says adds nothing.
        """
        pooled = self._all_pooled()
        present = [features.present(items[name]) for name, features in pooled]
        weights = self.weights(self._completeness(present)[0])
        number = {name: place for place, name in enumerate(self.pooled)}
        sample = {name: items[name].node_layout()["sample"] for name in self.pooled}
        shares = {
            name: self.bias.new_zeros(len(owner), self.outputs) for name, owner in sample.items()
        }
        widths = [features.width for _, features in pooled]
        splits = (each.split(widths) for each in (self.weight, self.alone_weight))
        for (name, _), scaled, weight, alone in zip(
            pooled, self.scaled_parts(items), *splits, strict=True
        ):
            owner = sample[name]
            together, single = weights[owner, 0], weights[owner, 1 + number[name]]
            shares[name] = (
                shares[name]
                + _product(scaled, weight) * together.unsqueeze(1)
                + _product(scaled, alone) * single.unsqueeze(1)
            )
        return shares

    def scaled_parts(self, items: Mapping[str, Items]) -> list[Float[Tensor, "_ _"]]:
        """Return what each node of a modality adds to its sample's scaled features, by kind."""
        pooled = self._all_pooled()
        widths = [features.width for _, features in pooled]
        splits = self.mean.split(widths), self.factor.split(widths)
        scaled = []
        for (name, features), mean, factor in zip(pooled, *splits, strict=True):
            parts = features.parts(items[name])
            if parts.is_sparse:
                scaled.append(parts * float(factor[0]) if len(factor) else parts)
            else:
                owner = items[name].node_layout()["sample"]
                count = items[name].nodes_per_sample[owner].unsqueeze(1)
                scaled.append((parts - mean / count) * factor)
        return scaled

    def measure(self, batches: Iterable[Mapping[str, Items]]) -> ScaledFeatures:
        """Learn vocabularies and statistics, and return the scaled features of all samples."""
        for name, features in self._all_pooled():
            features.fit(items[name] for items in batches)
        parts = [self._summaries(items) for items in batches]
        xs = [torch.cat(column) for column in zip(*(xs for xs, _ in parts), strict=True)]
        present = [torch.cat(column) for column in zip(*(real for _, real in parts), strict=True)]
        self._measure(xs, present)
        self.known = self._has(present).any(0)
        return ScaledFeatures(self._scaled(xs, present), self._has(present))

    def stretch(self, features: ScaledFeatures, lengths: Sequence[float]) -> ScaledFeatures:
        """Change how long a sample's features of each kind are, and return the new features.

        Args:
            features: What `measure` returned.
            lengths: Length of each kind, in place of its `scale`.
        """
        pooled = self._all_pooled()
        factors = self.factor.split([each.width for _, each in pooled])
        stretched = []
        for (_, each), factor, x, length in zip(pooled, factors, features.x, lengths, strict=True):
            factor *= length / each.scale
            stretched.append(x * (length / each.scale))
            each.scale = length
        return ScaledFeatures(stretched, features.has)

    @property
    def sees_all(self) -> bool:
        """Whether there is a summary of every modality."""
        return all(len(group) for group in cast("_Groups", self.pooled).values())

    @property
    def kinds(self) -> list[list[int]]:
        """The numbers of each modality's kinds of pooled features."""
        return self.by_modality(range(len(self._all_pooled())))

    @property
    def compared(self) -> list[list[int]]:
        """The kinds that rows are compared by: n-grams only where there is nothing else."""
        pooled = self._all_pooled()
        best = [[kind for kind in kinds if not pooled[kind][1].last_resort] for kinds in self.kinds]
        return [chosen or kinds for chosen, kinds in zip(best, self.kinds, strict=True)]

    @property
    def scales(self) -> list[float]:
        """Length of a sample's features of each kind."""
        return [features.scale for _, features in self._all_pooled()]

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

    def products(self, scaled: Sequence[Tensor], weight: Tensor) -> list[Tensor]:
        """Return each summary's part of the logits."""
        weights = weight.split([x.shape[1] for x in scaled])
        return [_product(x, part) for x, part in zip(scaled, weights, strict=True)]

    def _completeness(
        self, present: Sequence[Bool[Tensor, "batch"]]
    ) -> tuple[Bool[Tensor, "batch modalities"], Bool[Tensor, "batch"]]:
        """Say which modalities that training knew a sample has, and whether it has them all."""
        has = self._has(present) & self.known
        return has, (has | ~self.known).all(1)

    def alone(self, scaled: Sequence[Tensor]) -> Float[Tensor, "batch modalities outputs"]:
        """Return the logits of each modality by itself."""
        groups = self.by_modality(self.products(scaled, self.alone_weight))
        biases = self.alone_bias.expand(scaled[0].shape[0], -1, -1).unbind(1)
        logits = [sum(group, start=bias) for bias, group in zip(biases, groups, strict=True)]
        return torch.stack(logits, dim=1)

    def _has(self, present: Sequence[Bool[Tensor, "batch"]]) -> Bool[Tensor, "batch modalities"]:
        """True where a sample has a modality; those without pooled count as there."""
        always = torch.ones_like(present[0])
        groups = self.by_modality(present)
        return torch.stack([group[0] if group else always for group in groups], dim=1)

    def by_modality(self, values: Iterable[_Value]) -> list[list[_Value]]:
        """Group one value a summary by their modalities."""
        rest = iter(values)
        return [list(islice(rest, len(group))) for group in cast("_Groups", self.pooled).values()]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The widths of pooled features are only known from what was saved.
        for name in ("weight", "alone_weight"):
            setattr(self, name, nn.Parameter(torch.zeros_like(state_dict[prefix + name])))
        self.mean = torch.zeros_like(state_dict[prefix + "mean"])
        self.factor = torch.zeros_like(state_dict[prefix + "factor"])
        # Models of before there was a pool or an offset have none.
        state_dict.setdefault(prefix + "pool", first_pool(len(self.pooled)))
        state_dict.setdefault(prefix + "offset", torch.zeros(self.outputs))
        super()._load_from_state_dict(state_dict, prefix, *args)


def _restore_scales(model: LinearModel, missing: Any) -> None:
    """Tell the pooled features their lengths, which the state of a fitted model holds."""
    if not len(model.factor):
        return
    pooled = model._all_pooled()
    factors = model.factor.split([each.width for _, each in pooled])
    for (_, each), factor in zip(pooled, factors, strict=True):
        if len(factor):
            each.scale = float(factor[0])  # only sparse ones look at it from now on


def _product(
    x: Float[Tensor, "rows features"], weight: Float[Tensor, "features outputs"]
) -> Float[Tensor, "rows outputs"]:
    return x @ weight
