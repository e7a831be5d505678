"""Message passing with PyG's convolutions, by their dense forms or by PyG's own code.

A dense form computes the same function with the same weights, without a list of edges.
"""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.message_passing.base import DenseForm as DenseForm
    from mmgraph.message_passing.base import Ends as Ends
    from mmgraph.message_passing.base import LinearMap as LinearMap
    from mmgraph.message_passing.choice import Execution as Execution
    from mmgraph.message_passing.choice import dense_form as dense_form
    from mmgraph.message_passing.choice import why_not_dense as why_not_dense
    from mmgraph.message_passing.convs.names import CONVS as CONVS
    from mmgraph.message_passing.convs.names import ConvFactory as ConvFactory
    from mmgraph.message_passing.convs.names import ConvLike as ConvLike
    from mmgraph.message_passing.convs.names import find_conv as find_conv
    from mmgraph.message_passing.convs.names import transformer_conv as transformer_conv
    from mmgraph.message_passing.edges.edges import DenseEdges as DenseEdges
    from mmgraph.message_passing.edges.graph_edges import GraphEdges as GraphEdges
    from mmgraph.message_passing.gnn import AttentionWeights as AttentionWeights
    from mmgraph.message_passing.gnn import HeteroGNN as HeteroGNN
    from mmgraph.message_passing.messages import hetero_attention as hetero_attention
    from mmgraph.message_passing.messages import hetero_messages as hetero_messages
    from mmgraph.message_passing.messages import relation_attention as relation_attention
    from mmgraph.message_passing.messages import relation_messages as relation_messages
    from mmgraph.message_passing.packing import PackedNodes as PackedNodes
    from mmgraph.message_passing.sparse import Weighted as Weighted
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "AttentionWeights": "mmgraph.message_passing.gnn",
            "CONVS": "mmgraph.message_passing.convs.names",
            "ConvFactory": "mmgraph.message_passing.convs.names",
            "ConvLike": "mmgraph.message_passing.convs.names",
            "DenseEdges": "mmgraph.message_passing.edges.edges",
            "DenseForm": "mmgraph.message_passing.base",
            "Ends": "mmgraph.message_passing.base",
            "Execution": "mmgraph.message_passing.choice",
            "GraphEdges": "mmgraph.message_passing.edges.graph_edges",
            "HeteroGNN": "mmgraph.message_passing.gnn",
            "LinearMap": "mmgraph.message_passing.base",
            "PackedNodes": "mmgraph.message_passing.packing",
            "Weighted": "mmgraph.message_passing.sparse",
            "dense_form": "mmgraph.message_passing.choice",
            "find_conv": "mmgraph.message_passing.convs.names",
            "hetero_attention": "mmgraph.message_passing.messages",
            "hetero_messages": "mmgraph.message_passing.messages",
            "relation_attention": "mmgraph.message_passing.messages",
            "relation_messages": "mmgraph.message_passing.messages",
            "transformer_conv": "mmgraph.message_passing.convs.names",
            "why_not_dense": "mmgraph.message_passing.choice",
        },
    )
