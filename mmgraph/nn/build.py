"""From the parts that were chosen to an untrained network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

from torch import nn

from mmgraph.graph.relations import OtherItems, Relation
from mmgraph.nn.encoders.absent import AbsentNode
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.names import FusionLike, find_fusion
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linked_vote import LinkedVote
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.task import Task


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


@runtime_checkable
class EncodedRows(Encoded, Protocol):
    """Items that stand for other rows, whose targets may be known."""

    def make_vote(self, task: Task) -> LinkedVote:
        """Return what the known targets of these rows say."""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What a network is made of, besides modalities and task.

    Args:
        channels: Features of a node and of the fused vector.
        fusion: What joins the modalities.
        linear: Add the linear model.
        neighbours: With that, add the vote of the nearest training rows, where the linear model
            sees all modalities.
        absent_nodes: Give a modality that a row lacks one learnt node.
    """

    channels: int = 64
    fusion: FusionLike = "graph"
    linear: bool = True
    neighbours: bool = True
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
    return MultimodalModel(
        encoders,
        build_fusion(modalities, options),
        task,
        linear=linear,
        neighbours=build_neighbours(linear, task) if options.neighbours else None,
        linked=None if linear is None else build_vote(modalities, task),
    )


def build_neighbours(linear: LinearModel | None, task: Task) -> Neighbours | None:
    """Return neighbours that know no rows yet; None where they could not see or say enough."""
    if linear is None or not linear.sees_all or not task.has_means:
        return None
    return Neighbours(linear.compared, task)


def build_vote(modalities: Sequence[Encoded], task: Task) -> LinkedVote | None:
    """Return a vote of linked rows that knows no targets yet; None where no rows are linked."""
    if not task.has_means:
        return None
    linked = (each.make_vote(task) for each in modalities if isinstance(each, EncodedRows))
    return next(linked, None)


def build_fusion(modalities: Sequence[Encoded], options: NetworkOptions) -> Fusion:
    """Return an untrained fusion of fitted modalities; of arguments, see `build_model`."""
    own = {modality.node_type: modality.relations() for modality in modalities}
    for modality in modalities:
        if modality.several_:
            own[modality.node_type] = {**own[modality.node_type], "others": OtherItems()}
    fusion: Fusion = find_fusion(options.fusion)(own, options.channels)
    return fusion
