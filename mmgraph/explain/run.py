"""Explanations of a table's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmgraph.data.cells import modality_cells
from mmgraph.explain.base import Explainer
from mmgraph.explain.faithfulness import measure
from mmgraph.explain.function_model import FunctionModel
from mmgraph.explain.function_row import FunctionRow
from mmgraph.explain.listed import Explanations
from mmgraph.explain.methods import DEFAULT, find_explainer
from mmgraph.explain.record import ItemInput
from mmgraph.explain.samples import explain_sample, find_output, output_names, read_rows
from mmgraph.explain.truth import Truth, read_truth
from mmgraph.explain.unit_row import UnitRow
from mmgraph.explain.units import Sample
from mmgraph.fitted import Fitted, FittedModel, fitted_model
from mmgraph.modalities.base import first_reading
from mmgraph.tables.names import row_name
from mmgraph.tables.opening import read_frame

if TYPE_CHECKING:
    import pandas as pd


def explain_rows(
    model: Fitted | FunctionModel,
    X: Any,
    *,
    method: str | Explainer = DEFAULT,
    target: Any = None,
    truth: Any = None,
    faithfulness: bool = False,
) -> Explanations:
    """Return an explanation of each row, as a list that notebooks show as the page.

    Args:
        model: A fitted classifier or regressor, its `FittedModel`, or any function.
        X: Rows, as for `predict`.
        method: Name of a method, or an explainer with settings of its own.
        target: The class, the label, or the number of the output to explain, for all rows;
            None: the most probable one of each row, and the first of several numbers.
        truth: Targets as for `fit`, to show beside what is predicted, or the name of their column;
            None: the column that the model was fitted on, where the table has it.
        faithfulness: Measure how true each explanation is, see `measure_faithfulness`.

    Raises:
        DataError: A cell cannot be read, there is no such output or method, or the method does
            not suit the model.
    """
    explainer = find_explainer(method)
    frame = read_frame(X)
    explained: FittedModel | FunctionModel
    if isinstance(model, FunctionModel):
        explained = model
    else:
        explained, frame = fitted_model(model).bound_to(frame)
    samples = read_rows(explained, frame)
    names, number = output_names(explained), find_output(explained, target)
    explanations = Explanations()
    true: list[Truth] | None = None
    for position, sample in enumerate(samples):
        true = true or read_truth(explained, sample.task, frame, truth)
        explanation = explain_sample(
            sample,
            explainer,
            target=number,
            outputs=names,
            row=row_name(frame.index, position),
            inputs=_inputs(explained, frame.iloc[[position]], sample),
            known=None if isinstance(explained, FunctionModel) else explained.known_rows,
            truth=true[position],
        )
        if faithfulness:
            explanation = explanation.with_faithfulness(measure(sample, [explanation])[0])
        if isinstance(sample, Sample):
            sample.forget()
        explanations.append(explanation)
    return explanations


def _inputs(
    model: FittedModel | FunctionModel, row: pd.DataFrame, sample: UnitRow
) -> list[ItemInput]:
    """Return what the items of a row came from."""
    if isinstance(sample, FunctionRow):
        return sample.inputs
    assert isinstance(sample, Sample)
    inputs = []
    for modality in model.modalities:
        name = modality.node_type
        raws = modality_cells(modality, row)[0]
        if len(raws) != len(sample.items[name]) and not modality.by_column:
            # Some could not be read and count as missing.
            with first_reading():
                raws = [raw for raw in raws if modality.transform([[raw]])[0]]
        for number in range(len(sample.items[name])):
            raw = None if modality.by_column else raws[number]
            text = None if raw is None else modality.text(raw)
            inputs.append(ItemInput(name, modality.kind, number, text, raw, modality))
    return inputs
