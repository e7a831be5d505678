"""The fusions by name."""

from __future__ import annotations

from typing import Literal

from torch import nn

from mmgraph.errors import unknown_name
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.bilinear import BilinearFusion
from mmgraph.nn.fusion.bottleneck import BottleneckFusion
from mmgraph.nn.fusion.choice import FusionChoice, FusionFactory
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.fusion.cross_attention import CrossAttentionFusion
from mmgraph.nn.fusion.film import FiLMFusion
from mmgraph.nn.fusion.gmu import GatedFusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.fusion.late import LateFusion
from mmgraph.nn.fusion.low_rank import LowRankFusion
from mmgraph.nn.fusion.tensor import TensorFusion
from mmgraph.nn.fusion.weighted_sum import WeightedSumFusion
from mmgraph.system.plugins import find_plugins

FusionName = Literal[
    "graph",
    "concat",
    "weighted-sum",
    "late",
    "gated",
    "tensor",
    "low-rank",
    "bilinear",
    "film",
    "cross-attention",
    "bottleneck",
]
#: A name of `FUSIONS`, a class with or without options, or a function that makes a fusion.
FusionLike = FusionName | FusionChoice | FusionFactory

#: The fusions by name.
FUSIONS: dict[str, type[Fusion]] = {
    "graph": GraphFusion,
    "concat": ConcatFusion,
    "weighted-sum": WeightedSumFusion,
    "late": LateFusion,
    "gated": GatedFusion,
    "tensor": TensorFusion,
    "low-rank": LowRankFusion,
    "bilinear": BilinearFusion,
    "film": FiLMFusion,
    "cross-attention": CrossAttentionFusion,
    "bottleneck": BottleneckFusion,
}


def fusions() -> dict[str, type[Fusion]]:
    """Return mmgraph's fusions by name, and those of plug-ins by the names of their classes."""
    return {**FUSIONS, **find_plugins(Fusion)}


def find_fusion(fusion: FusionLike | object) -> FusionChoice:
    """Return the choice of a fusion, given its name, its class, a function, or the choice.

    Raises:
        ValueError: There is no such fusion.

    Example:
        >>> find_fusion("late")
        LateFusion.options()
        >>> find_fusion("latte")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: fusion: there is no fusion 'latte'; did you mean 'late'? There are: graph, ...
    """
    if isinstance(fusion, FusionChoice):
        return fusion
    if isinstance(fusion, str):
        known = fusions()
        if fusion not in known:
            raise ValueError(f"fusion: {unknown_name('fusion', fusion, known)}")
        return FusionChoice(known[fusion])
    if not callable(fusion) or isinstance(fusion, nn.Module):
        raise ValueError(
            f"fusion: expected one of {', '.join(FUSIONS)}, a class of mmgraph.nn, or a "
            f"function of (modalities, channels) that makes one, got {fusion!r}"
        )
    return FusionChoice(fusion)
