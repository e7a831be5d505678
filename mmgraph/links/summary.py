"""What a row is to the rows that see it: one vector of its pooled features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.errors import DataError
from mmgraph.graph.items import Items
from mmgraph.modalities.base import Modality
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.neighbours.vectors import UnitVectors

#: Principal components that stand for sparse features, such as n-grams.
_COMPONENTS = 128
#: Standardised values are cut to this, so that 16 bits hold them.
_LIMIT = 10.0


class RowSummary(nn.Module):
    """Pooled features of all modalities side by side, those of n-grams as principal components.

    Nothing in it is trained by targets: a vector says what the row holds and never its target.

    Args:
        modalities: Fitted modalities.

    Raises:
        DataError: None of them has pooled features.
    """

    def __init__(self, modalities: Sequence[Modality]) -> None:
        super().__init__()
        pooled = {each.node_type: each.make_pooled_features() for each in modalities}
        pooled = {name: group for name, group in pooled.items() if group}
        if not pooled:
            raise DataError(
                "links: none of the modalities has pooled features, so that there is nothing to "
                "show of a row to those linked with it; add a modality such as Text or Tabular"
            )
        # Its weights stay empty: what is wanted of it is how it reads and scales features.
        self.reader = LinearModel(pooled, 1)
        self.sparse = nn.ModuleDict({name: UnitVectors(_COMPONENTS) for name in pooled})
        #: What brings each block to a root mean square of 1.
        self.register_buffer("factor", torch.zeros(0))

    factor: Tensor

    def fit(
        self, batches: Iterable[Mapping[str, Items]]
    ) -> tuple[Float[Tensor, "rows features"], list[int]]:
        """Learn scales and components of the training rows.

        Returns:
            The rows' vectors, and the width of each block: of each modality the dense features,
            and the components of the sparse ones.
        """
        features = self.reader.measure(batches)
        for number, (name, kinds) in enumerate(self._kinds()):
            sparse = [features.x[kind] for kind in kinds if features.x[kind].is_sparse]
            if sparse:
                cast(UnitVectors, self.sparse[name]).fit(sparse, features.has[:, number])
        blocks = self._blocks(features)
        self.factor = torch.stack(
            [x.square().mean().sqrt().clamp_min(1e-6).reciprocal() for x in blocks]
        )
        return self._joined(blocks), [x.shape[1] for x in blocks]

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch features"]:
        """Return the rows' vectors, in 16 bits."""
        return self._joined(self._blocks(self.reader.read(items)))

    def _joined(self, blocks: Sequence[Tensor]) -> Float[Tensor, "rows features"]:
        scaled = [x * factor for x, factor in zip(blocks, self.factor, strict=True)]
        return torch.cat(scaled, dim=1).clamp(-_LIMIT, _LIMIT).to(torch.float16)

    def _blocks(self, features: ScaledFeatures) -> list[Float[Tensor, "rows _"]]:
        blocks = []
        for number, (name, kinds) in enumerate(self._kinds()):
            has = features.has[:, [number]]
            xs = [features.x[kind] for kind in kinds]
            dense = [x for x in xs if not x.is_sparse and x.shape[1]]
            sparse = [x for x in xs if x.is_sparse]
            if dense:
                blocks.append(torch.cat(dense, dim=1) * has)
            if sparse:
                blocks.append(cast(UnitVectors, self.sparse[name]).components_of(sparse) * has)
        return blocks

    def _kinds(self) -> list[tuple[str, list[int]]]:
        return list(zip(self.reader.pooled, self.reader.kinds, strict=True))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The number of blocks is only known from what was saved.
        self.factor = torch.zeros_like(state_dict[prefix + "factor"])
        super()._load_from_state_dict(state_dict, prefix, *args)
