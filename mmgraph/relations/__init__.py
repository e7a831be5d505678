"""Relations: which nodes are joined by edges, described without listing the edges.

Every relation gives the same edges in two forms: `adjacency`, a mask over padded nodes for dense
execution, and `edge_index`, a list of node pairs for PyG's sparse operators.
"""

from mmgraph.relations.base import Relation, Stencil, same_item
from mmgraph.relations.chain import Chain
from mmgraph.relations.complete import Complete
from mmgraph.relations.custom import Custom
from mmgraph.relations.edge_list import EdgeList
from mmgraph.relations.grid import Grid
from mmgraph.relations.items import OtherItems, SameItem
from mmgraph.relations.nearest import Nearest
from mmgraph.relations.position import WithPosition

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
