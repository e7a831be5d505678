"""How alike rows are: cosines of the modalities that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: Of rows that must not be found.
NEVER = -1e4
#: Similarities that are held in memory at once.
_AT_ONCE = 2**24


@dataclass(frozen=True, eq=False)
class RowVectors:
    """Vectors of unit length by which rows are compared, for each modality.

    Args:
        vectors: Of each modality, [rows, components].
        has: Which modalities a row has.
    """

    vectors: tuple[Float[Tensor, "rows _"], ...]
    has: Bool[Tensor, "rows modalities"]

    @classmethod
    def join(cls, parts: Sequence[RowVectors]) -> RowVectors | None:
        """Return the rows of all parts, None without any part."""
        if not parts:
            return None
        vectors = zip(*(each.vectors for each in parts), strict=True)
        return cls(tuple(map(torch.cat, vectors)), torch.cat([each.has for each in parts]))

    def __len__(self) -> int:
        return len(self.has)

    def __getitem__(self, rows: Int[Tensor, "chosen"] | slice) -> RowVectors:
        return RowVectors(tuple(x[rows] for x in self.vectors), self.has[rows])


def similarity(
    some: RowVectors, others: RowVectors, sharpness: Float[Tensor, "modalities"]
) -> Float[Tensor, "some others"]:
    r"""Return how alike rows are, by what both have.

    .. math:: s_{ij} = \frac{\sum_m \beta_m}{\sum_{m \in i, j} \beta_m}
        \sum_{m \in i, j} \beta_m \cos_m(i, j)

    and `NEVER` for rows that have no modality in common.

    Args:
        some: Rows of the result.
        others: Columns of the result.
        sharpness: How much each modality counts, β.
    """
    total = _weighed(some, sharpness) @ _weighed(others, sharpness).T
    if some.has.all() and others.has.all():
        return total
    both = (some.has * sharpness) @ others.has.to(sharpness.dtype).T
    alike = total * (sharpness.sum() / both.clamp_min(1e-12))
    return torch.where(both > 0, alike, NEVER)


def _weighed(rows: RowVectors, sharpness: Tensor) -> Float[Tensor, "rows components"]:
    """Return vectors of all modalities side by side, whose products are weighed cosines."""
    factors = (rows.has * sharpness.sqrt()).unsqueeze(2).unbind(1)
    return torch.cat([x * each for x, each in zip(rows.vectors, factors, strict=True)], dim=1)


def nearest(
    queries: RowVectors,
    rows: RowVectors,
    sharpness: Float[Tensor, "modalities"],
    count: int,
    *,
    apart: tuple[Int[Tensor, "queries"], Int[Tensor, "rows"]] | None = None,
) -> tuple[Float[Tensor, "queries count"], Int[Tensor, "queries count"]]:
    """Return the similarities and places of the nearest rows, the nearest first.

    The search is exact; a block of queries is compared with all rows at a time.

    Args:
        queries: What to find neighbours of.
        rows: Where to look.
        sharpness: How much each modality counts.
        count: Most neighbours of each.
        apart: Groups of the queries and of the rows; rows of a query's own group are never
            found, but for want of others, with a similarity that weighs nothing.
    """
    block = max(1, _AT_ONCE // max(len(rows), 1))
    found = []
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        alike = similarity(queries[part], rows, sharpness)
        if apart is not None:
            alike = alike.masked_fill(apart[0][part, None] == apart[1], NEVER)
        found.append(alike.topk(min(count, len(rows)), dim=1))
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])
