"""How alike rows are: cosines of the modalities that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: Of rows that must not be found.
NEVER = -1e4
#: Similarities that are held in memory at once.
_AT_ONCE = 2**24
#: Rows whose largest similarity is looked at first.
_GROUP = 64


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
    alike = torch.empty(len(some), len(others))
    for places, asked, compared in _by_pattern(some, others, sharpness):
        alike[places] = asked @ compared.T
    return alike


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
    count = min(count, len(rows))
    best = torch.empty(len(queries), count)
    found = torch.empty(len(queries), count, dtype=torch.long)
    block = max(1, _AT_ONCE // max(len(rows), 1))
    # Taken anew for every block, so much memory would cost as much time as half of the products.
    memory = torch.empty(min(block, len(queries)), len(rows))
    for places, asked, compared in _by_pattern(queries, rows, sharpness):
        for part, some in zip(places.split(block), asked.split(block), strict=True):
            alike = torch.mm(some, compared.T, out=memory[: len(some)])
            if apart is not None:
                alike.masked_fill_(apart[0][part, None] == apart[1], NEVER)
            best[part], found[part] = largest(alike, count)
    return best, found


def largest(
    values: Float[Tensor, "some others"], count: int
) -> tuple[Float[Tensor, "some count"], Int[Tensor, "some count"]]:
    """Return the largest values of each row and their places, the largest first.

    Of many, only those are sorted that stand in the groups of neighbours with the largest maxima:
    no other group can hold one.

    Example:
        >>> values, places = largest(torch.tensor([[0.5, 2.0, 1.0]]), 2)
        >>> values.tolist(), places.tolist()
        ([[2.0, 1.0]], [[1, 2]])
    """
    total = values.shape[1]
    if total < 4 * _GROUP * count:
        top = values.topk(count, dim=1)
        return top.values, top.indices
    whole = total // _GROUP * _GROUP
    maxima = values[:, :whole].unflatten(1, (-1, _GROUP)).amax(2)
    first = maxima.topk(count, dim=1).indices.unsqueeze(2) * _GROUP
    inside = (first + torch.arange(_GROUP)).flatten(1)
    rest = torch.arange(whole, total).expand(len(values), -1)
    places = torch.cat([inside, rest], dim=1)
    best, chosen = values.gather(1, places).topk(count, dim=1)
    return best, places.gather(1, chosen)


def _by_pattern(
    some: RowVectors, others: RowVectors, sharpness: Tensor
) -> Iterator[
    tuple[
        Int[Tensor, "chosen"],
        Float[Tensor, "chosen components"],
        Float[Tensor, "others components"],
    ]
]:
    """Yield rows that have the same modalities, and vectors whose products are similarities."""
    weighed, known = _weighed(some, sharpness), _weighed(others, sharpness)
    patterns, which = some.has.unique(dim=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        places = (which == number).nonzero()[:, 0]
        both = others.has.to(sharpness.dtype) @ (sharpness * pattern)
        asked, compared = weighed[places], known
        if (both != sharpness.sum()).any():
            compared = known * (sharpness.sum() / both.clamp_min(1e-12)).unsqueeze(1)
        if (both == 0).any():
            asked = torch.cat([asked, asked.new_ones(len(asked), 1)], dim=1)
            compared = torch.cat([compared, ((both == 0) * NEVER).unsqueeze(1)], dim=1)
        yield places, asked, compared


def _weighed(rows: RowVectors, sharpness: Tensor) -> Float[Tensor, "rows components"]:
    """Return vectors of all modalities side by side, whose products are weighed cosines."""
    factors = (rows.has * sharpness.sqrt()).unsqueeze(2).unbind(1)
    return torch.cat([x * each for x, each in zip(rows.vectors, factors, strict=True)], dim=1)
