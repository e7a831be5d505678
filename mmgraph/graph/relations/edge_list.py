"""Edges of one batch, given one by one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation


@dataclass(frozen=True, eq=False)
class EdgeList(Relation):
    """Edges given one by one, for graphs that come from elsewhere.

    It fits the batch it was made for. Repeated edges count once.

    Args:
        sample: The sample of each edge.
        source: Position of its source node in the sample, as in `Nodes.x`.
        target: Position of its target node in the sample.
        features: Features of each edge; then no edge may be repeated. Default: None.

    Raises:
        ValueError: The tensors have different lengths, or an edge with features is repeated.

    Example:
        >>> words = Nodes.from_flat(torch.ones(3, 8), sample=torch.zeros(3).long(), batch_size=1)
        >>> edges = EdgeList(torch.tensor([0, 0]), torch.tensor([0, 2]), torch.tensor([1, 0]))
        >>> edges.edge_index(words, words).tolist()
        [[2, 0], [0, 1]]
    """

    sample: Int[Tensor, "edges"]
    source: Int[Tensor, "edges"]
    target: Int[Tensor, "edges"]
    features: Float[Tensor, "edges features"] | None = None

    def __post_init__(self) -> None:
        lengths = {
            name: len(value)
            for name in ("sample", "source", "target", "features")
            if (value := getattr(self, name)) is not None
        }
        if len(set(lengths.values())) > 1:
            raise ValueError(f"expected one entry an edge in each tensor, got {lengths}")
        if self.features is not None:
            edges = torch.stack([self.sample, self.source, self.target])
            if edges.unique(dim=1).shape[1] < len(self.sample):
                raise ValueError(
                    "expected each edge once, as edges have features, but some are repeated; "
                    "merge them with torch_geometric.utils.coalesce"
                )

    @property
    def edge_dim(self) -> int:
        """Number of features given with each edge."""
        return 0 if self.features is None else self.features.shape[1]

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "batch target source"]:
        """True where an edge is listed.

        Raises:
            ValueError: An edge names a sample or a node that does not exist.
        """
        self._check(source, target)
        shape = (source.batch_size, target.mask.shape[1], source.mask.shape[1])
        none = torch.zeros(shape, dtype=torch.bool, device=source.mask.device)
        listed = torch.ones_like(self.sample, dtype=torch.bool)
        return none.index_put((self.sample, self.target, self.source), listed)

    def edge_features(
        self, source: Nodes, target: Nodes
    ) -> Float[Tensor, "batch target source features"] | None:
        """Return the given features, and zero where no edge is listed.

        Raises:
            ValueError: An edge names a sample or a node that does not exist.
        """
        if self.features is None:
            return None
        self._check(source, target)
        shape = (source.batch_size, target.mask.shape[1], source.mask.shape[1])
        zeros = self.features.new_zeros(*shape, self.edge_dim)
        return zeros.index_put((self.sample, self.target, self.source), self.features)

    def of_sample(self, sample: int) -> EdgeList:
        """Return the edges of one sample, as those of the first sample of a batch."""
        own = self.sample == sample
        features = None if self.features is None else self.features[own]
        return EdgeList(
            torch.zeros_like(self.sample[own]), self.source[own], self.target[own], features
        )

    def _check(self, source: Nodes, target: Nodes) -> None:
        """Refuse edges at nodes that do not exist; a negative position would count from behind."""
        for end, slot, nodes in (("source", self.source, source), ("target", self.target, target)):
            # A sample that is not there has no nodes: the zero at the end stands for it.
            count = torch.nn.functional.pad(nodes.mask.sum(1), (0, 1))
            there = (self.sample >= 0) & (self.sample < nodes.batch_size)
            limit = count[self.sample.masked_fill(~there, -1)]
            unknown = (slot < 0) | (slot >= limit)
            if unknown.any():
                edge = int(unknown.nonzero()[0])
                raise ValueError(
                    f"edge {edge}: expected a {end} node of the batch, got node "
                    f"{int(slot[edge])} of sample {int(self.sample[edge])}, which has "
                    f"{int(limit[edge])}; count samples and nodes from 0"
                )
