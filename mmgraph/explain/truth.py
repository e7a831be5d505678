"""What is right and what is predicted, as explanations say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mmgraph.errors import DataError
from mmgraph.explain.function_model import FunctionModel
from mmgraph.fitted import FittedModel
from mmgraph.nn.task import Task
from mmgraph.tables.missing import is_null

if TYPE_CHECKING:
    import pandas as pd

#: The class, the labels or the numbers of one row; None: not known.
Truth = tuple[str | float, ...] | None

_COLLECTIONS = (set, frozenset, list, tuple, np.ndarray)


def decided_names(
    task: Task, outputs: Float[np.ndarray, "outputs"], names: Sequence[str]
) -> tuple[str | float, ...]:
    """Return the class, the labels or the numbers that a row's outputs mean."""
    if not task.has_probabilities:
        return tuple(map(float, outputs))
    (decided,) = task.decide(outputs[None])
    if task.has_sets:
        return tuple(name for name, has in zip(names, decided, strict=True) if has)
    return (names[int(decided)],)


def read_truth(
    model: FittedModel | FunctionModel, task: Task, frame: pd.DataFrame, given: Any
) -> list[Truth]:
    """Return what is right for each row.

    Args:
        model: The model, which knows what its outputs are called.
        task: What it predicts.
        frame: The rows.
        given: Targets as for `fit`, or the name of their column; None: those of the column that
            the model was fitted on, where the table has it.

    Raises:
        DataError: There is no such column, or there are not as many targets as rows.
    """
    targets = _find(model, frame, given)
    if targets is None:
        return [None] * len(frame)
    if len(targets) != len(frame):
        raise DataError(
            f"truth: expected a target for each of {len(frame)} rows, got {len(targets)}; give "
            "those of the rows that are explained"
        )
    values = targets.to_numpy() if hasattr(targets, "to_numpy") else targets
    names = [str(each) for each in model.output_names]
    known = dict(zip(model.output_names, names, strict=True))
    return [_read(value, task, known) for value in values]


def _find(model: FittedModel | FunctionModel, frame: pd.DataFrame, given: Any) -> Any:
    if given is None and isinstance(model, FittedModel):
        label = model.facts.get("label")
        columns = [label] if isinstance(label, str) else label or []
        if not columns or not set(columns) <= set(frame.columns):
            return None
        return frame[label]
    if not isinstance(given, str):
        return given
    if given not in frame.columns:
        raise DataError(f"truth: expected the name of a column of the table, got {given!r}")
    return frame[given]


def _read(value: Any, task: Task, known: dict[Any, str]) -> Truth:
    """Return the target of a row; None where it is missing or of another form."""
    if isinstance(value, _COLLECTIONS):
        values = list(value)
        if not task.has_probabilities:
            return tuple(map(float, values))
        if isinstance(value, np.ndarray) and len(values) == len(known):  # of 0 and 1
            return tuple(name for name, has in zip(known.values(), values, strict=True) if has)
        return tuple(known.get(each, str(each)) for each in values)
    if is_null(value) or task.has_sets:
        return None
    return (known.get(value, str(value)),) if task.has_probabilities else (float(value),)
