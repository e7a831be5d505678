"""What a fusion is: from the nodes of all modalities to one vector a sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.nodes import Nodes


class Fusion(nn.Module, ABC):
    """Joins what the encoders of several modalities made; missing modalities are zero nodes.

    Subclasses set `out_channels`, the size of the vector.
    """

    out_channels: int

    @abstractmethod
    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample.

        Args:
            nodes: The nodes of each modality, all of the same batch.
        """


def check_modalities(expected: Mapping | nn.ModuleDict, nodes: Mapping[str, Nodes]) -> None:
    """Compare the modalities of a batch with those a fusion was made for.

    Raises:
        ValueError: A modality is lacking or unknown.
    """
    if set(expected) != set(nodes):
        raise ValueError(
            f"expected the modalities {sorted(expected)}, got {sorted(nodes)}; a modality that "
            "no sample has is Nodes without nodes, not a missing key"
        )
