"""One measured number with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Measure:
    """One number of a diagnosis.

    Args:
        name: What was measured, see `Diagnosis`.
        modality: The modality it is about, None for the whole model.
        value: The score, or difference of scores, in the score's own unit.
        error: Standard error of the value, by bootstrap over the rows.
        rows: Number of rows it was measured on.
    """

    name: str
    modality: str | None
    value: float
    error: float
    rows: int

    @property
    def is_clear(self) -> bool:
        """Whether the value differs from 0 by more than two standard errors."""
        return abs(self.value) > 2 * self.error
