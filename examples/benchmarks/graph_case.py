"""One graph layer on random regions and tokens, for PyG and for mmgraph: the same weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._dynamo import config as dynamo
from torch_geometric.data import Batch, HeteroData
from torch_geometric.nn import GATConv, GATv2Conv, HGTConv, SAGEConv, TransformerConv

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Chain, Complete, Grid
from mmgraph.message_passing import GraphEdges, hetero_messages, relation_messages

BESIDE, NEXT = ("image", "beside", "image"), ("text", "next", "text")
THERE, BACK = ("image", "to", "text"), ("text", "to", "image")
EDGE_TYPES = [BESIDE, NEXT, THERE, BACK]
METADATA = (["image", "text"], EDGE_TYPES)
CONVS: dict[str, Callable[[int], nn.Module]] = {
    "SAGE": lambda d: SAGEConv(d, d),
    "Transformer": lambda d: TransformerConv(d, d // 4, heads=4),
    "GAT": lambda d: GATConv(d, d // 4, heads=4, add_self_loops=False),
    "GATv2": lambda d: GATv2Conv(d, d // 4, heads=4, add_self_loops=False),
    "HGT": lambda d: HGTConv(d, d, METADATA, heads=4),
}

XDict = dict[str, Tensor]
Messages = Callable[[XDict], XDict]


class Case:
    """One batch and one layer.

    Args:
        name: Name of the convolution.
        regions: Regions of each image; a square number.
        tokens: Most tokens of a text; the fewest are a quarter.
        channels: Features of each node.
        batch_size: Samples of the batch.
    """

    def __init__(
        self, name: str, regions: int, tokens: int, channels: int, batch_size: int = 64
    ) -> None:
        torch.manual_seed(0)
        self.side, self.hetero = int(regions**0.5), name == "HGT"
        lengths = torch.randint(tokens // 4, tokens + 1, (batch_size,)).tolist()
        lengths[0] = tokens
        self.samples = {
            "image": [torch.randn(regions, channels) for _ in lengths],
            "text": [torch.randn(length, channels) for length in lengths],
        }
        self.graph = self.build_graph()
        self.edges = GraphEdges(self.graph)
        self.edge_index_dict = self.graph.edge_index_dict()
        self.x_dict = {name: torch.cat(x).requires_grad_() for name, x in self.samples.items()}
        self.weight = {name: torch.randn(x.shape) for name, x in self.x_dict.items()}
        make = CONVS[name]
        self.convs = nn.ModuleList(make(channels) for _ in ([0] if self.hetero else EDGE_TYPES))

    def build_graph(self) -> MultimodalGraph:
        """Collate the samples as mmgraph does."""
        nodes = {}
        for name, samples in self.samples.items():
            length = torch.tensor([len(x) for x in samples])
            nodes[name] = Nodes.from_flat(
                torch.cat(samples),
                sample=torch.repeat_interleave(length),
                batch_size=len(samples),
            )
        grid = Grid(self.side, self.side)
        relations = {BESIDE: grid, NEXT: Chain(), THERE: Complete(), BACK: Complete()}
        return MultimodalGraph(nodes, relations)

    def build_batch(self) -> HeteroData:
        """Collate the samples as PyG does: a graph each, then one for all."""
        region = torch.arange(self.side**2).view(self.side, self.side)
        beside = _both_ways(
            torch.cat([region[:, :-1].flatten(), region[:-1].flatten()]),
            torch.cat([region[:, 1:].flatten(), region[1:].flatten()]),
        )
        graphs = []
        for image, text in zip(*self.samples.values(), strict=True):
            graph, token = HeteroData(), torch.arange(len(text))
            graph["image"].x, graph["text"].x = image, text
            across = torch.cartesian_prod(region.flatten(), token).T
            graph[BESIDE].edge_index = beside
            graph[NEXT].edge_index = _both_ways(token[:-1], token[1:])
            graph[THERE].edge_index, graph[BACK].edge_index = across, across.flip(0)
            graphs.append(graph)
        return Batch.from_data_list(graphs)

    def sparse(self, x_dict: XDict, edge_index_dict: dict) -> XDict:
        """Run the layer by PyG."""
        if self.hetero:
            return self.convs[0](x_dict, edge_index_dict)
        total: XDict = {}
        for (start, relation, to), conv in zip(EDGE_TYPES, self.convs, strict=True):
            message = conv((x_dict[start], x_dict[to]), edge_index_dict[start, relation, to])
            total[to] = total[to] + message if to in total else message
        return total

    def dense(self, x_dict: XDict, edges: GraphEdges) -> XDict:
        """Run the layer by mmgraph."""
        if self.hetero:
            return hetero_messages(self.convs[0], x_dict, edges, EDGE_TYPES, execution="dense")
        convs = dict(zip(EDGE_TYPES, self.convs, strict=True))
        return relation_messages(convs, x_dict, edges, execution="dense")

    def sparse_with_build(self, x_dict: XDict) -> XDict:
        """Build the batch and run the layer by PyG."""
        return self.sparse(x_dict, self.build_batch().edge_index_dict)

    def dense_with_build(self, x_dict: XDict) -> XDict:
        """Build the batch and run the layer by mmgraph."""
        return self.dense(x_dict, GraphEdges(self.build_graph()))

    def arms(self, compiled: bool) -> dict[str, Messages]:
        """Return what takes turns."""
        arms: dict[str, Messages] = {
            "eager": lambda x: self.sparse(x, self.edge_index_dict),
            "dense": lambda x: self.dense(x, self.edges),
            "eager + build": self.sparse_with_build,
            "dense + build": self.dense_with_build,
        }
        if compiled:
            # Else cases count together as compilations of one function, and from the ninth on it
            # would run eagerly.
            torch.compiler.reset()
            dynamo.fail_on_recompile_limit_hit = True
            function = torch.compile(self.sparse, dynamic=False)
            arms["compiled"] = lambda x: function(x, self.edge_index_dict)
        return arms

    def step(self, messages: Messages) -> dict[str, Tensor]:
        """Run forward and backward; return outputs and gradients."""
        out = messages(self.x_dict)
        loss = sum((out[name] * self.weight[name]).sum() for name in out)
        leaves = {**self.x_dict, **dict(self.convs.named_parameters())}
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        return {**{f"new {k}": x for k, x in out.items()}, **dict(zip(leaves, grads, strict=True))}


def _both_ways(start: Tensor, to: Tensor) -> Tensor:
    return torch.stack([torch.cat([start, to]), torch.cat([to, start])])
