"""Fusion methods: one interface, one short file a method."""

from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.fusion.weighted_sum import WeightedSumFusion

__all__ = ["ConcatFusion", "Fusion", "GraphFusion", "WeightedSumFusion"]
