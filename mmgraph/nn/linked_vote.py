"""What the known targets of the rows that a row is linked with say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.nn.task import Task
from mmgraph.nn.weighing import weigh_parts

#: Rows of the prior that are counted with those that vote.
_PRIOR_ROWS = 1.0
#: Fewer rows than this cannot weigh anything.
_FEWEST = 10
#: How strongly weights are pulled to where they begin, in rows.
_PULL = 2.0


class LinkedVote(nn.Module):
    r"""Vote of the training rows that a row is linked with, by relation.

    .. math:: z_i = \sum_r \frac{w_r}{n_{ir} + 1} \sum_{j \in N_r(i)} (y_j - \pi)

    for targets y of linked training rows, their mean π, and one weight for each relation, learnt
    beside the logits of the other parts on rows that these were not fitted on. A weight is never
    negative. Rows whose linked rows have no known target get 0. A row's own target, and those of
    its own group, are marked as unknown before they come here.

    Args:
        node_type: Name of the items that stand for linked rows.
        relations: Number of relations.
        task: What targets are.
    """

    weight: Tensor
    target: Tensor
    known: Tensor

    def __init__(self, node_type: str, relations: int, task: Task) -> None:
        super().__init__()
        self.node_type = node_type
        # Another's part, so not a module of this one.
        self._task = [task]
        self.register_buffer("weight", torch.zeros(relations))
        self.register_buffer("target", torch.zeros(0))
        self.register_buffer("known", torch.zeros(0, dtype=torch.bool))

    @property
    def task(self) -> Task:
        """What targets are."""
        return self._task[0]

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return what the linked rows add to the logits."""
        linked = items[self.node_type]
        sample = linked.node_layout()["sample"]
        shares = self.shares(items)
        return shares.new_zeros(linked.batch_size, self.task.outputs).index_add(0, sample, shares)

    def shares(self, items: Mapping[str, Items]) -> Float[Tensor, "nodes outputs"]:
        """Return what each linked row adds to the logits, which sum to what `forward` gives."""
        linked = items[self.node_type]
        return self.weight[linked.data["relation"]].unsqueeze(1) * self._parts(linked)

    def _parts(self, linked: Items) -> Float[Tensor, "nodes outputs"]:
        """Return what each linked row says, unweighed."""
        place, relation = linked.data["place"], linked.data["relation"]
        if not len(self.known):
            return torch.zeros(len(place), self.task.outputs, device=place.device)
        votes = linked.data["votes"] & (place < len(self.known))
        row = torch.where(votes, place, 0)
        votes = votes & self.known[row]
        cell = linked.node_layout()["sample"] * len(self.weight) + relation
        size = linked.batch_size * len(self.weight)
        count = torch.zeros(size, device=place.device).index_add(0, cell, votes.float())
        said = self.task.indicators(self.target[row]) - self.task.prior_mean
        return said * (votes / (count[cell] + _PRIOR_ROWS)).unsqueeze(1)

    def learn(
        self,
        batches: Iterable[Mapping[str, Items]],
        target: Shaped[Tensor, "rows *outputs"],
        place: Int[Tensor, "rows"],
        others: Float[Tensor, "some outputs"] | None,
        rows: Int[Tensor, "some"],
    ) -> Float[Tensor, "rows outputs"]:
        """Take the training rows in, and weigh what they say of each other.

        Args:
            batches: Items of the training rows.
            target: Target of each training row.
            place: Number of each among all rows that may be linked to.
            others: What the other parts say of some of the rows when fitted without them; None:
                that is unknown, and nothing is weighed.
            rows: Which of the training rows these are.

        Returns:
            What the linked rows add to the logits of each training row.
        """
        size = int(place.max()) + 1
        self.known = torch.zeros(size, dtype=torch.bool)
        self.known[place] = True
        self.target = target.new_zeros(size, *target.shape[1:])
        self.target[place] = target
        said = torch.cat([self._by_relation(items[self.node_type]) for items in batches])
        self.weight = torch.zeros_like(self.weight)
        if others is not None:
            parts = said[rows].transpose(0, 1)
            heard = (parts != 0).any(2).any(0)
            if int(heard.sum()) >= _FEWEST:
                self.weight = weigh_parts(
                    parts[:, heard],
                    target[rows][heard],
                    self.task,
                    start=torch.ones_like(self.weight),
                    pull=_PULL,
                    beside=others[heard],
                )
        return torch.einsum("r,nro->no", self.weight, said)

    def _by_relation(self, linked: Items) -> Float[Tensor, "batch relations outputs"]:
        cell = linked.node_layout()["sample"] * len(self.weight) + linked.data["relation"]
        total = torch.zeros(linked.batch_size * len(self.weight), self.task.outputs)
        return total.index_add(0, cell, self._parts(linked)).unflatten(0, (-1, len(self.weight)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The number of training rows is only known from what was saved.
        for name in ("target", "known"):
            setattr(self, name, torch.zeros_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *args)
