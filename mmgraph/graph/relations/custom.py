"""Edges from a function of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations.base import Relation


@dataclass(frozen=True)
class Custom(Relation):
    """Edges from a function of the nodes, for every batch anew.

    The function sees `x`, `item` and `index` of source and target. It must decide each sample
    by itself, and need not mind padding. Edges that each row brings along, such as the bonds of a
    molecule, are no function of these, and an estimator cannot use them. In a network of your own,
    list those of a batch in an `EdgeList` and pass the graph to `HeteroGNN`; for an estimator,
    the modality's encoder can pass messages along them, since it sees the items.

    Args:
        function: Maps (source, target) to True where an edge runs:
            [batch, target, source], axes of size 1 broadcast.
        features: Maps (source, target) to features of the edges:
            [batch, target, source, edge_dim], axes of size 1 broadcast. Default: None.
        edge_dim: Number of features of an edge. Default: 0.
        depends_on_x: The function looks at features, so every layer calls it again. Default: False.

    Raises:
        ValueError: There are features without `edge_dim`, or `edge_dim` without features.

    Example:
        The same bones join the joints of every skeleton; a joint's `index` is its number.

        >>> bones = torch.zeros(3, 3, dtype=torch.bool)
        >>> bones[[0, 1], [1, 2]] = True  # joint 1 sends messages to joint 0, joint 2 to joint 1
        >>> skeleton = Custom(
        ...     lambda source, target: bones[target.index.unsqueeze(2), source.index.unsqueeze(1)]
        ... )
        >>> joints = Nodes.from_flat(
        ...     torch.ones(5, 8), sample=torch.tensor([0, 0, 0, 1, 1]), batch_size=2
        ... )
        >>> skeleton.edge_index(joints, joints).tolist()
        [[1, 2, 4], [0, 1, 3]]
    """

    function: Callable[[Nodes, Nodes], Bool[Tensor, "..."]]
    features: Callable[[Nodes, Nodes], Float[Tensor, "..."]] | None = None
    edge_dim: int = 0
    depends_on_x: bool = False

    def __post_init__(self) -> None:
        if (self.features is None) != (self.edge_dim == 0):
            raise ValueError(
                "features and edge_dim belong together, got "
                f"features={self.features} and edge_dim={self.edge_dim}"
            )

    def joins(self, source: Nodes, target: Nodes) -> Bool[Tensor, "#batch #target #source"]:
        """Call the function.

        Raises:
            ValueError: It returns something else than a mask of the right shape.
        """
        mask = self.function(source, target)
        _check("function", mask, _shape(source, target))
        if mask.dtype != torch.bool:
            raise ValueError(
                f"expected the relation's function to return a mask of torch.bool, got {mask.dtype}"
                "; EdgeList(sample, source, target).joins(...) makes one from a list of edges"
            )
        return mask

    def edge_features(
        self, source: Nodes, target: Nodes
    ) -> Float[Tensor, "#batch #target #source features"] | None:
        """Call the function of features, where there is one.

        Raises:
            ValueError: It returns a tensor of a wrong shape.
        """
        if self.features is None:
            return None
        result = self.features(source, target)
        _check("features", result, (*_shape(source, target), self.edge_dim))
        return result


def _shape(source: Nodes, target: Nodes) -> tuple[int, ...]:
    return source.batch_size, target.mask.shape[1], source.mask.shape[1]


def _check(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse what does not broadcast to the shape; the features' own axis must be whole."""
    fits = len(value.shape) == len(shape) and value.shape[3:] == shape[3:]
    if not fits or any(size not in (1, n) for size, n in zip(value.shape, shape[:3], strict=False)):
        axes = ["batch", "target", "source", "edge_dim"][: len(shape)]
        raise ValueError(
            f"expected the relation's {name} to return [{', '.join(axes)}] = {list(shape)}, got "
            f"{list(value.shape)}; only batch, target and source may be 1 instead"
        )
