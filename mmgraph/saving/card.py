"""What is known of a fitted model, as facts and as a page: data, scores, versions, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmgraph.fitted import FittedModel
from mmgraph.system.markdown import cell, code, escape
from mmgraph.version import __version__

#: Lines of a table before the rest is only counted.
_MOST_LINES = 40

#: Classes with fewer training rows are named.
_FEW = 10


def write_card(fitted: FittedModel, estimator: str, parameters: Mapping[str, Any]) -> str:
    """Return the model card of a fitted estimator in Markdown.

    Args:
        fitted: The fitted model.
        estimator: Name of the estimator's class.
        parameters: What it was made with.
    """
    facts = fitted.facts
    parts = [_summary(fitted, estimator), _inputs(fitted), _targets(fitted)]
    if facts:
        parts += [_held_out(fitted, parameters["refit"]), _versions_table(facts["versions"])]
    return "\n\n".join([*parts, _limits(fitted, parameters["training"].modality_dropout)]) + "\n"


def _summary(fitted: FittedModel, estimator: str) -> str:
    model, facts = fitted.network, fitted.facts
    count = sum(p.numel() for n, p in model.named_parameters() if not n.startswith("linear."))
    linear = sum(p.numel() for p in model.parameters()) - count
    trained = f"Fitted on {facts['rows']:,} rows. " if facts else ""
    fusion = type(model.fusion).__name__
    parts = [f"{fusion} with its encoders: {count:,} parameters, weight {_weight(fitted, 1)}"]
    if model.linear is not None:
        parts.append(f"a linear model: {linear:,} parameters, weight {_weight(fitted, 0)}")
    return (
        f"# Model card\n\n`{estimator}` of mmgraph {__version__}: predicts "
        f"{_what(fitted)} from {_names(fitted)}. {trained}Its logits are the weighted sum of "
        f"{' and '.join(parts)}.\n\n"
        "```python\nfrom mmgraph import load\n\nmodel = load(path)  # this folder\n"
        "model.predict(frame)\n```"
    )


def _weight(fitted: FittedModel, part: int) -> str:
    return f"{float(fitted.network.weights[part]):.2f}"


def _what(fitted: FittedModel) -> str:
    label = fitted.facts.get("label")
    return fitted.task.describe() + (f" of {code(label)}" if isinstance(label, str) else "")


def _names(fitted: FittedModel) -> str:
    named = [f"{code(each.node_type)} ({each.kind})" for each in fitted.modalities]
    return ", ".join(named[:-1]) + (" and " if named[:-1] else "") + named[-1]


def _inputs(fitted: FittedModel) -> str:
    facts = fitted.facts
    rows = []
    for modality in fitted.modalities:
        there = f"{facts['rows_with'][modality.node_type]:,}" if facts else "unknown"
        columns = cell(", ".join(code(column) for column in modality.column_list))
        rows.append((escape(modality.node_type), type(modality).__name__, columns, there))
    return "## Inputs\n\n" + _table(("input", "read as", "columns", "training rows with it"), rows)


def _targets(fitted: FittedModel) -> str:
    classes = fitted.outputs.classes
    found = fitted.facts.get("targets", {})
    rows: list[tuple[Any, ...]]
    if classes is not None:
        counts = found.get("count", ["unknown"] * len(classes))
        head: tuple[str, ...] = ("label" if fitted.task.has_sets else "class", "training rows")
        rows = list(zip(map(escape, classes.tolist()), counts, strict=True))
    else:
        head = ("number", *found)
        numbers = enumerate(zip(*found.values(), strict=True))
        rows = [(place, *(f"{value:.6g}" for value in values)) for place, values in numbers]
    return f"## Targets\n\n{_table(head, rows)}" if rows else "## Targets\n\nOne number."


def _held_out(fitted: FittedModel, refit: bool) -> str:
    facts = fitted.facts
    if not facts["held_out_rows"]:
        return "## Held-out score\n\nNo rows were held out."
    metric = fitted.network.task.metric
    scores = [(escape(name), f"{facts['held_out'][name]:.4f}") for name in (metric, "loss")]
    grouped = f", whole groups of {code(facts['groups'])}" if facts["groups"] else ""
    again = ", which was then fitted again on all rows" if refit else ""
    table = _table(("metric", "value"), scores)
    return (
        f"## Held-out score\n\n{table}\n\nOn {facts['held_out_rows']:,} of the rows{grouped}, by "
        f"a model fitted on the others{again}. The same rows chose the number of epochs and the "
        "weights of the parts, so this is a little too good; judge by rows that `fit` never saw."
    )


def _versions_table(versions: Mapping[str, str]) -> str:
    return "## Versions\n\n" + _table(
        ("package", "version"), [(escape(name), escape(each)) for name, each in versions.items()]
    )


def _limits(fitted: FittedModel, modality_dropout: float) -> str:
    facts = fitted.facts
    limits = []
    if fitted.outputs.classes is not None:
        limits.append("It knows no others than those above.")
        limits += _rare(fitted.outputs.classes, facts)
    complete = [n for n, there in facts.get("rows_with", {}).items() if there == facts["rows"]]
    if complete:
        names = ", ".join(map(code, complete))
        limits.append(f"No training row lacked {names}: rows that do are another kind of data.")
    if modality_dropout:
        limits.append(
            f"In training, each input of a row was hidden with probability "
            f"{modality_dropout:g}, so that rows may lack some."
        )
    limits.append("A row without any input gets the prior of the training rows.")
    limits.append("Where the data come from and whom they stand for is not recorded.")
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _rare(classes: np.ndarray, facts: Mapping[str, Any]) -> list[str]:
    """Name the classes with next to no training rows."""
    counts = np.array(facts["targets"]["count"] if facts else [])
    few = [escape(classes[place]) for place in np.flatnonzero(counts < _FEW)]
    more = f" and {len(few) - 10} more" if len(few) > 10 else ""
    return [f"With fewer than {_FEW} training rows: {', '.join(few[:10])}{more}."] if few else []


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    shown = [head, ["---"] * len(head), *rows[:_MOST_LINES]]
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in shown]
    if len(rows) > _MOST_LINES:
        lines.append(f"\n... and {len(rows) - _MOST_LINES} more")
    return "\n".join(lines)
