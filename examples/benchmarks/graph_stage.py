"""Compare one graph layer, forward and backward, by PyG and by mmgraph's dense execution.

Regions of an image in a grid, tokens of a text in a chain, and all pairs across, both ways. PyG's
convolutions own the weights; the dense arm reads the same. Arms take turns in one process for each
allocator, and ratios are medians of the rounds' own. "tuned" tells glibc to keep freed memory:
otherwise most of PyG's time on large edge tensors is the kernel zeroing pages.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch_geometric
from torch import Tensor, nn
from torch_geometric.data import Batch, HeteroData
from torch_geometric.nn import GATConv, GATv2Conv, HGTConv, SAGEConv, TransformerConv

from mmgraph.execution import GraphEdges, hetero_messages, relation_messages
from mmgraph.graph import MultimodalGraph
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, Grid

ALLOCATORS = {
    "default": {},
    "tuned": {
        "MALLOC_MMAP_THRESHOLD_": "8000000000",
        "MALLOC_TRIM_THRESHOLD_": "16000000000",
        "MALLOC_TOP_PAD_": "268435456",
    },
}
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
SIZES = [(49, 32, 64), (49, 32, 128), (49, 128, 128), (196, 128, 128)]

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


def check(case: Case, arms: dict[str, Messages]) -> float:
    """Return the largest difference between an arm and PyG, as a share of the largest entry."""
    wanted = case.step(arms["eager"])
    worst = 0.0
    for name, arm in arms.items():
        for key, x in case.step(arm).items() if name != "eager" else ():
            if x is not None:
                scale = wanted[key].abs().max().clamp(min=1)
                worst = max(worst, float((x - wanted[key]).abs().max() / scale))
    return worst


def measure(case: Case, compiled: bool, rounds: int) -> dict:
    """Time the arms in turns; return milliseconds, ratios to dense and the largest difference."""
    arms = case.arms(compiled)
    start = time.perf_counter()
    difference = check(case, arms)
    compile_seconds = time.perf_counter() - start
    times: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds + 1):
        for name, arm in arms.items():
            begin = time.thread_time()
            case.step(arm)
            if number:
                times[name].append(1000 * (time.thread_time() - begin))
    ratios = {
        name: statistics.median(
            other / own
            for other, own in zip(
                each, times["dense + build" if "build" in name else "dense"], strict=True
            )
        )
        for name, each in times.items()
        if "dense" not in name
    }
    return {
        "ms": {name: statistics.median(each) for name, each in times.items()},
        "ratio": ratios,
        "difference": difference,
        "first_step_s": compile_seconds,
    }
