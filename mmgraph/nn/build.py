"""From the parts that were chosen to an untrained network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Protocol, TypeAlias, runtime_checkable

from torch import nn

from mmgraph.graph.relations import OtherItems, Relation
from mmgraph.message_passing.gnn import ConvFactory, Execution, transformer_conv
from mmgraph.nn.encoders.absent import AbsentNode
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.readout import ReadoutKind
from mmgraph.nn.tasks import Task
from mmgraph.typing import EdgeType

#: Called with (modalities with their relations, channels), and the graph's options it takes.
FusionFactory: TypeAlias = Callable[..., Fusion]

#: Options of the graph that other fusions may share.
GRAPH_OPTIONS = ("num_layers", "conv", "relations", "readout", "dropout", "execution")


@runtime_checkable
class Encoded(Protocol):
    """What a network must know of a fitted modality; see `mmgraph.modalities.Modality`."""

    #: Some training row has more than one item.
    several_: bool

    @property
    def node_type(self) -> str:
        """Name of its nodes."""

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a module that maps `Items` to `Nodes`."""

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return what summarises the items for the linear model."""

    def relations(self) -> dict[str, Relation]:
        """Return the relations among its nodes, by name."""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What a network is made of, besides modalities and task.

    Args:
        channels: Features of a node and of the fused vector.
        num_layers: Rounds of message passing.
        conv: `conv(in_channels, out_channels)` makes a PyG convolution; None: the default of
            `GraphFusion`.
        relations: Relations by (source, name, target); None: those of each modality, and all
            pairs of nodes across modalities.
        readout: How the nodes of a modality become one vector.
        dropout: Probability of dropping a feature, in training.
        execution: "dense" or "sparse" message passing; "auto": dense wherever that is exact.
        fusion: Another fusion in place of the graph.
        linear: Add the linear model.
        absent_nodes: Give a modality that a row lacks one learnt node.
    """

    channels: int = 64
    num_layers: int = 2
    conv: ConvFactory | None = None
    relations: Mapping[EdgeType, Relation] | None = None
    readout: ReadoutKind = "attention"
    dropout: float = 0.2
    execution: Execution = "auto"
    fusion: FusionFactory | None = None
    linear: bool = True
    absent_nodes: bool = False

    @classmethod
    def choose(cls, parameters: Mapping[str, Any]) -> NetworkOptions:
        """Return the options among an estimator's parameters."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: parameters[name] for name in names if name in parameters})


def build_model(
    modalities: Sequence[Encoded], task: Task, options: NetworkOptions
) -> MultimodalModel:
    """Return an untrained model of fitted modalities.

    Args:
        modalities: What is encoded; those of which rows have several items are joined across them.
        task: What is predicted.
        options: The other parts.

    Raises:
        ValueError: The fusion does not take an option that was chosen.
    """
    channels = options.channels
    encoders = {each.node_type: each.make_encoder(channels) for each in modalities}
    if options.absent_nodes:
        encoders = {name: AbsentNode(each, channels) for name, each in encoders.items()}
    pooled = {each.node_type: each.make_pooled_features() for each in modalities if options.linear}
    linear = LinearModel(pooled, task.outputs) if any(pooled.values()) else None
    return MultimodalModel(encoders, build_fusion(modalities, options), task, linear=linear)


def build_fusion(modalities: Sequence[Encoded], options: NetworkOptions) -> Fusion:
    """Return an untrained fusion of fitted modalities; of arguments, see `build_model`."""
    own = {modality.node_type: modality.relations() for modality in modalities}
    for modality in modalities:
        if modality.several_:
            own[modality.node_type] = {**own[modality.node_type], "others": OtherItems()}
    if options.fusion is not None:
        return options.fusion(own, options.channels, **_chosen_options(options, options.fusion))
    return GraphFusion(
        own,
        options.channels,
        relations=options.relations,
        num_layers=options.num_layers,
        readout=options.readout,
        dropout=options.dropout,
        execution=options.execution,
        conv=options.conv or transformer_conv,
    )


def _chosen_options(options: NetworkOptions, fusion: FusionFactory) -> dict[str, Any]:
    """Return the options of the graph that were chosen, all of which the fusion must take.

    Raises:
        ValueError: The fusion does not take one of them.
    """
    defaults = {each.name: each.default for each in fields(options) if each.default is not MISSING}
    chosen = {name: getattr(options, name) for name in GRAPH_OPTIONS}
    chosen = {name: value for name, value in chosen.items() if value != defaults[name]}
    taken = inspect.signature(fusion).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return chosen
    for name in chosen:
        if name not in taken:
            called = getattr(fusion, "__name__", repr(fusion))
            raise ValueError(f"fusion={called} does not take {name}=; leave out one of them")
    return chosen
