"""Short vectors of unit length by which rows are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.nn.linear.scaling import usable_deviation

#: More principal components than asked for while they are looked for, and how often: with
#: fewer, what is found depends on where the search begins, and so do votes.
_MARGIN, _ROUNDS = 32, 8


class UnitVectors(nn.Module):
    """Principal components of a modality's features, as vectors of length 1.

    Features are standardised first; sparse ones only need to be. What stands behind the first few
    dozen components is mostly noise to a comparison, and the index stays small without it.

    Args:
        components: Most components.

    Shapes:
        features of each kind [batch, _], dense or sparse -> [batch, components]
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, components: int = 64) -> None:
        super().__init__()
        self.components = components
        self.register_buffer("mean", torch.zeros(0))
        self.register_buffer("basis", torch.zeros(0, 0))

    def fit(self, xs: Sequence[Float[Tensor, "rows _"]], present: Bool[Tensor, "rows"]) -> None:
        """Find the components of the rows that have the modality."""
        x = _beside(xs)
        rows = present.nonzero()[:, 0]
        real = x.index_select(0, rows)
        width = x.shape[1]
        deviation = torch.ones(width)
        self.mean = torch.zeros(width)
        if not x.is_sparse and len(real):
            self.mean = real.mean(0)
            deviation = usable_deviation(real.std(0, correction=0), 0.01)
            real = (real - self.mean) / deviation
        rank = min(self.components, *real.shape)
        if not rank:
            self.basis = torch.zeros(width, 0)
            return
        looked_for = min(rank + _MARGIN, *real.shape)
        found = torch.svd_lowrank(real, looked_for, niter=_ROUNDS)[2][:, :rank]
        self.basis = found / deviation.unsqueeze(1)

    def forward(self, xs: Sequence[Float[Tensor, "batch _"]]) -> Float[Tensor, "batch components"]:
        """Return the vectors."""
        return F.normalize(self.components_of(xs), dim=1)

    def components_of(
        self, xs: Sequence[Float[Tensor, "batch _"]]
    ) -> Float[Tensor, "batch components"]:
        """Return the principal components, before they are brought to length 1."""
        return self.project(xs) - self.mean @ self.basis

    def project(self, xs: Sequence[Float[Tensor, "batch _"]]) -> Float[Tensor, "batch components"]:
        """Return what features add to the components; those of all nodes sum to a sample's."""
        bases = self.basis.split([x.shape[1] for x in xs])
        return torch.stack([x @ basis for x, basis in zip(xs, bases, strict=True)]).sum(0)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The number of features is only known from what was saved.
        for name in ("mean", "basis"):
            setattr(self, name, torch.zeros_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *args)


def _beside(xs: Sequence[Tensor]) -> Tensor:
    """Put features side by side; sparse ones stay so where all are."""
    if len(xs) == 1 or all(x.is_sparse for x in xs):
        return torch.cat(list(xs), 1)
    return torch.cat([x.to_dense() if x.is_sparse else x for x in xs], 1)
