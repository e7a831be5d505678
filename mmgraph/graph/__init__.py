"""A sample as a graph: its items, its nodes, and the relations that join them."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.graph.graph import MultimodalGraph as MultimodalGraph
    from mmgraph.graph.items import Items as Items
    from mmgraph.graph.items import before_end as before_end
    from mmgraph.graph.items import sample_of_items as sample_of_items
    from mmgraph.graph.items import sum_at as sum_at
    from mmgraph.graph.nodes import Nodes as Nodes
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Items": "mmgraph.graph.items",
            "MultimodalGraph": "mmgraph.graph.graph",
            "Nodes": "mmgraph.graph.nodes",
            "before_end": "mmgraph.graph.items",
            "sample_of_items": "mmgraph.graph.items",
            "sum_at": "mmgraph.graph.items",
        },
    )
