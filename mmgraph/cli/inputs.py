"""What to learn from which columns: modalities, targets and groups, as a command line says them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mmgraph.cli import targets
from mmgraph.cli.links import describe_links
from mmgraph.cli.options import Inputs
from mmgraph.cli.sources import Source
from mmgraph.data.infer import KINDS, infer_modalities
from mmgraph.errors import DataError
from mmgraph.links.base import LinkKind
from mmgraph.links.reading import link_columns
from mmgraph.modalities.base import Modality
from mmgraph.modalities.tabular import Tabular
from mmgraph.modalities.text import Text
from mmgraph.modalities.video import Video
from mmgraph.system.plugins import find_plugins

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Problem:
    """The arguments of an estimator's `fit`, and what kind of estimator it takes.

    Args:
        frame: The rows, without the columns to predict.
        truth: What is to be predicted of each row.
        groups: Name of the groups' column.
        task: What kind of thing that is.
        modalities: How the columns are read.
        links: Which rows see each other; None: none do.
    """

    frame: pd.DataFrame
    truth: Any
    groups: str | None
    task: targets.TaskKind
    modalities: Sequence[Modality]
    links: Sequence[LinkKind] | None = None


def read_problem(frame: pd.DataFrame, source: Source, inputs: Inputs) -> Problem:
    """Return what to learn; what is not said, the data set or the looks of the columns say.

    Args:
        frame: The rows to learn from.
        source: Where they come from.
        inputs: What the user said.

    Raises:
        DataError: The table lacks a column, nobody says what is to be predicted, or no column
            looks like a known modality.
    """
    dataset = source.dataset
    names = targets.label_columns(inputs.label, source)
    separator = inputs.label_separator if inputs.task == "multilabel" else None
    frame, truth = targets.take_truth(frame, names, separator=separator)
    task, groups = inputs.task, inputs.group
    links = describe_links(inputs)
    modalities = describe(inputs)
    if dataset is not None:
        modalities = modalities or list(dataset.modalities)
        groups = dataset.groups if groups is None else groups
        task = dataset.task if task is None and not inputs.label else task
    if not modalities:
        left = [*([groups] if groups else []), *link_columns(links or [])]
        chosen = frame.drop(columns=left, errors="ignore")
        modalities = infer_modalities(chosen, labels=truth)
    modalities = [_adapt(each, inputs) for each in modalities]
    return Problem(frame, truth, groups, task or targets.find_task(truth), modalities, links)


def read_modalities(source: Source, inputs: Inputs) -> list[Modality] | None:
    """Return how columns are read: as the user said, or the data set; None: nobody says."""
    modalities = describe(inputs)
    if source.dataset is not None:
        modalities = modalities or list(source.dataset.modalities)
    return [_adapt(each, inputs) for each in modalities] or None


def describe(inputs: Inputs) -> list[Modality]:
    """Return a modality for each column that was named, and one for all columns of a table.

    Example:
        >>> found = describe(Inputs(text=["title"], tabular=["price", "size"]))
        >>> [each.column_list for each in found]
        [['price', 'size'], ['title']]
    """
    found: list[Modality] = []
    for kind in KINDS:
        names = getattr(inputs, kind.__name__.lower()) or []
        if kind is not Tabular:
            found += [kind(name) for name in names]
        elif names:
            found.append(Tabular(list(names)))
    return found + [_describe_plugin(each) for each in inputs.modality or ()]


def _describe_plugin(given: str) -> Modality:
    """Return the modality of a plug-in for a column.

    Raises:
        DataError: It is not CLASS:COLUMN, or there is no such class.
    """
    name, colon, column = given.partition(":")
    known = {kind.__name__: kind for kind in KINDS} | find_plugins(Modality)
    if not colon or not column:
        raise DataError(f"--modality {given}: expected CLASS:COLUMN, such as {name}:signal")
    if name not in known:
        raise DataError(
            f"--modality {given}: there is no modality {name!r}; there are {', '.join(known)}, and "
            "those of modules that --plugin names"
        )
    return known[name](column)


def _adapt(modality: Modality, inputs: Inputs) -> Modality:
    """Return a copy that reads the cells as the user said.

    Raises:
        DataError: Its kind is read by pretrained networks only, and none are wanted.
    """
    values: dict[str, Any] = {"size": inputs.image_size}
    if inputs.unreadable is not None:
        values["unreadable"] = inputs.unreadable
    if inputs.from_scratch:
        if isinstance(modality, Video):
            raise DataError(
                f"column {modality.column_list[0]!r}: videos are only read by a pretrained "
                "network; leave out --from-scratch"
            )
        values |= {"features": None} if isinstance(modality, Text) else {"backbone": None}
    made = copy.copy(modality)
    for name in values.keys() & {each.name for each in fields(made)}:
        setattr(made, name, values[name])
    return made
