"""What the nearest training rows' targets say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from mmgraph.nn.linear.pool import number_of_patterns, pattern_of
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.neighbours.similarity import NEVER, RowVectors, nearest
from mmgraph.nn.neighbours.vectors import UnitVectors
from mmgraph.nn.task import Task


@dataclass(frozen=True, eq=False)
class Found:
    """The nearest training rows of some rows, the nearest first.

    Args:
        row: Their numbers among the training rows.
        share: How much each of them says; a row's shares sum to 1, or to 0 where none is like it.
    """

    row: Int[Tensor, "batch count"]
    share: Float[Tensor, "batch count"]


class Neighbours(nn.Module):
    r"""Vote of the nearest training rows, by the modalities that both rows have.

    .. math:: p_i = \sum_{j \in N(i)} \mathrm{softmax}_j\Big(\sum_m \beta_m \cos_m(i, j)\Big) y_j

    How much each modality counts, and so how sharply near rows are told from those a little
    farther away, is learnt from training rows, none of which sees itself or its own group; see
    `mmgraph.nn.cross_fitting`. A cousin of neighbourhood components
    (https://papers.nips.cc/paper/2566) and of TabR (https://arxiv.org/abs/2307.14338).

    Args:
        kinds: For each modality, which of the kinds of pooled features rows are compared by.
        task: What targets are, and how their means become logits.
        count: Rows that vote.
        components: Most principal components of a modality.

    Shapes:
        `ScaledFeatures` -> logits [batch, outputs]
    """

    sharpness: Tensor
    weight: Tensor
    has: Tensor
    target: Tensor
    place: Tensor

    def __init__(
        self,
        kinds: Sequence[Sequence[int]],
        task: Task,
        *,
        count: int = 50,
        components: int = 64,
    ) -> None:
        super().__init__()
        self.kinds = [tuple(each) for each in kinds]
        self.count = count
        self.reductions = nn.ModuleList(UnitVectors(components) for _ in self.kinds)
        # Another's part, so not a module of this one.
        self._task = [task]
        self.register_buffer("sharpness", torch.full((len(kinds),), 6.0))
        #: Weight of the vote for each pattern of modalities.
        self.register_buffer("weight", torch.zeros(number_of_patterns(len(kinds))))
        self.register_buffer("has", torch.zeros(0, len(kinds), dtype=torch.bool))
        self.register_buffer("target", torch.zeros(0))
        #: Place of each row in the table that it came from.
        self.register_buffer("place", torch.zeros(0, dtype=torch.long))
        for number in range(len(kinds)):
            self.register_buffer(f"vectors_{number}", torch.zeros(0, 0, dtype=torch.float16))

    @property
    def task(self) -> Task:
        """What targets are."""
        return self._task[0]

    def forward(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the vote, weighed by what each row has."""
        return self.combine(self.vectors(features))

    def combine(self, vectors: RowVectors) -> Float[Tensor, "batch outputs"]:
        """Return the weighed logits of rows whose modalities may come from different ones."""
        if not self.used:
            return torch.zeros(len(vectors), self.task.outputs)
        found = self.find(vectors)
        weight = self.weight[pattern_of(vectors.has)].unsqueeze(1)
        return weight * self.logits(found)

    def unit_parts(
        self, features: ScaledFeatures, parts: Sequence[Float[Tensor, "_ _"]]
    ) -> list[Float[Tensor, "_ _"]]:
        """Return what each node adds to one row's vector of its modality.

        Args:
            features: Features of the row.
            parts: What each node adds to each kind of them, see `LinearModel.scaled_parts`.
        """
        added = []
        for reduction, kinds in zip(self.reductions, self.kinds, strict=True):
            unit = cast(UnitVectors, reduction)
            whole = unit.components_of([features.x[kind] for kind in kinds])
            length = whole.norm(dim=1).clamp_min(1e-12)
            added.append(unit.project([parts[kind] for kind in kinds]) / length)
        return added

    @property
    def used(self) -> bool:
        """Whether neighbours count for any row."""
        return bool(len(self.target) and (self.weight > 0).any())

    def vectors(self, features: ScaledFeatures) -> RowVectors:
        """Return what rows are compared by."""
        vectors = [
            reduction([features.x[kind] for kind in kinds])
            for reduction, kinds in zip(self.reductions, self.kinds, strict=True)
        ]
        return RowVectors(tuple(vectors), features.has)

    def learn(
        self, features: ScaledFeatures, target: Shaped[Tensor, "rows *outputs"]
    ) -> RowVectors:
        """Take the training rows in, and return what they are compared by."""
        for number, kinds in enumerate(self.kinds):
            reduction = cast(UnitVectors, self.reductions[number])
            reduction.fit([features.x[kind] for kind in kinds], features.has[:, number])
        vectors = self.vectors(features)
        self.add(vectors, target)
        return vectors

    def add(
        self,
        vectors: RowVectors,
        target: Shaped[Tensor, "rows *outputs"],
        place: Int[Tensor, "rows"] | None = None,
    ) -> None:
        """Let further rows vote.

        Args:
            vectors: What they are compared by.
            target: Target of each row.
            place: Place of each row among all that were ever given; None: behind those known.
        """
        if place is None:
            first = int(self.place.max()) + 1 if len(self.place) else 0
            place = torch.arange(first, first + len(vectors))
        self.place = torch.cat([self.place, place])
        for number, x in enumerate(vectors.vectors):
            name = f"vectors_{number}"
            old = getattr(self, name)
            half = x.to(torch.float16)
            setattr(self, name, torch.cat([old, half]) if len(old) else half)
        self.has = torch.cat([self.has, vectors.has])
        self.target = torch.cat([self.target, target]) if len(self.target) else target

    def find(self, vectors: RowVectors) -> Found:
        """Return the nearest training rows of some rows, and how much each of them says."""
        alike, rows = self.search(vectors)
        return Found(rows[:, : self.count], shares_of(alike[:, : self.count]))

    def search(
        self, vectors: RowVectors
    ) -> tuple[Float[Tensor, "batch found"], Int[Tensor, "batch found"]]:
        """Return how alike the nearest training rows are, and their numbers.

        There is one more than vote, where there are as many: the next in line.
        """
        return nearest(vectors, self.rows(), self.sharpness, self.count + 1)

    def rows(self) -> RowVectors:
        """Return what the training rows are compared by."""
        vectors = [getattr(self, f"vectors_{number}") for number in range(len(self.kinds))]
        return RowVectors(tuple(x.float() for x in vectors), self.has)

    def logits(self, found: Found) -> Float[Tensor, "batch outputs"]:
        """Return what the found rows' targets say, unweighed; where there is none, the prior."""
        mean = (found.share.unsqueeze(2) * self.said(found.row)).sum(1)
        lacking = found.share.sum(1, keepdim=True) == 0
        return self.task.logits_of_mean(mean + lacking * self.task.prior_mean)

    def said(self, rows: Int[Tensor, "batch count"]) -> Float[Tensor, "batch count outputs"]:
        """Return the targets of some rows in the form whose mean is taken."""
        return self.task.indicators(self.target[rows.flatten()]).unflatten(0, rows.shape)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # Models of before there were places have none.
        state_dict.setdefault(prefix + "place", torch.arange(len(state_dict[prefix + "has"])))
        # The number of training rows is only known from what was saved.
        for name in (
            "has",
            "target",
            "place",
            *(f"vectors_{each}" for each in range(len(self.kinds))),
        ):
            setattr(self, name, torch.zeros_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *args)


def shares_of(alike: Float[Tensor, "batch count"]) -> Float[Tensor, "batch count"]:
    """Return how much each of some rows says, by how alike they are."""
    return alike.softmax(1) * (alike > NEVER / 2)
