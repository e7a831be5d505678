"""All checks of a table."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.checks.counts import count_classes, count_lengths, count_missing
from mmgraph.checks.duplicates import find_duplicates
from mmgraph.checks.finding import Checked, Finding
from mmgraph.checks.labels import find_label_errors
from mmgraph.checks.leaks import find_leaks
from mmgraph.checks.result import DataCheck
from mmgraph.checks.unreadable import find_unreadable
from mmgraph.data.infer import infer_modalities
from mmgraph.data.targets import is_multilabel
from mmgraph.errors import DataError, names, quote
from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality
from mmgraph.tables.missing import is_missing
from mmgraph.tables.opening import read_frame

if TYPE_CHECKING:
    import pandas as pd

_CHECKS: tuple[Callable[[Checked], Iterator[Finding]], ...] = (
    find_unreadable,
    find_leaks,
    find_duplicates,
    find_label_errors,
    count_classes,
    count_missing,
    count_lengths,
)

_SPLIT = "split"


def check(
    frame: Any,
    label: str,
    *,
    groups: str | None = None,
    split: str | None = None,
    modalities: Sequence[Modality] | None = None,
    task: TaskKind | None = None,
) -> DataCheck:
    """Look for what is wrong with a table before anything is learnt from it.

    It finds values that cannot be read; columns that give the label away; rows that are the same
    or nearly so, above all in several splits; labels that are probably wrong; rare classes; and
    what is missing where. Label errors are sought by models of frozen features that were fitted
    without the row, so that the first run computes these.

    Args:
        frame: The table, with the label's column.
        label: Name of the label's column. Of numbers and sets of labels, neither errors nor leaks
            are sought.
        groups: Name of the column that says which rows belong together; never an input.
        split: Name of the column that says which split a row belongs to; None: "split", where
            there is one.
        modalities: What the columns hold; None: what they look like.
        task: What the label is; None: what it looks like.

    Raises:
        DataError: The table cannot be read, a column is not there, or no row has a label.

    Example:
        >>> import pandas as pd
        >>> texts = [f"a {word} thing of number {n}" for n in range(15) for word in ("red", "blue")]
        >>> table = pd.DataFrame({"text": texts, "label": ["warm", "cold"] * 15})
        >>> table["temperature"] = [30, 5] * 15
        >>> from mmgraph import Text
        >>> found = check(table, "label", modalities=[Text("text", features=None)])
        >>> [(each.kind, each.column) for each in found.errors]
        [('leak', 'text'), ('leak', 'temperature')]
    """
    table = read_frame(frame)
    split = split or (_SPLIT if _SPLIT in table.columns and label != _SPLIT else None)
    for column in (label, groups, split):
        if column is not None and column not in table.columns:
            raise DataError(
                f"expected the column {quote(column)}, got a table with the columns "
                f"{names(table.columns)}; name one of these"
            )
    gone = np.array([is_missing(value) for value in table[label].tolist()])
    places = np.flatnonzero(~gone)
    if not len(places):
        raise DataError(f"expected labels in the column {quote(label)}, got none in any row")
    checked = _read(table.iloc[places], label, groups, split, modalities, task)
    found = []
    if len(places) < len(table):
        said = f"{gone.sum()} rows have no label; they are not looked at"
        rows = tuple(np.flatnonzero(gone).tolist())
        found.append(Finding("missing", "warning", said, rows, label))
    for look in _CHECKS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # unreadable values are findings
            for each in look(checked):
                rows = tuple(places[list(each.rows)].tolist())
                found.append(dataclasses.replace(each, rows=rows))
    return DataCheck(table, label, tuple(found), checked.modalities, split)


def _read(
    frame: pd.DataFrame,
    label: str,
    groups: str | None,
    split: str | None,
    modalities: Sequence[Modality] | None,
    task: TaskKind | None,
) -> Checked:
    truth = frame[label]
    task = task or _find_task(truth)
    apart = [column for column in (label, groups, split) if column is not None]
    if modalities is None:
        modalities = infer_modalities(frame.drop(columns=apart), labels=truth)
    code, classes = None, np.array([])
    if task == "multiclass":
        classes, code = np.unique([str(value) for value in truth], return_inverse=True)
    group = None if groups is None else np.unique(frame[groups].map(str), return_inverse=True)[1]
    return Checked(
        frame,
        label,
        task,
        [_lenient(each) for each in modalities],
        code,
        [str(each) for each in classes],
        group,
        None if split is None else [str(each) for each in frame[split]],
        [column for column in frame.columns if column not in apart],
    )


def _find_task(truth: pd.Series) -> TaskKind:
    if is_multilabel(truth):
        return "multilabel"
    fractions = truth.dtype.kind == "f" and bool((truth % 1 != 0).any())
    return "regression" if fractions else "multiclass"


def _lenient(modality: Modality) -> Modality:
    """Return a copy that counts unreadable values as missing."""
    made = copy.copy(modality)
    made.unreadable = "missing"
    return made
