"""Relations: which nodes of a graph are joined by edges, within an item and across them."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.graph.relations.base import Relation as Relation
    from mmgraph.graph.relations.base import Stencil as Stencil
    from mmgraph.graph.relations.base import not_itself as not_itself
    from mmgraph.graph.relations.base import same_item as same_item
    from mmgraph.graph.relations.chain import Chain as Chain
    from mmgraph.graph.relations.complete import Complete as Complete
    from mmgraph.graph.relations.custom import Custom as Custom
    from mmgraph.graph.relations.edge_list import EdgeList as EdgeList
    from mmgraph.graph.relations.grid import Grid as Grid
    from mmgraph.graph.relations.items import OtherItems as OtherItems
    from mmgraph.graph.relations.items import SameItem as SameItem
    from mmgraph.graph.relations.nearest import Nearest as Nearest
    from mmgraph.graph.relations.position import WithPosition as WithPosition
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Chain": "mmgraph.graph.relations.chain",
            "Complete": "mmgraph.graph.relations.complete",
            "Custom": "mmgraph.graph.relations.custom",
            "EdgeList": "mmgraph.graph.relations.edge_list",
            "Grid": "mmgraph.graph.relations.grid",
            "Nearest": "mmgraph.graph.relations.nearest",
            "OtherItems": "mmgraph.graph.relations.items",
            "Relation": "mmgraph.graph.relations.base",
            "SameItem": "mmgraph.graph.relations.items",
            "Stencil": "mmgraph.graph.relations.base",
            "WithPosition": "mmgraph.graph.relations.position",
            "not_itself": "mmgraph.graph.relations.base",
            "same_item": "mmgraph.graph.relations.base",
        },
    )
