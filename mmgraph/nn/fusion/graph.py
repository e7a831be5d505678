"""Fusion by message passing on a multimodal graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from itertools import permutations
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.errors import quote, unknown_name
from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Complete, Relation
from mmgraph.message_passing.convs.names import ConvLike, find_conv
from mmgraph.message_passing.gnn import Execution, HeteroGNN
from mmgraph.nn.fusion.base import Fusion, check_modalities
from mmgraph.nn.readout import Readout, ReadoutLike, make_readout
from mmgraph.typing import EdgeType

#: Node type of the one node a sample that is joined to all others.
GLOBAL = "global"


class GraphFusion(Fusion):
    """Nodes of all modalities exchange messages, then each modality is read out.

    Args:
        modalities: The relations among the nodes of each modality, by name.
        channels: Features of every node and of the result.
        conv: A name of `CONVS`, a class of `torch_geometric.nn`, or a function of (in_channels,
            out_channels) that makes a convolution, see `HeteroGNN`. Default: "transformer".
        relations: All relations by edge type; None takes those of `modalities`, and joins all
            nodes of every two modalities both ways. Default: None.
        num_layers: Number of rounds of messages. Default: 2.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a channel to be dropped. Default: 0.2.
        global_node: Add one node a sample that starts from a learnt vector and exchanges
            messages with all others. Default: False.
        execution: "auto", "dense" or "sparse", see `HeteroGNN`. Default: "auto".

    Raises:
        ValueError: A relation names an unknown modality, or a modality is called "global".
    """

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> None:
        """Refuse names of readouts and convolutions that there are not, and what is no relation."""
        super().check_options(options)
        if "conv" in options:
            find_conv(options["conv"])
        if options.get("execution", "auto") not in get_args(Execution):
            raise ValueError(unknown_name("execution", options["execution"], get_args(Execution)))
        if options.get("relations") is not None:
            check_relations(options["relations"])

    @classmethod
    def check_made(cls, options: Mapping[str, Any], channels: int) -> None:
        """Refuse what makes no convolution."""
        if not {"conv", "execution"} & set(options):
            return
        relations = options.get("relations") or {("source", "to", "target"): Complete()}
        conv = options.get("conv", "transformer")
        needed = signature(find_conv(conv)).parameters.get("edge_dim")
        if "relations" not in options and needed is not None and needed.default is needed.empty:
            return  # the modalities' own relations may all have features
        with torch.random.fork_rng(devices=[]):
            HeteroGNN(
                channels,
                list(relations),
                conv=conv,
                edge_dims={kind: each.edge_dim for kind, each in relations.items()},
                num_layers=1,
                execution=options.get("execution", "auto"),
            )

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Relation]],
        channels: int,
        *,
        conv: ConvLike = "transformer",
        relations: Mapping[EdgeType, Relation] | None = None,
        num_layers: int = 2,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        global_node: bool = False,
        execution: Execution = "auto",
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.modalities = list(modalities)
        self.relations = dict(default_relations(modalities) if relations is None else relations)
        _check_names(self.modalities, self.relations)
        self.readouts = nn.ModuleDict(
            {name: make_readout(readout, channels) for name in modalities}
        )
        self.global_x = nn.Parameter(torch.randn(channels)) if global_node else None
        if global_node:
            self.relations |= _global_relations(self.modalities)
            # One node needs no choice between nodes.
            self.readouts[GLOBAL] = Readout("mean", channels)
        self.gnn = HeteroGNN(
            channels,
            list(self.relations),
            conv=conv,
            edge_dims={kind: each.edge_dim for kind, each in self.relations.items()},
            num_layers=num_layers,
            dropout=dropout,
            execution=execution,
        )
        self.mlp = nn.Sequential(
            nn.Linear(len(self.readouts) * channels, channels), nn.GELU(), nn.Dropout(dropout)
        )

    def graph(self, nodes: Mapping[str, Nodes]) -> MultimodalGraph:
        """Return the graph of a batch, before any message.

        Raises:
            ValueError: A modality is lacking or unknown, or batch sizes differ.
        """
        check_modalities(dict.fromkeys(self.modalities), nodes)
        nodes = dict(nodes)
        if self.global_x is not None:
            nodes[GLOBAL] = self._global_nodes(nodes[self.modalities[0]])
        return MultimodalGraph(nodes, self.relations)

    def read(self, graph: MultimodalGraph) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample from the graph after all messages."""
        vectors = [readout(graph.nodes[name]) for name, readout in self.readouts.items()]
        return self.mlp(torch.cat(vectors, dim=1))

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        return self.read(self.gnn(self.graph(nodes)))

    def _global_nodes(self, like: Nodes) -> Nodes:
        assert self.global_x is not None
        sample = torch.arange(like.batch_size, device=like.x.device)
        x = self.global_x.to(like.x.dtype).expand(like.batch_size, -1)
        return Nodes.from_flat(x, sample=sample, batch_size=like.batch_size)


def default_relations(
    modalities: Mapping[str, Mapping[str, Relation]],
) -> dict[EdgeType, Relation]:
    """Return the modalities' own relations, and all pairs across modalities both ways.

    Example:
        >>> list(default_relations({"image": {}, "text": {}}))
        [('image', 'to', 'text'), ('text', 'to', 'image')]
    """
    own = {
        (node_type, name, node_type): relation
        for node_type, relations in modalities.items()
        for name, relation in relations.items()
    }
    across = {(start, "to", to): Complete() for start, to in permutations(modalities, 2)}
    return {**own, **across}


def _global_relations(modalities: Sequence[str]) -> dict[EdgeType, Relation]:
    there = {(name, "to", GLOBAL): Complete() for name in modalities}
    back = {(GLOBAL, "to", name): Complete() for name in modalities}
    return {**there, **back}


def _check_names(modalities: Sequence[str], relations: Mapping[EdgeType, Relation]) -> None:
    if GLOBAL in modalities:
        raise ValueError(f'"{GLOBAL}" is the global node\'s name; rename that modality')
    for edge_type in relations:
        if not {edge_type[0], edge_type[2]} <= set(modalities):
            raise ValueError(f"relation {edge_type}: the modalities are {sorted(modalities)}")


def check_relations(relations: object) -> None:
    """Refuse what is no table of relations.

    Raises:
        ValueError: The message says what to write instead.
    """
    expected = "relations: expected {(source, name, target): a relation such as Chain(2)}"
    if not isinstance(relations, Mapping):
        raise ValueError(f"{expected}, got {quote(relations)}")
    for edge_type, relation in relations.items():
        names = edge_type if isinstance(edge_type, tuple) else ()
        if len(names) != 3 or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{expected}, got the key {quote(edge_type)}")
        if not isinstance(relation, Relation):
            raise ValueError(f"{expected}, got {quote(relation)} for {quote(edge_type)}")
