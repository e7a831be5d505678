"""What is known of a fitted model, as facts and as a page: data, scores, versions, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph import __version__
from mmgraph.nn.tasks import Multiclass, Multilabel

if TYPE_CHECKING:
    from mmgraph.estimator import MultimodalEstimator

#: Lines of a table before the rest is only counted.
_MOST_LINES = 40

#: Classes with fewer training rows are named.
_FEW = 10


def write_card(estimator: MultimodalEstimator) -> str:
    """Return the model card of a fitted estimator in Markdown."""
    facts = estimator.facts_
    parts = [_summary(estimator), _inputs(estimator), _targets(estimator)]
    if facts:
        parts += [_held_out(estimator), _versions_table(facts["versions"])]
    return "\n\n".join([*parts, _limits(estimator)]) + "\n"


def _summary(estimator: MultimodalEstimator) -> str:
    model, facts = estimator.model_, estimator.facts_
    count = sum(p.numel() for n, p in model.named_parameters() if not n.startswith("linear."))
    linear = sum(p.numel() for p in model.parameters()) - count
    trained = f"Fitted on {facts['rows']:,} rows. " if facts else ""
    fusion = type(model.fusion).__name__
    parts = [f"{fusion} with its encoders: {count:,} parameters, weight {_weight(estimator, 1)}"]
    if model.linear is not None:
        parts.append(f"a linear model: {linear:,} parameters, weight {_weight(estimator, 0)}")
    return (
        f"# Model card\n\n`{type(estimator).__name__}` of mmgraph {__version__}: predicts "
        f"{_what(estimator)} from {_names(estimator)}. {trained}Its logits are the weighted sum of "
        f"{' and '.join(parts)}.\n\n"
        "```python\nfrom mmgraph import load\n\nmodel = load(path)  # this folder\n"
        "model.predict(frame)\n```"
    )


def _weight(estimator: MultimodalEstimator, part: int) -> str:
    return f"{float(estimator.model_.weights[part]):.2f}"


def _what(estimator: MultimodalEstimator) -> str:
    task, label = estimator.model_.task, estimator.facts_.get("label")
    of = f" of `{label}`" if isinstance(label, str) else ""
    if isinstance(task, Multiclass):
        return f"one of {task.outputs} classes{of}"
    if isinstance(task, Multilabel):
        return f"any of {task.outputs} labels{of}"
    return f"{'a number' if task.outputs == 1 else f'{task.outputs} numbers'}{of}"


def _names(estimator: MultimodalEstimator) -> str:
    named = [f"`{each.node_type}` ({each.kind})" for each in estimator.modalities_]
    return ", ".join(named[:-1]) + (" and " if named[:-1] else "") + named[-1]


def _inputs(estimator: MultimodalEstimator) -> str:
    facts = estimator.facts_
    rows = []
    for modality in estimator.modalities_:
        there = f"{facts['rows_with'][modality.node_type]:,}" if facts else "unknown"
        columns = ", ".join(f"`{column}`" for column in modality.column_list)
        rows.append((modality.node_type, type(modality).__name__, columns, there))
    return "## Inputs\n\n" + _table(("input", "read as", "columns", "training rows with it"), rows)


def _targets(estimator: MultimodalEstimator) -> str:
    classes = getattr(estimator, "classes_", None)
    found = estimator.facts_.get("targets", {})
    if classes is not None:
        counts = found.get("count", ["unknown"] * len(classes))
        head: tuple[str, ...] = ("label" if _is_multilabel(estimator) else "class", "training rows")
        rows = list(zip(classes.tolist(), counts, strict=True))
    else:
        head = ("number", *found)
        rows = list(enumerate(zip(*found.values(), strict=True)))
        rows = [(place, *(f"{value:.6g}" for value in values)) for place, values in rows]
    return f"## Targets\n\n{_table(head, rows)}" if rows else "## Targets\n\nOne number."


def _is_multilabel(estimator: MultimodalEstimator) -> bool:
    return isinstance(estimator.model_.task, Multilabel)


def _held_out(estimator: MultimodalEstimator) -> str:
    facts = estimator.facts_
    if not facts["held_out_rows"]:
        return "## Held-out score\n\nNo rows were held out."
    metric = estimator.model_.task.metric
    scores = [(name, f"{facts['held_out'][name]:.4f}") for name in (metric, "loss")]
    grouped = f", whole groups of `{facts['groups']}`" if facts["groups"] else ""
    again = ", which was then fitted again on all rows" if estimator.refit else ""
    table = _table(("metric", "value"), scores)
    return (
        f"## Held-out score\n\n{table}\n\nOn {facts['held_out_rows']:,} of the rows{grouped}, by "
        f"a model fitted on the others{again}. The same rows chose the number of epochs and the "
        "weights of the parts, so this is a little too good; judge by rows that `fit` never saw."
    )


def _versions_table(versions: Mapping[str, str]) -> str:
    return "## Versions\n\n" + _table(("package", "version"), list(versions.items()))


def _limits(estimator: MultimodalEstimator) -> str:
    facts = estimator.facts_
    limits = []
    if hasattr(estimator, "classes_"):
        limits.append("It knows no others than those above.")
        limits += _rare(estimator.classes_, facts)
    complete = [n for n, there in facts.get("rows_with", {}).items() if there == facts["rows"]]
    if complete:
        names = ", ".join(f"`{name}`" for name in complete)
        limits.append(f"No training row lacked {names}: rows that do are another kind of data.")
    if estimator.modality_dropout:
        limits.append(
            f"In training, each input of a row was hidden with probability "
            f"{estimator.modality_dropout:g}, so that rows may lack some."
        )
    limits.append("A row without any input gets the prior of the training rows.")
    limits.append("Where the data come from and whom they stand for is not recorded.")
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _rare(classes: np.ndarray, facts: Mapping[str, Any]) -> list[str]:
    """Name the classes with next to no training rows."""
    counts = np.array(facts["targets"]["count"] if facts else [])
    few = [str(classes[place]) for place in np.flatnonzero(counts < _FEW)]
    more = f" and {len(few) - 10} more" if len(few) > 10 else ""
    return [f"With fewer than {_FEW} training rows: {', '.join(few[:10])}{more}."] if few else []


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    shown = [head, ["---"] * len(head), *rows[:_MOST_LINES]]
    lines = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in shown]
    if len(rows) > _MOST_LINES:
        lines.append(f"\n... and {len(rows) - _MOST_LINES} more")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
