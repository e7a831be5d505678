"""Explanations of any function of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.explain.base import Explainer
from mmgraph.explain.function_model import FunctionModel
from mmgraph.explain.listed import Explanations
from mmgraph.explain.run import explain_rows
from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality

if TYPE_CHECKING:
    import pandas as pd


def explain_model(
    predict: Callable[[pd.DataFrame], Any],
    rows: Any,
    modalities: Sequence[Modality],
    *,
    method: str | Explainer = "shapley",
    target: Any = None,
    outputs: Sequence[Any] | None = None,
    task: TaskKind | None = None,
    background: Any = None,
    truth: Any = None,
    faithfulness: bool = False,
) -> Explanations:
    """Explain predictions of any function of a table, such as `pipeline.predict_proba`.

    The function is asked about rows whose words, regions or columns are taken away. With Shapley
    values it is asked about 21 such rows for each unit of a row, with occlusion about one.

    Args:
        predict: From a table to probabilities or numbers, see `FunctionModel`.
        rows: The rows to explain, with all columns that the function reads.
        modalities: What the columns hold that are taken apart; other columns stay as they are.
        method: "shapley", "occlusion" or "counterfactual", or such an explainer with settings of
            its own.
        target: The class, the label, or the number of the output to explain, for all rows; None:
            the most probable one of each row, and the first of several numbers.
        outputs: Names of the outputs, see `FunctionModel`.
        task: What the function predicts, see `FunctionModel`.
        background: Typical rows, see `FunctionModel`.
        truth: What is right for each row, to show beside what is predicted, or the name of its
            column.
        faithfulness: Measure how true each explanation is, see `measure_faithfulness`.

    Raises:
        DataError: A cell cannot be read, what the function returns is not what it should be, or
            there is no such output or method.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from mmgraph import Text
        >>> def spam(frame):
        ...     found = frame["text"].str.contains("win").to_numpy(float)
        ...     return np.stack([1 - 0.9 * found, 0.9 * found], axis=1)
        >>> [why] = explain_model(spam, pd.DataFrame({"text": ["win a car"]}), [Text("text")])
        >>> why.to_frame().nlargest(1, "score")["label"].item()
        'win'
    """
    model = FunctionModel(predict, modalities, outputs=outputs, task=task, background=background)
    return explain_rows(
        model, rows, method=method, target=target, truth=truth, faithfulness=faithfulness
    )
