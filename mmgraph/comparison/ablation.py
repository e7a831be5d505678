"""The graph without one of its parts, as fusions to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmgraph.comparison.methods import MethodLike
from mmgraph.estimator import MultimodalEstimator
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Custom, Relation
from mmgraph.nn.fusion import GraphFusion
from mmgraph.nn.fusion.graph import default_relations

Modalities = Mapping[str, Mapping[str, Relation]]


def without_across(modalities: Modalities, channels: int, **options: Any) -> GraphFusion:
    """Make the graph without edges between modalities."""
    relations = default_relations(modalities)
    within = {kind: each for kind, each in relations.items() if kind[0] == kind[2]}
    return GraphFusion(modalities, channels, relations=within, **options)


def without_within(modalities: Modalities, channels: int, **options: Any) -> GraphFusion:
    """Make the graph without edges within a modality."""
    relations = default_relations(modalities)
    across = {kind: each for kind, each in relations.items() if kind[0] != kind[2]}
    return GraphFusion(modalities, channels, relations=across, **options)


def with_shuffled(modalities: Modalities, channels: int, **options: Any) -> GraphFusion:
    """Make the graph with as many edges within each modality, between the wrong nodes."""
    relations = {
        kind: each if kind[0] != kind[2] else shuffled(each)
        for kind, each in default_relations(modalities).items()
    }
    return GraphFusion(modalities, channels, relations=relations, **options)


def shuffled(relation: Relation) -> Relation:
    """Return a relation among the nodes of an item as if they stood in another order.

    The order is always the same for items of the same size, so that a network could learn it.

    Example:
        >>> from mmgraph.relations import Chain
        >>> words = Nodes.from_flat(torch.ones(5, 8), sample=torch.zeros(5).long(), batch_size=1)
        >>> shuffled(Chain()).edge_index(words, words).shape
        torch.Size([2, 8])
    """

    def joins(source: Nodes, target: Nodes) -> Tensor:
        moved = _reorder(source)
        # Relations know a node's edge to itself by source and target being one object.
        return relation.joins(moved, moved if source is target else _reorder(target))

    return Custom(joins)


def _reorder(nodes: Nodes) -> Nodes:
    """Give the nodes of each item the positions 0, 1, ... in a fixed pseudo-random order."""
    count = int(nodes.index.max()) + 1 if nodes.index.numel() else 0
    random = torch.from_numpy(np.random.default_rng(0).random(count)).to(nodes.x.device)
    key = random[nodes.index]  # [batch, nodes]
    same = (nodes.item.unsqueeze(2) == nodes.item.unsqueeze(1)) & nodes.mask.unsqueeze(1)
    before = key.unsqueeze(1) < key.unsqueeze(2)
    return replace(nodes, index=(same & before).sum(2))


def make_ablations(template: MultimodalEstimator) -> dict[str, MethodLike]:
    """Return methods for `compare`: the graph with one part removed or exchanged in each.

    Args:
        template: Estimator whose settings all share.
    """
    from sklearn.base import clone

    changed: dict[str, dict[str, Any]] = {
        "graph, nothing across": {"fusion": without_across},
        "graph, nothing within": {"fusion": without_within},
        "graph, shuffled within": {"fusion": with_shuffled},
        "graph, one layer": {"num_layers": 1},
        "graph, global node": {"fusion": GraphFusion.options(global_node=True)},
        "graph, SAGE": {"conv": "sage"},
        "graph, GAT": {"conv": "gat"},
        "graph, GATv2": {"conv": "gatv2"},
        "graph, GraphConv": {"conv": "graph"},
        "graph, GIN": {"conv": "gin"},
    }
    return {name: clone(template).set_params(**each) for name, each in changed.items()}
