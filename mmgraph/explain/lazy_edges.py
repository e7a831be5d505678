"""Weights of edges that are computed once somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from mmgraph.explain.record import EdgeScores


class LazyEdges(Sequence[EdgeScores]):
    """Weights that are computed when they are first asked for, for few who explain rows look.

    Copies by pickle hold the weights themselves.

    Args:
        compute: Returns them.
    """

    def __init__(self, compute: Callable[[], list[EdgeScores]]) -> None:
        self._compute: Callable[[], list[EdgeScores]] | None = compute

    @cached_property
    def _found(self) -> list[EdgeScores]:
        assert self._compute is not None
        found, self._compute = self._compute(), None  # what they come from may go
        return found

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, place: Any) -> Any:
        return self._found[place]

    def __iter__(self) -> Iterator[EdgeScores]:
        return iter(self._found)

    def __reduce__(self) -> tuple[type[list], tuple[list[EdgeScores]]]:
        return list, (self._found,)
