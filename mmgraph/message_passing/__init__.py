"""Message passing with PyG's convolutions, by their dense forms or by PyG's own code.

A dense form computes the same function with the same weights, without a list of edges.
"""

from mmgraph.message_passing.choice import Execution, dense_form, why_not_dense
from mmgraph.message_passing.edges.graph_edges import GraphEdges
from mmgraph.message_passing.messages import (
    hetero_attention,
    hetero_messages,
    relation_attention,
    relation_messages,
)
from mmgraph.message_passing.packing import PackedNodes
from mmgraph.message_passing.sparse import Weighted

__all__ = [
    "Execution",
    "GraphEdges",
    "PackedNodes",
    "Weighted",
    "dense_form",
    "hetero_attention",
    "hetero_messages",
    "relation_attention",
    "relation_messages",
    "why_not_dense",
]
