"""The vote of the nearest training rows, by itself or added to another model's logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.comparison.baselines.part import LeftOut, Part, TrainingRows
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.neighbours.learn import learn_sharpness
from mmgraph.nn.neighbours.model import Found, Neighbours, shares_of
from mmgraph.nn.neighbours.similarity import nearest
from mmgraph.nn.weighing import weigh_parts

#: Weight of a vote to begin with: by itself, and beside another model.
_ALONE, _BESIDE = 1.0, 0.3
#: Rows by which it is learnt what makes rows alike; of more, some.
_ASKED = 1000
#: How strongly weights are pulled to where they begin, in rows.
_PULL = 2.0


class Vote(Part):
    """Weighted sum of a model's logits and the nearest rows' vote, fitted on left-out rows.

    No row's neighbours are of its own group while the weights are fitted.

    Args:
        compared: For each modality, the blocks that tell how alike rows are.
        beside: What the vote is added to; None: nothing.

    Fitted state:
        neighbours, weights (of `beside`, if there is one, and of the vote).
    """

    def __init__(self, compared: Sequence[Sequence[int]], beside: Part | None = None) -> None:
        self.compared, self.beside = compared, beside

    def fit(self, rows: TrainingRows) -> LeftOut:
        """Fit the other model, what makes rows alike, and the weights of both."""
        others = [] if self.beside is None else [self.beside.fit(rows)()]
        left = torch.stack([*others, rows.task.prior.expand(len(rows.target), -1)])[: len(others)]
        vote = _BESIDE if others else _ALONE
        start = torch.tensor([*[1.0] * len(others), vote])
        # Their components are found from random vectors.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.neighbours = Neighbours(self.compared, rows.task)
            vectors = self.neighbours.learn(rows.features, rows.target)
        asked = torch.arange(len(rows.target))
        if len(asked) > _ASKED:
            asked = torch.linspace(0, len(asked) - 1, _ASKED).round().long()
        self.neighbours.sharpness = learn_sharpness(
            vectors,
            rows.target,
            rows.group,
            rows.task,
            asked=asked,
            others=left[:, asked],
            start=start,
            sharpness=self.neighbours.sharpness,
            pull=_PULL,
        )
        alike, near = nearest(
            vectors,
            vectors,
            self.neighbours.sharpness,
            self.neighbours.count,
            apart=(rows.group, rows.group),
        )
        said = self.neighbours.logits(Found(near, shares_of(alike)))
        left = torch.cat([left, said.unsqueeze(0)])
        self.weights = weigh_parts(left, rows.target, rows.task, start=start, pull=_PULL)
        others_have = 0 if self.beside is None else self.beside.num_parameters
        own = len(self.weights) + len(self.neighbours.sharpness)
        self.num_parameters = None if others_have is None else others_have + own
        return lambda: torch.einsum("p,pro->ro", self.weights, left)

    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the weighted sum."""
        found = self.neighbours.find(self.neighbours.vectors(features))
        logits = self.weights[-1] * self.neighbours.logits(found)
        if self.beside is not None:
            logits = logits + self.weights[0] * self.beside.logits(features)
        return logits
