"""The parts that cost seconds, as the fitting procedure takes them: linear model and votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from mmgraph.data.folds import Partition
from mmgraph.graph.items import Items
from mmgraph.nn.cross_fitting import LeftOut, cross_fit
from mmgraph.nn.linked_vote import LinkedVote
from mmgraph.nn.model import MultimodalModel


@dataclass(frozen=True, eq=False)
class Cheap:
    """A fitted linear model and fitted neighbours, to be given to models.

    Args:
        rows: Rows that they were fitted on.
        linear: State of the linear model; None without one.
        neighbours: State of the neighbours; None without any.
        linked: State of the vote of linked rows; None without any.
        logits: What they say of each row when fitted without it; None where that is unknown.
    """

    rows: Int[np.ndarray, "rows"]
    linear: dict[str, Tensor] | None = None
    neighbours: dict[str, Tensor] | None = None
    linked: dict[str, Tensor] | None = None
    logits: Float[Tensor, "rows outputs"] | None = None

    def give(self, model: MultimodalModel) -> None:
        """Put them into a model."""
        if model.linear is not None and self.linear is not None:
            model.linear.load_state_dict(self.linear)
        if model.neighbours is not None and self.neighbours is not None:
            model.neighbours.load_state_dict(self.neighbours)
        if model.linked is not None and self.linked is not None:
            model.linked.load_state_dict(self.linked)

    def knows(self, rows: Int[np.ndarray, "some"]) -> bool:
        """Whether there are logits of all these rows."""
        return self.logits is not None and bool(np.isin(rows, self.rows).all())

    def left_out(self, rows: Int[np.ndarray, "some"]) -> Float[Tensor, "some outputs"]:
        """Return what the parts say of some rows when fitted without them."""
        assert self.logits is not None
        return self.logits[torch.from_numpy(np.searchsorted(self.rows, rows))]


def fit_cheap(
    model: MultimodalModel,
    batches: Iterable[Mapping[str, Items]],
    target: Shaped[Tensor, "rows *outputs"] | None,
    rows: Int[np.ndarray, "rows"],
    partition: Partition,
) -> Cheap:
    """Fit a model's linear model and its neighbours, and return them.

    Args:
        model: The model; its task is fitted.
        batches: Items of the rows, iterated several times.
        target: Target of each row.
        rows: Numbers of the rows, ascending.
        partition: Which rows are left out together.
    """
    linear, neighbours = model.linear, model.neighbours
    assert linear is not None
    assert target is not None
    with torch.no_grad():
        left_out = cross_fit(
            linear,
            neighbours,
            linear.measure(batches),
            target,
            model.task,
            fold=torch.from_numpy(partition.fold[rows]),
            group=torch.from_numpy(partition.group[rows]),
        )
    if neighbours is not None:
        neighbours.place = torch.from_numpy(rows)
    if model.linked is not None:
        left_out = _weigh_linked(model.linked, batches, target, rows, left_out)
    known = left_out is not None and len(left_out.rows) == len(rows)
    return Cheap(
        rows,
        linear.state_dict(),
        None if neighbours is None else neighbours.state_dict(),
        None if model.linked is None else model.linked.state_dict(),
        left_out.logits if left_out is not None and known else None,
    )


def _weigh_linked(
    linked: LinkedVote,
    batches: Iterable[Mapping[str, Items]],
    target: Shaped[Tensor, "rows *outputs"],
    rows: Int[np.ndarray, "rows"],
    left_out: LeftOut | None,
) -> LeftOut | None:
    """Fit the vote of linked rows beside the other parts; return what all say of left-out rows."""
    place = torch.from_numpy(rows)
    if left_out is None:
        linked.learn(batches, target, place, None, place)
        return None
    said = linked.learn(batches, target, place, left_out.logits, left_out.rows)
    return replace(left_out, logits=left_out.logits + said[left_out.rows])
