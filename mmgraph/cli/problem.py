"""What to learn from which rows: a table, its targets and how its columns are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmgraph.cli import targets
from mmgraph.cli.inputs import describe, infer, text_columns
from mmgraph.cli.sources import Source
from mmgraph.cli.splits import Selection
from mmgraph.modalities.base import Modality

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Problem:
    """The arguments of an estimator's `fit`, and which estimator it takes.

    Args:
        frame: The training rows, without the columns to predict.
        truth: What is to be predicted of each row.
        groups: Name of the groups' column.
        task: What kind of thing that is.
        modalities: How the columns are read.
    """

    frame: pd.DataFrame
    truth: Any
    groups: str | None
    task: targets.TaskKind
    modalities: Sequence[Modality]


def read_problem(
    source: Source,
    selection: Selection,
    *,
    labels: Sequence[str] | None,
    task: targets.TaskKind | None,
    separator: str,
    groups: str | None,
    columns: Mapping[str, Sequence[str]],
) -> Problem:
    """Read what to learn; what is not said, the data set or the looks of the columns say.

    Args:
        source: The rows.
        selection: Chooses the training rows.
        labels: Columns to predict.
        task: What they hold.
        separator: What stands between several labels in one cell.
        groups: Column whose values stay on one side of the held-out part.
        columns: Columns of each kind of input.

    Raises:
        DataError: The table cannot be read, lacks a column or has no training rows, or nobody
            says what is to be predicted.
    """
    modalities = describe(columns)
    frame = selection.take(source.read(text_columns(modalities)))
    selection.check()
    names = targets.label_columns(labels, source)
    split = separator if task == "multilabel" else None
    frame, truth = targets.take_truth(frame, names, separator=split)
    if source.dataset is not None:
        modalities = modalities or list(source.dataset.modalities)
        groups = source.dataset.groups if groups is None else groups
        task = source.dataset.task if task is None and not labels else task
    if not modalities:
        modalities = infer(frame, truth, names[0], groups)
    return Problem(frame, truth, groups, task or targets.find_task(truth), modalities)
