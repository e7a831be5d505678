"""From rows to explanations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.data.known_rows import KnownRows
from mmgraph.data.transform import transform
from mmgraph.errors import DataError, quote
from mmgraph.explain.among import vector_of
from mmgraph.explain.attention import attention_of, place_of_nodes
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.function_model import FunctionModel
from mmgraph.explain.function_row import FunctionRow
from mmgraph.explain.lazy_edges import LazyEdges
from mmgraph.explain.neighbours import neighbours_of
from mmgraph.explain.record import EdgeScores, ItemInput, NodeScore
from mmgraph.explain.truth import decided_names
from mmgraph.explain.unit_row import UnitRow
from mmgraph.explain.units import Sample
from mmgraph.fitted import Fitted, FittedModel, fitted_model
from mmgraph.graph.nodes import Nodes
from mmgraph.modalities.base import Place
from mmgraph.typing import EdgeType

if TYPE_CHECKING:
    import pandas as pd


def read_samples(model: Fitted, frame: pd.DataFrame) -> list[Sample]:
    """Return the rows of a table, ready to be taken apart.

    Raises:
        DataError: A cell cannot be read.
    """
    fitted, frame = fitted_model(model).bound_to(frame)
    items = transform(fitted.modalities, frame, traced=True)
    return [
        Sample(
            fitted.network,
            fitted.modalities,
            {name: values[row] for name, values in items.items()},
        )
        for row in range(len(frame))
    ]


def read_rows(model: Fitted | FunctionModel, frame: pd.DataFrame) -> Iterator[UnitRow]:
    """Return the rows of a table one by one, ready to be taken apart.

    Raises:
        DataError: A cell cannot be read.
    """
    return (
        model.rows(frame) if isinstance(model, FunctionModel) else iter(read_samples(model, frame))
    )


def explain_sample(
    sample: UnitRow,
    explainer: Explainer,
    *,
    target: int | None = None,
    outputs: Sequence[str] | None = None,
    row: str = "0",
    inputs: Sequence[ItemInput] = (),
    known: KnownRows | None = None,
    truth: Sequence[str | float] | None = None,
) -> Explanation:
    """Return the explanation of one row of a model without an estimator.

    Args:
        sample: The row, of a model or of a function.
        explainer: The method.
        target: Which output; None: the most probable one.
        outputs: Names of the outputs; their numbers when None.
        row: What to call the row.
        inputs: What its items came from.
        known: What is kept of the training rows.
        truth: The class, the labels or the numbers that are right.

    Raises:
        DataError: The method does not suit the model.
    """
    task = sample.task
    with torch.no_grad():
        predicted = task.activate(sample.logits.unsqueeze(0))[0]
    if target is None:
        target = task.explained_output(predicted)
    # Without any unit there is nothing to score.
    found = _attribute(explainer, sample, target) if sample.units else Attribution(torch.zeros(0))
    names = [str(number) for number in range(task.outputs)] if outputs is None else outputs
    return Explanation(
        row=row,
        method=explainer.name,
        task=task.kind,
        outputs=names,
        predicted=predicted.tolist(),
        target=target,
        value=float(sample.logits[target]),
        base=found.base,
        signed=explainer.signed,
        inputs=inputs,
        interactions=found.interactions,
        changes_to=found.changes_to,
        truth=truth,
        decided=decided_names(task, predicted.numpy(), names),
        vector=vector_of(sample),
        **_described(sample, found, target, names, known),
    )


def _attribute(explainer: Explainer, sample: UnitRow, target: int) -> Attribution:
    """Return what a method says of a row.

    Raises:
        DataError: It looks into a network, and the row is that of a function.
    """
    if explainer.needs_network and not isinstance(sample, Sample):
        raise DataError(
            f"{explainer.name} looks into networks of mmgraph, and this is a function; use "
            '"shapley", "occlusion" or "counterfactual"'
        )
    return explainer.attribute(cast(Sample, sample), target)


def _described(
    sample: UnitRow, found: Attribution, target: int, names: Sequence[str], known: KnownRows | None
) -> dict[str, Any]:
    """Return the scored nodes, and what else a network tells: edges, parts, neighbours."""
    if isinstance(sample, FunctionRow):
        return {"nodes": sample.scored(found.scores)}
    assert isinstance(sample, Sample)
    return {
        "nodes": _nodes(sample, found.scores),
        "edges": _edges(sample, found),
        "parts": sample.parts(target),
        "neighbours": neighbours_of(sample, target, names, known),
    }


def output_names(fitted: FittedModel | FunctionModel) -> list[str]:
    """Return the classes or labels of a model, or numbers for values."""
    return [str(each) for each in fitted.output_names]


def find_output(fitted: FittedModel | FunctionModel, target: Any) -> int | None:
    """Return which output a class, a label or a number is; None for None.

    Raises:
        DataError: There is none.
    """
    if target is None:
        return None
    outputs = fitted.output_names
    if target not in outputs:
        known = ", ".join(repr(getattr(each, "item", lambda e=each: e)()) for each in outputs[:10])
        raise DataError(f"target={quote(target)}: expected one of the outputs {known}, or None")
    return outputs.index(target)


def _nodes(sample: Sample, scores: Float[Tensor, "units"]) -> list[NodeScore]:
    values = iter(scores.tolist())
    nodes = []
    for name, layer in _all_nodes(sample).items():
        modality = sample.modalities.get(name)
        kind = "global" if modality is None else modality.kind
        pairs = zip(layer.item[layer.mask].tolist(), layer.index[layer.mask].tolist(), strict=True)
        for item, index in pairs:
            if modality is None or not sample.counts[name]:
                label = Place("(all)" if modality is None else "(missing)")
                nodes.append(NodeScore(name, kind, item, index, label, 0.0, is_input=False))
            else:
                place = modality.place(sample.items[name][item], index)
                nodes.append(NodeScore(name, kind, item, index, place, next(values)))
    return nodes


def _all_nodes(sample: Sample) -> Mapping[str, Nodes]:
    return sample.nodes if sample.graph is None else sample.graph.nodes


def _edges(sample: Sample, found: Attribution) -> Sequence[EdgeScores]:
    """Return what the method says of edges, or else the attention of a graph that has a say."""
    if found.edges is not None:
        assert sample.graph is not None
        listed = sample.graph.edge_index_dict()
        return _scored(
            sample, [(k, None, listed[k], w.unsqueeze(1)) for k, w in found.edges.items()]
        )
    if not sample.model.weights[1]:
        return ()

    def attention() -> list[EdgeScores]:
        weights = attention_of(sample)
        return _scored(sample, [(w.edge_type, w.layer, w.edge_index, w.weight) for w in weights])

    return LazyEdges(attention)


def _scored(
    sample: Sample, weighed: Sequence[tuple[EdgeType, int | None, Tensor, Tensor]]
) -> list[EdgeScores]:
    places = place_of_nodes(_all_nodes(sample))
    return [
        EdgeScores(
            relation=kind,
            layer=layer,
            source=(edge_index[0] + places[kind[0]].start).numpy(),
            target=(edge_index[1] + places[kind[2]].start).numpy(),
            weight=weight.detach().numpy().astype(np.float32),
        )
        for kind, layer, edge_index, weight in weighed
        if edge_index.shape[1]
    ]
