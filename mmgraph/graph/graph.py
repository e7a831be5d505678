"""A batch of multimodal graphs: nodes of several types and the relations between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import EdgeList, Relation
from mmgraph.typing import EdgeType

if TYPE_CHECKING:
    import networkx as nx
    from torch_geometric.data import HeteroData


@dataclass(frozen=True, eq=False)
class MultimodalGraph:
    """One heterogeneous graph for each sample of a batch.

    A modality that a sample lacks is a row of its `Nodes` without real nodes; a modality that
    the whole batch lacks still has its place in `nodes`.

    Args:
        nodes: The nodes of each type.
        relations: The relation of each edge type (source type, name, target type).

    Raises:
        ValueError: There are no nodes, batch sizes differ, or a relation names a node type
            that is not in `nodes`.

    Example:
        >>> from mmgraph.relations import Chain
        >>> words = Nodes.from_flat(
        ...     torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2
        ... )
        >>> graph = MultimodalGraph({"text": words}, {("text", "next", "text"): Chain()})
        >>> graph.edge_index_dict()["text", "next", "text"].tolist()
        [[1, 0], [0, 1]]
    """

    nodes: Mapping[str, Nodes]
    relations: Mapping[EdgeType, Relation]

    def __post_init__(self) -> None:
        sizes = {name: nodes.batch_size for name, nodes in self.nodes.items()}
        if not sizes:
            raise ValueError("a graph needs at least one node type")
        if any(size != self.batch_size for size in sizes.values()):
            raise ValueError(f"all node types need the same batch size, got {sizes}")
        for edge_type in self.relations:
            unknown = {edge_type[0], edge_type[2]} - self.nodes.keys()
            if unknown:
                raise ValueError(
                    f"relation {edge_type} joins {sorted(unknown)}, but the node types are "
                    f"{sorted(self.nodes)}"
                )

    @property
    def batch_size(self) -> int:
        """Number of samples."""
        return next(iter(self.nodes.values())).batch_size

    @property
    def x_dict(self) -> dict[str, Float[Tensor, "batch _ _"]]:
        """Padded features of each node type."""
        return {name: nodes.x for name, nodes in self.nodes.items()}

    def with_x(self, x_dict: Mapping[str, Float[Tensor, "batch _ _"]]) -> MultimodalGraph:
        """Return the same graph with other features for some node types."""
        changed = {name: self.nodes[name].with_x(x) for name, x in x_dict.items()}
        return MultimodalGraph({**self.nodes, **changed}, self.relations)

    def ends(self, edge_type: EdgeType) -> tuple[Nodes, Nodes]:
        """Return the source and the target nodes of an edge type."""
        return self.nodes[edge_type[0]], self.nodes[edge_type[2]]

    def edge_index_dict(self) -> dict[EdgeType, Int[Tensor, "2 _"]]:
        """Edges of the whole batch, as rows of `Nodes.flat()` of both node types."""
        return {
            edge_type: relation.edge_index(*self.ends(edge_type))
            for edge_type, relation in self.relations.items()
        }

    def edge_attr_dict(self) -> dict[EdgeType, Float[Tensor, "_ _"]]:
        """Features of the edges in the order of `edge_index_dict`, where a relation has any."""
        attributes = {
            edge_type: relation.edge_attr(*self.ends(edge_type))
            for edge_type, relation in self.relations.items()
        }
        return {name: value for name, value in attributes.items() if value is not None}

    def sample(self, number: int) -> MultimodalGraph:
        """Return the graph of one sample, as a batch of one without padding.

        Raises:
            IndexError: There is no such sample.
        """
        if not 0 <= number < self.batch_size:
            raise IndexError(f"sample {number} of a batch of {self.batch_size}")
        return MultimodalGraph(
            {name: _row(nodes, number) for name, nodes in self.nodes.items()},
            {name: relation.of_sample(number) for name, relation in self.relations.items()},
        )

    def to_hetero_data(self, *, batch: bool = True) -> HeteroData:
        """Return the whole batch as one PyG `HeteroData`, laid out like a PyG `Batch`.

        Node stores hold `x`, `batch` (the sample of each node), `ptr`, `item` and `index`; the
        graph holds `num_graphs`. Modalities without any nodes stay, with zero nodes. Edge
        stores hold `edge_index`, and `edge_attr` where the relation has edge features.

        Args:
            batch: False leaves out `batch`, `ptr` and `num_graphs`, so that the graphs of
                single samples can go through PyG's own loaders.

        Raises:
            ValueError: They are to be left out, and there are several samples.
        """
        from torch_geometric.data import HeteroData

        if not batch and self.batch_size > 1:
            raise ValueError(f"batch=False needs a single sample, got {self.batch_size}")
        data = HeteroData()
        for name, nodes in self.nodes.items():
            store = data[name]
            store.x = nodes.flat()
            store.item, store.index = nodes.item[nodes.mask], nodes.index[nodes.mask]
            if batch:
                store.batch = nodes.mask.nonzero()[:, 0]
                store.ptr = torch.nn.functional.pad(nodes.mask.sum(1).cumsum(0), (1, 0))
        if batch:
            data.num_graphs = self.batch_size
        for edge_type, edge_index in self.edge_index_dict().items():
            data[edge_type].edge_index = edge_index
        for edge_type, edge_attr in self.edge_attr_dict().items():
            data[edge_type].edge_attr = edge_attr
        return data

    @classmethod
    def from_hetero_data(cls, data: HeteroData) -> MultimodalGraph:
        """Return the graph of a PyG `HeteroData`, a batch or a single graph.

        Stores without `batch` count as one sample, those without `item` or `index` as one
        item in order. The relations are explicit lists of edges; repeated edges count once.

        Raises:
            ValueError: An edge joins nodes of different samples, or an edge with features is
                repeated.
        """
        single = all("batch" not in data[name] for name in data.node_types)
        batch_size = 1 if single else int(data.num_graphs)
        nodes = {name: _from_store(data[name], batch_size) for name in data.node_types}
        relations: dict[EdgeType, Relation] = {
            edge_type: _edges_from_store(
                data[edge_type], nodes[edge_type[0]], nodes[edge_type[2]], edge_type
            )
            for edge_type in data.edge_types
        }
        return cls(nodes, relations)

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return all graphs of the batch as one networkx graph, to look at.

        Nodes are named (type, sample, position) and carry `type`, `item` and `index`; an
        edge's key is the name of its relation. Edges with features carry them as `edge_attr`.
        """
        import networkx as nx

        result = nx.MultiDiGraph()
        names = {kind: _name_nodes(kind, nodes, result) for kind, nodes in self.nodes.items()}
        attributes = self.edge_attr_dict()
        for (source, relation, target), edge_index in self.edge_index_dict().items():
            edge_attr = attributes.get((source, relation, target))
            for number, (start, to) in enumerate(edge_index.T.tolist()):
                carried = {} if edge_attr is None else {"edge_attr": edge_attr[number].tolist()}
                result.add_edge(names[source][start], names[target][to], key=relation, **carried)
        return result


def _row(nodes: Nodes, number: int) -> Nodes:
    width = int(nodes.mask[number].sum())
    own = (slice(number, number + 1), slice(width))
    return Nodes(nodes.x[own], nodes.mask[own], nodes.item[own], nodes.index[own])


def _from_store(store: Any, batch_size: int) -> Nodes:
    x = store.x
    zeros = torch.zeros(len(x), dtype=torch.long, device=x.device)
    sample = store.batch if "batch" in store else zeros
    item = store.item if "item" in store else None
    index = store.index if "index" in store else None
    return Nodes.from_flat(x, sample=sample, batch_size=batch_size, item=item, index=index)


def _edges_from_store(store: Any, source: Nodes, target: Nodes, edge_type: EdgeType) -> EdgeList:
    start, to = store.edge_index
    sample, start_slot = source.mask.nonzero()[start].unbind(1)
    to_sample, to_slot = target.mask.nonzero()[to].unbind(1)
    if not torch.equal(sample, to_sample):
        edge = int((sample != to_sample).nonzero()[0])
        raise ValueError(
            f"{edge_type}: expected edges within samples, but edge {edge} joins sample "
            f"{int(sample[edge])} to sample {int(to_sample[edge])}; remove it, or correct `batch`"
        )
    if "edge_attr" not in store:
        return EdgeList(sample, start_slot, to_slot)
    features = store.edge_attr.to(source.x.dtype)
    # PyG allows one number an edge without an axis of its own.
    features = features.unsqueeze(1) if features.ndim == 1 else features
    return EdgeList(sample, start_slot, to_slot, features)


def _name_nodes(kind: str, nodes: Nodes, graph: Any) -> list[tuple[str, int, int]]:
    """Add the nodes of one type to a networkx graph; return their names in flat order."""
    names = [(kind, sample, slot) for sample, slot in nodes.mask.nonzero().tolist()]
    items, positions = nodes.item[nodes.mask].tolist(), nodes.index[nodes.mask].tolist()
    for name, item, index in zip(names, items, positions, strict=True):
        graph.add_node(name, type=kind, item=item, index=index)
    return names
