"""Vectors of rows that others see: those of the training, and those that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RowStore:
    """One vector for each row that may be linked to, in 16 bits, the training rows first.

    Args:
        known: Vectors of the training rows.
        names: What their table calls these.
        asked: Vectors of some rows that are asked for. Default: none.
        places: For each row that is asked for, its place in `asked`. Default: none.
        asked_names: What their table calls the rows that are asked for. Default: none.
    """

    known: Float[Tensor, "known features"]
    names: Sequence[str]
    asked: Float[Tensor, "some features"] | None = None
    places: Int[Tensor, "asked"] = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    asked_names: Sequence[str] = ()

    def take(self, rows: Int[Tensor, "chosen"]) -> Float[Tensor, "chosen features"]:
        """Return the vectors of some rows, in 32 bits."""
        count = len(self.known)
        if self.asked is None or not len(rows) or int(rows.max()) < count:
            return self.known[rows].float()
        x = torch.empty(len(rows), self.known.shape[1])
        new = rows >= count
        x[~new] = self.known[rows[~new]].float()
        x[new] = self.asked[self.places[rows[new] - count]].float()
        return x

    def name(self, row: int) -> str:
        """Return what a row is called in its table."""
        if row < len(self.known):
            return self.names[row] if row < len(self.names) else str(row)
        return self.asked_names[row - len(self.known)]
