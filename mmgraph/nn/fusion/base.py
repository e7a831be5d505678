"""What a fusion is: from the nodes of all modalities to one vector a sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.choice import FusionChoice
from mmgraph.nn.readout import check_readout

#: The lowest value of an option, and what it must stay below.
_RANGES = {"dropout": (0, 1), "num_layers": (0, inf)}


class Fusion(nn.Module, ABC):
    """Joins what the encoders of several modalities made; missing modalities are zero nodes.

    Subclasses set `out_channels`, the size of the vector. Those of mmgraph are all made by
    `(modalities, channels, *, readout="attention", dropout=0.2, ...)`, so that the class itself
    can be given to an estimator, as it is or with options of its own:
    `fusion=ConcatFusion.options(readout="mean")`.
    """

    out_channels: int

    @classmethod
    def options(cls, **options: Any) -> FusionChoice:
        """Return this fusion with some of its arguments chosen, for `fusion=` of an estimator.

        Args:
            options: Arguments behind `channels`, by name; the others keep their defaults.

        Raises:
            ValueError: The fusion does not take one of them, or a name is unknown.

        Example:
            >>> from mmgraph.nn import LateFusion
            >>> LateFusion.options(weighting="learned", dropout=0.5)
            LateFusion.options(weighting='learned', dropout=0.5)
        """
        return FusionChoice(cls, options)

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> None:
        """Refuse what can be told to be wrong before any modality is known.

        Raises:
            ValueError: An option has a value that the fusion could make nothing of.
        """
        if "readout" in options:
            check_readout(options["readout"])
        for name, (lowest, below) in _RANGES.items():
            value = options.get(name, lowest)
            if not lowest <= value < below:
                limit = f"from {lowest} to below {below}" if below < inf else f"from {lowest} on"
                raise ValueError(f"{name}: expected a number {limit}, got {value!r}")

    @classmethod
    def check_made(cls, options: Mapping[str, Any], channels: int) -> None:
        """Refuse what shows only when parts of the fusion are made; nothing by default.

        Raises:
            ValueError: An option makes what the fusion cannot use.
        """
        return

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


def read_each(
    readouts: nn.ModuleDict, nodes: Mapping[str, Nodes]
) -> Float[Tensor, "batch modalities channels"]:
    """Return one vector a modality, in the order of `readouts`; zeros where it is missing.

    Raises:
        ValueError: A modality is lacking or unknown.
    """
    check_modalities(readouts, nodes)
    return torch.stack([readout(nodes[name]) for name, readout in readouts.items()], dim=1)


def find_present(
    names: Iterable[str], nodes: Mapping[str, Nodes]
) -> Bool[Tensor, "batch modalities"]:
    """Say which modalities each sample has, in the order of `names`.

    Example:
        >>> here = Nodes.from_flat(torch.ones(1, 8), sample=torch.tensor([1]), batch_size=2)
        >>> find_present(["text"], {"text": here}).tolist()
        [[False], [True]]
    """
    return torch.stack([nodes[name].mask.any(1) for name in names], dim=1)


def share_present(
    logits: Float[Tensor, "modalities"], present: Bool[Tensor, "batch modalities"]
) -> Float[Tensor, "batch modalities"]:
    """Return the softmax over the modalities that each sample has; zeros where it has none.

    Example:
        >>> share_present(torch.zeros(2), torch.tensor([[True, True], [False, True]])).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    # A row without any would be NaN, so its shares are even until they are cleared.
    lowest = torch.finfo(logits.dtype).min
    return logits.expand(present.shape).masked_fill(~present, lowest).softmax(1) * present
