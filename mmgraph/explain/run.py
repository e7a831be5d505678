"""Explanations of a table's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.data.cells import modality_cells
from mmgraph.explain.base import Explainer
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.faithfulness import measure
from mmgraph.explain.listed import Explanations
from mmgraph.explain.methods import DEFAULT, find_explainer
from mmgraph.explain.record import ItemInput
from mmgraph.explain.samples import explain_sample, find_output, output_names, read_samples
from mmgraph.fitted import Fitted, fitted_model
from mmgraph.modalities.base import Modality, first_reading
from mmgraph.tables.names import row_name
from mmgraph.tables.opening import read_frame
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd


def explain_rows(
    model: Fitted,
    X: Any,
    *,
    method: str | Explainer = DEFAULT,
    target: Any = None,
    faithfulness: bool = False,
) -> list[Explanation]:
    """Return an explanation of each row, as a list that notebooks show as the page.

    Args:
        model: A fitted classifier or regressor, or its `FittedModel`.
        X: Rows, as for `predict`.
        method: Name of a method, or an explainer with settings of its own.
        target: The class, the label, or the number of the output to explain, for all rows;
            None: the most probable one of each row, and the first of several numbers.
        faithfulness: Measure how true each explanation is, see `measure_faithfulness`.

    Raises:
        DataError: A cell cannot be read, there is no such output or method, or the method does
            not suit the model.
    """
    explainer = find_explainer(method)
    frame = read_frame(X)
    fitted, frame = fitted_model(model).bound_to(frame)
    names, number = output_names(fitted), find_output(fitted, target)
    explanations = Explanations()
    for position, sample in enumerate(read_samples(fitted, frame)):
        explanation = explain_sample(
            sample,
            explainer,
            target=number,
            outputs=names,
            row=row_name(frame.index, position),
            inputs=_inputs(fitted.modalities, frame.iloc[[position]], sample.items),
            known=fitted.known_rows,
        )
        if faithfulness:
            explanation = explanation.with_faithfulness(measure(sample, [explanation])[0])
        explanations.append(explanation)
    return explanations


def _inputs(
    modalities: Sequence[Modality], row: pd.DataFrame, items: Mapping[str, list[Item]]
) -> list[ItemInput]:
    """Return what the items of a row came from."""
    inputs = []
    for modality in modalities:
        name = modality.node_type
        raws = modality_cells(modality, row)[0]
        if len(raws) != len(items[name]) and not modality.by_column:
            # Some could not be read and count as missing.
            with first_reading():
                raws = [raw for raw in raws if modality.transform([[raw]])[0]]
        for number in range(len(items[name])):
            raw = None if modality.by_column else raws[number]
            text = None if raw is None else modality.text(raw)
            inputs.append(ItemInput(name, modality.kind, number, text, raw, modality))
    return inputs
