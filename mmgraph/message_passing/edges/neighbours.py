"""Lists of what each target receives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.message_passing.packing import PackedNodes


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The sources that each target receives messages from, as numbers of rows.

    Targets that receive messages from the same sources share one list, so that all pairs of two
    modalities take no more than the source nodes.

    Args:
        start: Where the list of each target begins in `index`.
        stop: Where it ends.
        index: Rows of sources.
        samples: The first target of each sample, and the number of targets.
    """

    start: Int[np.ndarray, "targets"]
    stop: Int[np.ndarray, "targets"]
    index: Int[np.ndarray, "listed"]
    samples: Int[np.ndarray, "_"]

    @classmethod
    def by_mask(
        cls, source: PackedNodes, target: PackedNodes, reach: Bool[Tensor, "batch #target source"]
    ) -> Neighbours:
        """Return the neighbours of a mask, as made by `Relation.reach`."""
        row = source.mask.flatten().cumsum(0).sub_(1).view(source.mask.shape)
        if reach.shape[1] == 1:
            shared = reach[:, 0]
            count, index = shared.sum(1), row[shared]
            stop = count.cumsum(0)
            return cls._of(target, (stop - count)[target.sample], stop[target.sample], index)
        received = target.pack(reach)
        place, node = received.nonzero(as_tuple=True)
        return cls._listed(target, received.sum(1), row[target.sample[place], node])

    @classmethod
    def by_steps(
        cls, target: PackedNodes, steps: tuple[int, ...], exists: Bool[Tensor, "rows steps"]
    ) -> Neighbours:
        """Return the neighbours at fixed steps, where they exist."""
        place, number = exists.nonzero(as_tuple=True)
        return cls._listed(target, exists.sum(1), place + torch.tensor(steps)[number])

    @classmethod
    def _listed(cls, target: PackedNodes, count: Tensor, index: Tensor) -> Neighbours:
        stop = count.cumsum(0)
        return cls._of(target, stop - count, stop, index)

    @classmethod
    def _of(cls, target: PackedNodes, start: Tensor, stop: Tensor, index: Tensor) -> Neighbours:
        samples = torch.zeros(len(target.mask) + 1, dtype=torch.long)
        torch.cumsum(target.mask.sum(1), 0, out=samples[1:])
        return cls(*(x.numpy() for x in (start, stop, index, samples)))

    @property
    def lists(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return start, stop and index."""
        return self.start, self.stop, self.index

    @property
    def edges(self) -> int:
        """Return the number of edges."""
        return int((self.stop - self.start).sum())

    def spans(self, number: int) -> Iterator[tuple[int, int]]:
        """Cut the targets into a number of ranges of whole samples, with edges as even as may be.

        Example:
            >>> rows = PackedNodes(torch.ones(2, 3, dtype=torch.bool))
            >>> both = Neighbours.by_mask(rows, rows, torch.ones(2, 1, 3, dtype=torch.bool))
            >>> list(both.spans(2))
            [(0, 3), (3, 6)]
        """
        edges = np.concatenate([[0], (self.stop - self.start).cumsum()])[self.samples]
        wanted = edges[-1] * np.arange(1, number) / number
        cuts = self.samples[np.searchsorted(edges, wanted)]
        bounds = np.unique([0, *cuts.tolist(), int(self.samples[-1])]).tolist()
        yield from pairwise(bounds)
