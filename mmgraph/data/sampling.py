"""Which rows form a step, and which of them a process computes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Sampler

#: Batches that are sorted by length together; more pads less and shuffles less.
BATCHES_PER_BUCKET = 8


class BucketSampler(Sampler[list[int]]):
    """Batches of rows of similar length, in random order, each row once an epoch.

    Rows are shuffled, sorted by length within some batches' worth, and cut into batches, so
    that little is padded and yet no two epochs have the same batches.

    Args:
        length: Length of every row.
        batch_size: Rows of a batch; the last batch may be smaller.
        generator: Source of randomness.
        groups: Where rows are read from disk in groups: the group of each row, ascending.
        groups_at_once: Number of such groups, drawn at random, whose rows are mixed. A batch has
            rows of these, and some left over from those before.
    """

    def __init__(
        self,
        length: Int[np.ndarray, "rows"],
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        groups: Int[np.ndarray, "rows"] | None = None,
        groups_at_once: int = 1,
    ) -> None:
        self.length = torch.as_tensor(length)
        self.batch_size = batch_size
        self.generator = generator
        self.groups, self.groups_at_once = groups, groups_at_once

    def __len__(self) -> int:
        return -(-len(self.length) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        if self.groups is None:
            yield from self._batches(torch.randperm(len(self.length), generator=self.generator))
            return
        parts = torch.from_numpy(np.flatnonzero(np.diff(self.groups, prepend=-1)))
        rows = torch.arange(len(self.length)).tensor_split(parts[1:])
        order = torch.randperm(len(rows), generator=self.generator).split(self.groups_at_once)
        left = rows[0][:0]
        for number, chosen in enumerate(order, start=1):
            mixed = torch.cat([left, *(rows[group] for group in chosen.tolist())])
            mixed = mixed[torch.randperm(len(mixed), generator=self.generator)]
            whole = len(mixed) // self.batch_size * self.batch_size
            left = mixed[whole:]
            yield from self._batches(mixed[:whole] if number < len(order) else mixed)

    def _batches(self, shuffled: Int[Tensor, "some"]) -> Iterator[list[int]]:
        """Return batches of rows of similar length, in random order."""
        batches: list[Tensor] = []
        if not len(shuffled):
            return
        for bucket in shuffled.split(self.batch_size * BATCHES_PER_BUCKET):
            ordered = bucket[self.length[bucket].argsort(stable=True)]
            batches.extend(ordered.split(self.batch_size))
        for position in torch.randperm(len(batches), generator=self.generator).tolist():
            yield batches[position].tolist()


@dataclass(frozen=True)
class StepPart:
    """The rows of a step that a process computes at once.

    Args:
        rows: These rows.
        step: All rows of the step; every one of them is in one of its parts.
        counted: False where the step has fewer rows than parts: `rows` then only stands in, so
            that every process has something to compute, and counts for nothing.
    """

    rows: Sequence[int]
    step: Sequence[int]
    counted: bool = True


class StepSampler(Sampler[StepPart]):
    """The parts of one process: as many for each step as for every other process.

    All processes need the same steps: samplers with generators of the same seed. Parts are taken
    at equal distances, so that those of rows sorted by length are equally long.

    Args:
        steps: Batches of rows, one for each step of the optimiser.
        process: Which process this is, from 0.
        processes: Number of processes.
        accumulate: Parts that a process computes one after the other for a step.

    Example:
        >>> first, second = (list(StepSampler([[5, 6, 7]], process, 2)) for process in range(2))
        >>> first[0].rows, second[0].rows
        ([5, 7], [6])
    """

    def __init__(
        self,
        steps: Sampler[list[int]] | Sequence[list[int]],
        process: int = 0,
        processes: int = 1,
        *,
        accumulate: int = 1,
    ) -> None:
        self.steps = steps
        self.process, self.processes, self.accumulate = process, processes, accumulate

    def __len__(self) -> int:
        return len(self.steps) * self.accumulate  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[StepPart]:
        for step in self.steps:
            for turn in range(self.accumulate):
                rows = step[turn * self.processes + self.process :: self.parts]
                yield StepPart(rows or step[:1], step, counted=bool(rows))

    @property
    def parts(self) -> int:
        """Number of parts of a step, over all processes."""
        return self.processes * self.accumulate
