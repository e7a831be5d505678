"""A batch of items with their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from mmgraph.graph.items import Items

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Batch:
    """Items of every modality for some samples, with their targets where known.

    Args:
        items: Items by node type.
        target: Target of each sample, as its task encodes it. Default: None.
        names: What the table calls each sample, for messages. Default: ().
        step_target: Where this is a part of a step, the target of all samples of the step.
            Default: None.
        counted: False where the samples only stand in, see `StepPart`. Default: True.
    """

    items: dict[str, Items]
    target: Shaped[Tensor, "batch *outputs"] | None = None
    names: Sequence[str] = ()
    step_target: Shaped[Tensor, "step *outputs"] | None = None
    counted: bool = True

    def to(self, device: torch.device | str) -> Batch:
        """Return the same batch on another device."""
        if torch.device(device).type == "mps":  # which has no doubles
            return self._map(lambda each: _single(each).to(device))
        return self._map(lambda each: each.to(device))

    def pin_memory(self) -> Batch:
        """Return the same batch in page-locked memory, for quicker copies to a GPU."""
        return self._map(lambda each: each.pin_memory())

    def _map(self, move: Callable[[Any], Any]) -> Batch:
        return replace(
            self,
            items={name: move(each) for name, each in self.items.items()},
            target=None if self.target is None else move(self.target),
            step_target=None if self.step_target is None else move(self.step_target),
        )


def _single(each: Any) -> Any:
    is_double = isinstance(each, Tensor) and each.dtype == torch.float64
    return each.float() if is_double else each
