"""Nodes with the most similar features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation, not_itself


@dataclass(frozen=True)
class Nearest(Relation):
    r"""Each node receives messages from the source nodes of the sample that are most similar to it.

    .. math::
        \mathcal{N}(t) = \mathrm{top}_k \{ \mathrm{sim}(x_t, x_s) : s \neq t \}

    As every layer sees other features, so does it choose other neighbours (dynamic graph
    convolution, https://arxiv.org/abs/1801.07829). The choice itself has no gradient. A node
    is never its own neighbour; of equally similar nodes those that stand first are chosen.

    Args:
        k: Number of neighbours of each node; all there are where they are fewer.
        metric: "cosine" for the angle between features, "euclidean" for their distance.
            Default: "cosine".
        fixed: Choose once, by the features before the first layer. Default: False.

    Raises:
        ValueError: `k` is less than 1, or there is no such metric.

    Example:
        >>> words = Nodes.from_flat(
        ...     torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]]),
        ...     sample=torch.tensor([0, 0, 0]),
        ...     batch_size=1,
        ... )
        >>> Nearest(1).edge_index(words, words).tolist()
        [[2, 2, 0], [0, 1, 2]]
    """

    k: int
    metric: Literal["cosine", "euclidean"] = "cosine"
    fixed: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be >= 1, got {self.k}")
        if self.metric not in ("cosine", "euclidean"):
            raise ValueError(f'metric must be "cosine" or "euclidean", got {self.metric!r}')

    @property
    def depends_on_x(self) -> bool:
        """True unless the choice is fixed."""
        return not self.fixed

    @torch.no_grad()
    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where a source node is among the nearest real ones of a target node.

        Raises:
            ValueError: Source and target have different numbers of channels.
        """
        if source.channels != target.channels:
            raise ValueError(
                f"{self} compares features, but sources have {source.channels} channels and "
                f"targets {target.channels}; project them to the same space first"
            )
        eligible = source.mask.unsqueeze(1) & not_itself(source, target)
        eligible = eligible.expand(-1, target.mask.shape[1], -1)
        if source.mask.shape[1] <= self.k:
            return eligible
        similarity = self._similarity(source.x, target.x)
        return _largest(similarity.masked_fill(~eligible, -float("inf")), self.k) & eligible

    def _similarity(
        self,
        source: Float[Tensor, "batch source channels"],
        target: Float[Tensor, "batch target channels"],
    ) -> Float[Tensor, "batch target source"]:
        # How a matrix product rounds depends on the size of the batch, and a choice must not:
        # so it is computed in float64 (which Apple's GPUs lack) and cut to float32.
        precise = torch.float32 if source.device.type == "mps" else torch.float64
        source, target = source.to(precise), target.to(precise)
        if self.metric == "cosine":
            return (F.normalize(target, dim=2) @ F.normalize(source, dim=2).mT).float()
        # The faster mode leaves a remainder where the distance is zero.
        exact = "donot_use_mm_for_euclid_dist"
        return -torch.cdist(target, source, compute_mode=exact).float()


def _largest(
    x: Float[Tensor, "batch target source"], k: int
) -> Bool[Tensor, "batch target source"]:
    """True for the k largest of each row; of equal ones the first, which topk leaves open."""
    least = x.topk(k, dim=2).values[:, :, -1:]
    larger, equal = x > least, x == least
    room = k - larger.sum(2, keepdim=True)
    return larger | (equal & (equal.cumsum(2) <= room))
