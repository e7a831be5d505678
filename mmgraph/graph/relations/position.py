"""Relative positions as features of the edges of another relation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation, Stencil
from mmgraph.graph.relations.chain import Chain
from mmgraph.graph.relations.grid import Grid


@dataclass(frozen=True)
class WithPosition(Relation):
    r"""The edges of a relation, each with where the source lies as seen from the target.

    .. math::
        e_{s,t} = \mathrm{clip} \Bigl( \frac{p_s - p_t}{\text{distance}}, -1, 1 \Bigr)

    Distances are clipped as by Shaw, Uszkoreit and Vaswani (https://arxiv.org/abs/1803.02155).
    An edge has one feature, the steps from target to source in `index`; or two, the rows
    down and the columns to the right, where the nodes are regions of an image. It takes a
    convolution that knows edge features, made with `edge_dim`.

    Args:
        relation: The relation whose edges they are.
        distance: The distance that becomes 1, in steps; None: the longest edge of a `Chain` or
            a `Grid`. Default: None.
        columns: Regions from left to right, where the nodes are regions of an image; None:
            those of a `Grid`, and otherwise the nodes lie on a line. Default: None.

    Raises:
        ValueError: The distance is lacking or not positive, there are less than one column,
            or the relation has features of its own.

    Example:
        >>> words = Nodes.from_flat(torch.ones(3, 8), sample=torch.zeros(3).long(), batch_size=1)
        >>> relation = WithPosition(Chain(window=2))
        >>> relation.edge_index(words, words).tolist()
        [[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]]
        >>> relation.edge_attr(words, words).flatten().tolist()
        [0.5, 1.0, -0.5, 0.5, -1.0, -0.5]
    """

    relation: Relation
    distance: int | None = None
    columns: int | None = None

    def __post_init__(self) -> None:
        if self.relation.edge_dim:
            raise ValueError(f"{self.relation} has edge features already")
        if self._distance is None or self._distance < 1:
            raise ValueError(
                f"expected the distance that becomes 1, got {self._distance}; pass "
                "WithPosition(relation, distance=...), at least 1"
            )
        if self._columns is not None and self._columns < 1:
            raise ValueError(f"columns must be >= 1, got {self._columns}")

    @property
    def depends_on_x(self) -> bool:
        """Whether the edges follow the features."""
        return self.relation.depends_on_x

    @property
    def edge_dim(self) -> int:
        """2 for down and right, 1 on a line."""
        return 1 if self._columns is None else 2

    @property
    def _distance(self) -> int | None:
        if self.distance is None and isinstance(self.relation, Chain | Grid):
            return 1 if isinstance(self.relation, Grid) else self.relation.window
        return self.distance

    @property
    def _columns(self) -> int | None:
        if self.columns is None and isinstance(self.relation, Grid):
            return self.relation.columns
        return self.columns

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """Return the edges of the relation."""
        return self.relation.joins(source, target)

    def edge_index(self, source: Nodes, target: Nodes) -> Int[Tensor, "2 edges"]:
        """Return the edges of the relation."""
        return self.relation.edge_index(source, target)

    def stencil(self, source: Nodes, target: Nodes) -> Stencil | None:
        """Return the edges of the relation."""
        return self.relation.stencil(source, target)

    def of_sample(self, sample: int) -> WithPosition:
        """Return the relation for a batch made of this one sample."""
        return replace(self, relation=self.relation.of_sample(sample))

    def edge_features(
        self, source: Nodes, target: Nodes
    ) -> Float[Tensor, "batch target source features"]:
        """Return the relative positions of all pairs of nodes."""
        apart = self._apart(source.index.unsqueeze(1), target.index.unsqueeze(2))
        return apart.to(source.x.dtype)

    def edge_attr(self, source: Nodes, target: Nodes) -> Float[Tensor, "edges features"]:
        """Return the relative positions of the ends of each edge, without those of all pairs."""
        start, to = self.edge_index(source, target)
        apart = self._apart(source.index[source.mask][start], target.index[target.mask][to])
        return apart.to(source.x.dtype)

    def _apart(
        self, source: Int[Tensor, "..."], target: Int[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Scaled steps from target to source, along a new last axis."""
        columns = self._columns
        if columns is None:
            steps = (source - target).unsqueeze(-1)
        else:
            down = source // columns - target // columns
            steps = torch.stack([down, source % columns - target % columns], dim=-1)
        assert self._distance is not None
        return (steps / self._distance).clamp(-1.0, 1.0)
