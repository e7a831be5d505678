"""Relations: which nodes are joined by edges, described without listing the edges.

Every relation gives the same edges in two forms: `adjacency`, a mask over padded nodes for dense
execution, and `edge_index`, a list of node pairs for PyG's sparse operators.
"""

from mmgraph.graph.relations.base import Relation, Stencil, same_item
from mmgraph.graph.relations.chain import Chain
from mmgraph.graph.relations.complete import Complete
from mmgraph.graph.relations.custom import Custom
from mmgraph.graph.relations.edge_list import EdgeList
from mmgraph.graph.relations.grid import Grid
from mmgraph.graph.relations.items import OtherItems, SameItem
from mmgraph.graph.relations.nearest import Nearest
from mmgraph.graph.relations.position import WithPosition

__all__ = [
    "Chain",
    "Complete",
    "Custom",
    "EdgeList",
    "Grid",
    "Nearest",
    "OtherItems",
    "Relation",
    "SameItem",
    "Stencil",
    "WithPosition",
    "same_item",
]
