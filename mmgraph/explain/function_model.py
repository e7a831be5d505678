"""Any function of a table as a model that can be explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.data.cells import modality_cells
from mmgraph.errors import DataError, quote
from mmgraph.explain.function_row import FunctionRow
from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality
from mmgraph.modalities.parts.choice import uncropped
from mmgraph.nn.task import Task
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression
from mmgraph.tables.opening import read_frame

if TYPE_CHECKING:
    import pandas as pd

#: Probabilities are kept this far from 0 and 1, where logits have no end.
_LEAST = 1e-6


class LogOdds(Multiclass):
    r"""One class of several, each by the logarithm of its odds, log p / (1 - p).

    A function tells probabilities and no logits. Unlike log p, the odds of one class do not depend
    on which of the others are impossible.
    """

    def activate(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the probability of each class."""
        return logits.sigmoid()

    def relevant(
        self, logits: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the logits, all of which count."""
        return logits


_TASKS: dict[str, type[Task]] = {
    "multiclass": LogOdds,
    "multilabel": Multilabel,
    "regression": Regression,
}


@dataclass(eq=False)
class FunctionModel:
    """Any function of a table: a pipeline of scikit-learn, AutoGluon, a service elsewhere.

    Args:
        predict: From a table to the probability of each class or label, or to numbers: an array
            [rows, outputs] or [rows], or a table with the outputs' names as columns.
        modalities: What the columns hold. They need not be fitted: of `Image` the regions and of
            `Text` the words are units, of `Tabular` the columns, and all else as a whole.
        outputs: Names of the outputs; None: the columns of a table that `predict` returns, the
            `classes_` of its object, or else their numbers. Default: None.
        task: "multiclass", "multilabel" or "regression"; None: one class of several where the rows
            sum to 1, labels where all numbers lie in several columns between 0 and 1, else
            numbers. Default: None.
        background: A table of typical rows: columns of a `Tabular` that are taken away get its
            median, or its most frequent value; None: they are missing then. Default: None.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import Text
        >>> def spam(frame):
        ...     found = frame["text"].str.contains("win").to_numpy(float)
        ...     return np.stack([1 - 0.9 * found, 0.9 * found], axis=1)
        >>> model = FunctionModel(spam, [Text("text")], outputs=["ham", "spam"])
        >>> [row] = model.rows(pd.DataFrame({"text": ["win a car"]}))
        >>> row.units, model.output_names
        (3, ['ham', 'spam'])
    """

    predict: Callable[[pd.DataFrame], Any]
    modalities: Sequence[Modality]
    outputs: Sequence[Any] | None = None
    task: TaskKind | None = None
    background: Any = None

    _names: list[Any] | None = field(init=False, default=None, repr=False)
    _absent: dict[str, Any] | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.predict):
            raise DataError(
                f"expected a function of a table, got {quote(self.predict)}; give the method "
                "itself, such as pipeline.predict_proba"
            )
        if self.task is not None and self.task not in _TASKS:
            raise DataError(f"expected a task of {list(_TASKS)}, got {quote(self.task)}")

    @property
    def output_names(self) -> list[Any]:
        """What each output is called; known after the first row."""
        if self._names is None:
            raise DataError("no row was read yet, so the outputs are not known; call rows first")
        return self._names

    def rows(self, frame: pd.DataFrame) -> Iterator[FunctionRow]:
        """Return the rows of a table one by one, each ready to be taken apart.

        Raises:
            DataError: A column is not there, a cell cannot be read, or what the function returns
                is not what it should be.
        """
        modalities = [uncropped(each) for each in self.modalities]
        for modality in modalities:
            modality_cells(modality, frame.iloc[:0])  # says which column is not there
        given = self._ask(frame)
        kind = self.task or _find_task(given)
        task = _TASKS[kind](max(given.shape[1], 2) if kind == "multiclass" else given.shape[1])
        self._name(task)
        absent = self._typical()

        def logits(table: pd.DataFrame) -> Float[Tensor, "rows outputs"]:
            return _as_logits(self._ask(table), task)

        return (
            FunctionRow(frame.iloc[[place]], modalities, logits, task, absent)
            for place in range(len(frame))
        )

    def _ask(self, table: pd.DataFrame) -> Float[np.ndarray, "rows outputs"]:
        """Return what the function says of a table.

        Raises:
            DataError: It is no array of numbers with a row for each of the table's.
        """
        said = self.predict(table.copy())
        if self._names is None and hasattr(said, "columns"):
            self._names = list(said.columns)
        try:
            values = np.asarray(said, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"expected numbers from the function, got {quote(said)}; give one that returns "
                "probabilities, such as pipeline.predict_proba"
            ) from error
        values = values.reshape(-1, 1) if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != len(table) or not values.shape[1]:
            raise DataError(
                f"expected an array [{len(table)}, outputs] from the function, a row for each of "
                f"the table's, got {list(values.shape)}"
            )
        if not np.isfinite(values).all():
            raise DataError(
                "expected numbers from the function, got NaN or infinite ones; where it cannot do "
                "with missing columns, give typical rows as background="
            )
        return values

    def _name(self, task: Task) -> None:
        owner = getattr(self.predict, "__self__", None)
        names = self.outputs
        if names is None:
            names = self._names if self._names is not None else getattr(owner, "classes_", None)
        names = range(task.outputs) if names is None else list(names)
        if len(names) != task.outputs:
            raise DataError(
                f"expected the names of {task.outputs} outputs, got {len(names)}; give as many as "
                "outputs="
            )
        self._names = list(names)

    def _typical(self) -> dict[str, Any]:
        """Return what columns hold that are taken away: their median or most frequent value."""
        if self._absent is None:
            columns = [c for each in self.modalities if each.by_column for c in each.column_list]
            frame = None if self.background is None else read_frame(self.background)
            self._absent = {} if frame is None else {c: _typical(frame, c) for c in columns}
        return self._absent


def _typical(frame: pd.DataFrame, column: str) -> Any:
    if column not in frame.columns:
        raise DataError(
            f"background: expected the column {quote(column)}, got a table without it; give rows "
            "with all columns of the Tabular"
        )
    values = frame[column].dropna()
    if not len(values):
        return None
    if values.dtype.kind in "iuf":
        middle = values.median()
        return middle if values.dtype.kind == "f" else round(middle)
    return values.mode().iloc[0]


def _find_task(outputs: Float[np.ndarray, "rows outputs"]) -> TaskKind:
    """Return what outputs look like."""
    if outputs.shape[1] == 1:
        return "regression"
    if (outputs < 0).any() or (outputs > 1).any():
        return "regression"
    return "multiclass" if np.allclose(outputs.sum(1), 1, atol=1e-3) else "multilabel"


def _as_logits(
    outputs: Float[np.ndarray, "rows given"], task: Task
) -> Float[Tensor, "rows outputs"]:
    """Return the log-odds of probabilities, and numbers as they are.

    Raises:
        DataError: Probabilities lie beyond 0 and 1.
    """
    values = torch.tensor(outputs)
    if not task.has_probabilities:
        return values
    if values.min() < -1e-6 or values.max() > 1 + 1e-6:
        raise DataError(
            f"expected probabilities from 0 to 1 from the function, got {values.min():g} to "
            f'{values.max():g}; set task="regression" for numbers'
        )
    if task.is_exclusive and values.shape[1] == 1:  # of the second class of two
        values = torch.cat([1 - values, values], dim=1)
    return values.clamp(_LEAST, 1 - _LEAST).logit()
