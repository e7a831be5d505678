"""A way to predict that can be compared with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmgraph.comparison.describe import describe_value


@dataclass(frozen=True, eq=False)
class Method:
    """A way to predict, which makes a new estimator for each seed.

    Args:
        name: What tables call it.
        make: Maps a seed to an estimator that was not fitted.
        seeded: Whether the seed changes anything; other methods run once a fold. Default: True.
    """

    name: str
    make: Callable[[int], Any]
    seeded: bool = True

    def describe(self, seed: int) -> Any:
        """Return what tells the estimator of a seed from others, as JSON."""
        return describe_value(self.make(seed))
