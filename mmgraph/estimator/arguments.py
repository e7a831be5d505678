"""The arguments of classifier and regressor: what they are, and how they are read and changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from mmgraph.errors import quote, unknown_name
from mmgraph.graph.relations import Relation
from mmgraph.links.base import LinkKind
from mmgraph.message_passing import Execution
from mmgraph.message_passing.convs.names import ConvLike
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.choice import FusionChoice
from mmgraph.nn.fusion.names import FusionLike, find_fusion
from mmgraph.nn.readout import ReadoutLike
from mmgraph.training.settings import Training
from mmgraph.typing import EdgeType

AnyArguments = TypeVar("AnyArguments", bound="Arguments")
AnyClass = TypeVar("AnyClass", bound=type)

#: Arguments that stand for one of `training` or `fusion`, by the one they belong to.
SHORTCUTS: dict[str, tuple[str, ...]] = {
    "training": ("epochs", "batch_size", "accumulate", "learning_rate", "modality_dropout"),
    "fusion": ("num_layers", "conv", "relations", "readout", "dropout", "execution"),
}


_USUAL = Training()


@dataclass(kw_only=True, eq=False, repr=False)
class Arguments(BaseEstimator):
    """What a classifier or regressor is made with.

    Args:
        modalities: What to read from which columns; None: inferred from the columns. May be given
            by its place. Default: None.
        links: Which rows of the table see each other: `Link("parent_id", key="id")`,
            `Sequence("dialogue", order="turn")`, `SameValue("seller")`; None: every row is by
            itself. Default: None.
        fusion: How the modalities are joined: "graph", "concat", "weighted-sum", "late", "gated",
            "tensor", "low-rank", "bilinear", "film", "cross-attention" or "bottleneck"; a class
            of `mmgraph.nn`, as it is or with options of its own,
            `LateFusion.options(weighting="learned")`; or any function of (modalities with their
            relations, channels). Default: "graph".
        channels: Features of a node and of the fused vector, a multiple of 4. Default: 64.
        linear: Add the linear model. Default: True.
        neighbours: Beside the linear model, let the nearest training rows vote, as far as rows
            that were left out say that this helps. Default: True.
        graph: "auto": keep the fusion only where held-out rows show that it helps beside these;
            True: always; False: it is not even trained. Default: "auto".
        absent_nodes: Give a modality that a row lacks one learnt node; else it has none.
            Default: False.
        training: How the fusion is trained; see `Training`. Default: Training().
        epochs: Most passes over the training rows; None: 15, or as `training` says.
            Default: None.
        batch_size: Rows of a batch, over all processes where a launcher started several; None: 64,
            or as `training` says. Default: None.
        accumulate: Parts of a batch that are computed one after the other, where a whole one
            needs more memory than there is, for the same steps; None: 1, or as `training` says.
            Default: None.
        learning_rate: Highest learning rate; None: 0.002, or as `training` says. Default: None.
        modality_dropout: Probability of hiding a modality of a row, in training; for inputs that
            lack more than the training rows do; None: 0, or as `training` says. Default: None.
        num_layers: Rounds of message passing, or of attention, 0 for none; None: what the fusion
            does by itself, 2 for the graph. Default: None.
        conv: Convolution of the graph: "transformer", "gat", "gatv2", "sage", "graph", "gin" or
            "hgt"; a class of `torch_geometric.nn`; or a function of (in_channels, out_channels)
            that makes one; None: "transformer". Default: None.
        relations: Relations of the graph by (source, name, target); None: those of each modality,
            all pairs of nodes across the items of a modality where rows have several, and every
            node to every node across modalities. Default: None.
        readout: How the nodes of a modality become one vector: "attention", "mean", "max", "sum",
            "set2set", or a class or function of the channels that makes a module; None: what the
            fusion does by itself, "attention". Default: None.
        dropout: Probability of dropping a feature, in training, from 0 to below 1; None: what the
            fusion does by itself, 0.2. Default: None.
        execution: Message passing is "dense", "sparse", or "auto": dense wherever that is exact;
            None: "auto". Default: None.
        validation: Share of the training rows, up to 0.5, that is held out to choose the best
            epoch, to weigh the parts and to set the threshold of labels; 0: none, and the parts
            count the same. Default: 0.1.
        refit: After that, train the fusion again on all rows, for as many epochs as were best; the
            linear model and the neighbours always know all rows. Default: True.
        random_state: Seed of everything random; the same seed gives the same model on CPUs.
            Default: 0.
        device: "auto", "cpu", "gpu", as Lightning names accelerators. Default: "auto".
        log_dir: Folder for training logs; None: no logs. Default: None.
        logs: Kind of logs, "csv" or "tensorboard". Default: "csv".
        checkpoint_dir: Folder for the state of the training after each epoch. A fit that was killed
            goes on from there if it is begun again with the same rows and settings, and ends with
            the same weights on CPUs; when it is done, the state is deleted. None: none is kept.
            Default: None.
        verbose: Show progress, and say what was inferred. Default: True.
    """

    modalities: Sequence[Modality] | None = field(default=None, kw_only=False)
    links: Sequence[LinkKind] | None = None
    fusion: FusionLike = "graph"
    channels: int = 64
    linear: bool = True
    neighbours: bool = True
    graph: Literal["auto"] | bool = "auto"
    absent_nodes: bool = False
    training: Training = _USUAL
    epochs: int | None = None
    batch_size: int | None = None
    accumulate: int | None = None
    learning_rate: float | None = None
    modality_dropout: float | None = None
    num_layers: int | None = None
    conv: ConvLike | None = None
    relations: Mapping[EdgeType, Relation] | None = None
    readout: ReadoutLike | None = None
    dropout: float | None = None
    execution: Execution | None = None
    validation: float = 0.1
    refit: bool = True
    random_state: int = 0
    device: str = "auto"
    log_dir: str | Path | None = None
    logs: Literal["csv", "tensorboard"] = "csv"
    checkpoint_dir: str | Path | None = None
    verbose: bool = True

    @property
    def chosen_training(self) -> Training:
        """How the fusion is trained: `training`, and what other arguments say of it.

        Raises:
            ValueError: Both say different things, or a value is out of its range.
        """
        if not isinstance(self.training, Training):
            raise ValueError(f"training: expected Training(epochs=...), got {self.training!r}")
        given = self._given("training")
        for name, value in given.items():
            there = getattr(self.training, name)
            if there != getattr(_USUAL, name):
                _check_same("training", name, there, value)
        return replace(self.training, **given)

    @property
    def chosen_fusion(self) -> FusionChoice:
        """The fusion with its options: `fusion`, and what other arguments say of it.

        Raises:
            ValueError: Both say different things, or the fusion does not take an argument.
        """
        given, choice = self._given("fusion"), find_fusion(self.fusion)
        for name, value in given.items():
            if name in choice.options:
                _check_same("fusion", name, choice.options[name], value)
        return choice.changed(**given)

    def chosen_params(self) -> dict[str, Any]:
        """Return all arguments, with those of training and fusion where they belong.

        Raises:
            ValueError: Arguments are out of their range, or contradict each other.
        """
        own = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        if own["graph"] != "auto":
            own["graph"] = bool(own["graph"])
        if own["channels"] < 4 or own["channels"] % 4:
            said = quote(own["channels"])
            raise ValueError(f"channels: expected a multiple of 4, such as 64, got {said}")
        if not own["linear"] and not own["graph"]:
            raise ValueError("graph=False with linear=False leaves nothing to fit; allow one")
        short = {name for names in SHORTCUTS.values() for name in names}
        chosen = {"training": self.chosen_training, "fusion": self.chosen_fusion}
        return {name: value for name, value in own.items() if name not in short} | chosen

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name.

        Args:
            deep: Add those of training, fusion and modalities, as they will be used:
                "training__epochs", "fusion__dropout", "image__size".
        """
        own: dict[str, Any] = super().get_params(deep=False)
        if not deep:
            return own
        parts = {
            **{each.node_type: _fields_of(each) for each in _described(self.modalities)},
            "training": self.chosen_training.parameters(),
            "fusion": self.chosen_fusion.parameters(),
        }
        nested = {f"{part}__{k}": x for part, values in parts.items() for k, x in values.items()}
        return own | nested

    def set_params(self: AnyArguments, **params: Any) -> AnyArguments:
        """Change arguments, by the names that `get_params` has for them; the last word counts.

        Args:
            params: New values. An argument of a modality is called by the name of its node type,
                which is that of its column unless it has another one: `image__size=64` where the
                column is "image". A modality may also be named by its place:
                `modalities__0__size=64`.

        Raises:
            ValueError: There is no such argument, or two of the values contradict each other.

        Example:
            >>> from mmgraph import Image, MultimodalGraphClassifier
            >>> clf = MultimodalGraphClassifier([Image("image")], epochs=3)
            >>> clf = clf.set_params(training__epochs=5, fusion__num_layers=1, image__size=64)
            >>> clf.chosen_training.epochs, clf.chosen_fusion, clf.modalities[0].size
            (5, GraphFusion.options(num_layers=1), 64)
        """
        own = self.get_params(deep=False)
        values = own | {name: value for name, value in params.items() if name in own}
        for group, names in SHORTCUTS.items():
            if group not in params:
                new = [name for name in names if params.get(name) is not None]
                values[group] = _without(values[group], new)
        for key in params:
            if key not in own:
                self._set_nested(values, key, params)
        for name, value in values.items():
            if value is not own[name]:
                setattr(self, name, value)
        return self

    def _given(self, group: str) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in SHORTCUTS[group]}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    def _set_nested(self, values: dict[str, Any], key: str, params: Mapping[str, Any]) -> None:
        """Take over an argument of training, fusion or a modality."""
        group, _, name = key.partition("__")
        if group not in SHORTCUTS or not name:
            values["modalities"] = self._with_modality(values["modalities"], key, params[key])
            return
        if name in SHORTCUTS[group]:
            if params.get(name) is not None:
                _check_same(group, name, params[key], params[name])
            values[name] = None
        if group == "fusion":
            values[group] = find_fusion(values[group]).changed(**{name: _plain(params[key])})
        else:
            values[group] = _replaced(values[group], name, params[key])

    def _with_modality(self, modalities: Any, key: str, value: Any) -> list[Modality]:
        """Return the modalities with one of them changed."""
        changed = _described(modalities)
        names = {each.node_type: place for place, each in enumerate(changed)}
        names |= {f"modalities__{place}": place for place in range(len(changed))}
        for name in sorted(names, key=len, reverse=True):
            if key.startswith(f"{name}__"):
                place = names[name]
                changed[place] = _replaced(changed[place], key[len(name) + 2 :], value)
                return changed
        where = "" if changed else " (the modalities are not named, so that they have none)"
        known = self.get_params(deep="__" in key)
        raise ValueError(f"{type(self).__name__}: {unknown_name('parameter', key, known)}{where}")


def documented(kind: AnyClass) -> AnyClass:
    """Write the arguments that all estimators have into the page of one of them.

    Args:
        kind: Its docstring has a line `{arguments}` where they are to stand.
    """
    if kind.__doc__ and Arguments.__doc__:  # Python can be told to drop them
        _, _, arguments = Arguments.__doc__.partition("Args:\n")
        kind.__doc__ = kind.__doc__.replace("{arguments}", arguments.strip())
    return kind


def check_modalities(modalities: Any) -> None:
    """Refuse modalities that are no list of modalities.

    Raises:
        ValueError: The message says what to write instead.
    """
    if isinstance(modalities, Modality):
        raise ValueError(f"modalities: expected a list of them, write [{modalities!r}]")
    if isinstance(modalities, str) or not isinstance(modalities, Sequence):
        raise ValueError(f"modalities: expected a list, such as [Text('text')], got {modalities!r}")
    for each in modalities:
        if isinstance(each, str):
            raise ValueError(f"modalities: expected what {each!r} holds; write Text({each!r})")
        if isinstance(each, type):
            raise ValueError(
                f"modalities: {each.__name__} lacks its column; write {each.__name__}('column')"
            )
        if not isinstance(each, Modality):
            raise ValueError(f"modalities: expected modalities such as Text('text'), got {each!r}")


def _check_same(group: str, name: str, inside: Any, value: Any) -> None:
    if inside is not value and inside != value:
        raise ValueError(
            f"{name}={value!r}, but {group} has {name}={inside!r}; leave out one of them"
        )


def _without(group: Any, names: Sequence[str]) -> Any:
    """Return training or fusion without what is said of some arguments."""
    if isinstance(group, FusionChoice):
        options = {name: value for name, value in group.options.items() if name not in names}
        return group if options == group.options else FusionChoice(group.kind, options)
    if isinstance(group, Training):
        defaults = {name: getattr(_USUAL, name) for name in names}
        changed = replace(group, **defaults)
        return group if changed == group else changed
    return group


def _replaced(part: Any, name: str, value: Any) -> Any:
    """Return a copy of a data class with another value.

    Raises:
        ValueError: It has no such argument, or the value is out of its range.
    """
    known = _fields_of(part)
    if name not in known:
        raise ValueError(f"{type(part).__name__}: {unknown_name('argument', name, known)}")
    return replace(part, **{name: _plain(value)})


def _plain(value: Any) -> Any:
    """Return a number of NumPy's, such as grids have, as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _described(modalities: Any) -> list[Modality]:
    """Return the modalities that were named, as far as they are some."""
    named = isinstance(modalities, Sequence)
    return [each for each in modalities if isinstance(each, Modality)] if named else []


def _fields_of(part: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(part):
        return {}
    return {each.name: getattr(part, each.name) for each in dataclasses.fields(part) if each.init}
