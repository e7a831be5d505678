"""Comparisons as tables of Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.comparison.store import Run
from mmgraph.comparison.tables import LOWER_IS_BETTER
from mmgraph.system.markdown import escape

if TYPE_CHECKING:
    import pandas as pd

#: How metrics are written.
_NAMES = {
    **{"macro_f1": "macro-F1", "micro_f1": "micro-F1"},
    **{"log_loss": "log loss", "ece": "ECE", "mae": "MAE", "rmse": "RMSE"},
}
#: Metrics of few rows that are mostly chance, so that the rows of all folds are taken together.
TOGETHER = frozenset({"ece"})


def write_table(summary: pd.DataFrame, runs: Sequence[Run], *, reference: str, missing: int) -> str:
    """Return a table with a row for each method, and a line that says how it came about.

    Args:
        summary: What `summarise_runs` returns.
        runs: The runs it was made of.
        reference: The method of the tests.
        missing: Number of planned runs that are not done.
    """
    if not len(summary):
        return "No run is done yet.\n"
    metrics = list(dict.fromkeys(summary["metric"]))
    first = summary[summary["metric"] == metrics[0]].set_index("method")
    columns = [_NAMES.get(metric, metric) for metric in metrics]
    columns = [escape(name) for name in columns]
    columns += [f"{columns[0]}, against {escape(reference)}", "p", "parameters", "fit, s", "runs"]
    lines = ["| method | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method, row in first.iterrows():
        cells = [_mean(summary, metric, str(method)) for metric in metrics]
        cells += [_signed(row["difference"]), _p_value(row["p_holm"]), _count(row["parameters"])]
        cells += [f"{row['fit_seconds']:.1f}", str(int(row["runs"]))]
        name = f"**{escape(method)}**" if method == reference else escape(method)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _explain(runs, metrics, missing)]) + "\n"


def _mean(summary: pd.DataFrame, metric: str, method: str) -> str:
    row = summary[(summary["metric"] == metric) & (summary["method"] == method)].iloc[0]
    if math.isnan(row["mean"]):
        return ""
    of_seeds = "" if math.isnan(row["std_seeds"]) else _number(row["std_seeds"])
    if metric in TOGETHER and "together" in row:
        return _number(row["together"])
    if math.isnan(row["std_folds"]):
        return _number(row["mean"]) + (f" ± {of_seeds}" if of_seeds else "")
    return f"{_number(row['mean'])} ± {_number(row['std_folds'])}" + (
        f" ({of_seeds})" if of_seeds else ""
    )


def _number(value: float) -> str:
    """Write shares without the zero before the point, as the field does."""
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _signed(value: float) -> str:
    return "" if math.isnan(value) else ("+" if value >= 0 else "-") + _number(abs(value))


def _p_value(value: float) -> str:
    if math.isnan(value):
        return ""
    return "< .001" if value < 0.001 else _number(value)


def _count(value: Any) -> str:
    import pandas as pd

    return "" if pd.isna(value) else f"{int(value):,}"


def _explain(runs: Sequence[Run], metrics: Sequence[str], missing: int) -> str:
    folds, seeds = sorted({run.fold for run in runs}), sorted({run.seed for run in runs})
    versions = runs[-1].versions
    # No seed has all folds where each shuffles its own.
    anew = all({run.fold for run in runs if run.seed == seed} < set(folds) for seed in seeds)
    text = [f"{len(folds)} fold{'s' * (len(folds) > 1)}"]
    text[0] += ", shuffled anew by each seed" if anew else f" ({', '.join(map(escape, folds))})"
    text.append(f"seeds {', '.join(map(str, seeds))}")
    text.append(f"{min(r.train_rows for r in runs):,} rows or more trained on")
    text.append(f"{min(r.date for r in runs)[:10]} to {max(r.date for r in runs)[:10]}")
    text.append(", ".join(f"{escape(name)} {escape(each)}" for name, each in versions.items()))
    spread = "± is the standard deviation between folds"
    spread += "" if anew else " of the means over seeds"
    if len(seeds) > 1:
        spread += ", in brackets that between seeds of the means over their folds"
    if len(folds) < 2:
        spread = "± is the standard deviation between seeds; one fold allows no test"
    tests = (
        "; p: corrected resampled t-test (Nadeau and Bengio, 2003) on the folds, adjusted for all "
        "methods by Holm's procedure"
        if len(folds) > 1
        else ""
    )
    lower = [metric for metric in metrics if metric in LOWER_IS_BETTER]
    named = [escape(_NAMES.get(metric, metric)) for metric in lower]
    less = f" Less is better: {', '.join(named)}." if lower else ""
    if TOGETHER & set(metrics) and len(folds) > 1:
        less += " ECE is that of the rows of all folds together, the mean over seeds."
    lacking = f" **{missing} planned runs are not done yet.**" if missing else ""
    return f"{'; '.join(text)}. {spread}{tests}.{less}{lacking}"
