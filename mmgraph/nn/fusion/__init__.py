"""Fusion methods: one interface, one short file a method."""

from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.bilinear import BilinearFusion
from mmgraph.nn.fusion.bottleneck import BottleneckFusion
from mmgraph.nn.fusion.choice import FusionChoice
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.fusion.cross_attention import CrossAttentionFusion
from mmgraph.nn.fusion.film import FiLMFusion
from mmgraph.nn.fusion.gmu import GatedFusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.fusion.late import LateFusion
from mmgraph.nn.fusion.low_rank import LowRankFusion
from mmgraph.nn.fusion.names import FUSIONS, FusionLike, find_fusion
from mmgraph.nn.fusion.tensor import TensorFusion
from mmgraph.nn.fusion.weighted_sum import WeightedSumFusion

__all__ = [
    "FUSIONS",
    "BilinearFusion",
    "BottleneckFusion",
    "ConcatFusion",
    "CrossAttentionFusion",
    "FiLMFusion",
    "Fusion",
    "FusionChoice",
    "FusionLike",
    "GatedFusion",
    "GraphFusion",
    "LateFusion",
    "LowRankFusion",
    "TensorFusion",
    "WeightedSumFusion",
    "find_fusion",
]
