"""From runs to tables: scores of each run, and what they say of the methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.comparison.statistics import corrected_t_test, holm
from mmgraph.comparison.store import Run
from mmgraph.kinds import TaskKind
from mmgraph.metrics import NEED_PROBABILITIES, default_metrics, evaluate_predictions

if TYPE_CHECKING:
    import pandas as pd

#: Metrics of which less is better.
LOWER_IS_BETTER = frozenset({"mae", "rmse", "log_loss", "ece"})

COLUMNS = (
    *("method", "fold", "seed", "metric", "value", "parameters"),
    *("fit_seconds", "predict_seconds", "train_rows", "test_rows"),
)


def compared_metrics(kind: TaskKind) -> tuple[str, ...]:
    """Return the metrics that methods are compared by where none are chosen.

    Example:
        >>> compared_metrics("multiclass")
        ('accuracy', 'macro_f1', 'log_loss', 'ece')
    """
    more = ("rmse",) if kind == "regression" else ("log_loss", "ece")
    return (*default_metrics(kind), *more)


def tabulate_runs(runs: Sequence[Run], metrics: Sequence[str], by: Any = None) -> pd.DataFrame:
    """Return a row for each run and metric.

    A metric of probabilities is NaN for methods that give none.

    Args:
        runs: Finished runs.
        metrics: Names of metrics.
        by: A value for each row of the whole table, to score the rows of each value apart, in a
            column "slice"; None: all rows together.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for run in runs:
        for name, chosen in _slices(run, by):
            scores = _score(run, metrics, chosen)
            facts = {column: getattr(run, column, None) for column in COLUMNS}
            facts |= {"test_rows": int(chosen.sum())} | ({} if by is None else {"slice": name})
            rows += [facts | {"metric": key, "value": x} for key, x in scores.items()]
    columns = COLUMNS if by is None else (*COLUMNS, "slice")
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({"value": float, "parameters": "Int64"})


def _score(run: Run, metrics: Sequence[str], chosen: Any) -> dict[str, float]:
    probabilities = None if run.probabilities is None else run.probabilities[chosen]
    given = run.truth[chosen], run.predicted[chosen], probabilities, run.classes
    known = [
        name for name in metrics if probabilities is not None or name not in NEED_PROBABILITIES
    ]
    scores = evaluate_predictions(known, *given)
    return {name: scores.get(name, float("nan")) for name in metrics}


def score_together(runs: Sequence[Run], metrics: Sequence[str]) -> pd.DataFrame:
    """Return metrics of all rows that a method predicted with a seed, whatever the fold.

    A calibration error of few rows is mostly chance; of those of all folds together it is less.

    Returns:
        Columns method, seed, metric and value.
    """
    import pandas as pd

    found: list[dict[str, Any]] = []
    for method, seed in dict.fromkeys((run.method, run.seed) for run in runs):
        chosen = [run for run in runs if (run.method, run.seed) == (method, seed)]
        scores = _score(join_runs(chosen), metrics, slice(None))
        facts = {"method": method, "seed": seed}
        found += [facts | {"metric": metric, "value": x} for metric, x in scores.items()]
    return pd.DataFrame(found, columns=["method", "seed", "metric", "value"])


def join_runs(runs: Sequence[Run]) -> Run:
    """Return runs of several folds as one; a class that a fold lacks has probability 0 there."""
    joined = replace(
        runs[0],
        rows=np.concatenate([run.rows for run in runs]),
        truth=np.concatenate([run.truth for run in runs]),
        predicted=np.concatenate([run.predicted for run in runs]),
        probabilities=None,
    )
    tables = [(run.probabilities, run.classes) for run in runs]
    known = [(p, names) for p, names in tables if p is not None and names is not None]
    if len(known) < len(runs):
        return joined
    classes = np.unique(np.concatenate([names for _, names in known]))
    parts = []
    for p, names in known:
        part = np.zeros((len(p), len(classes)), dtype=p.dtype)
        part[:, np.searchsorted(classes, names)] = p
        parts.append(part)
    return replace(joined, probabilities=np.concatenate(parts), classes=classes)


def _slices(run: Run, by: Any) -> list[tuple[Any, Any]]:
    if by is None:
        return [(None, np.ones(len(run.rows), dtype=bool))]
    values = np.asarray(by)[run.rows]
    return [(value, values == value) for value in np.unique(values).tolist()]


def summarise_runs(
    frame: pd.DataFrame, reference: str, together: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a row for each metric and method, best first, tested against the reference.

    Args:
        frame: What `tabulate_runs` returns, of runs on folds.
        reference: Name of a method.
        together: What `score_together` returns of the same runs.

    Returns:
        Columns metric, method, mean, std_folds (between folds, of the means over their seeds),
        std_seeds (between seeds, of the means over their folds), together (of the rows of all
        folds together, mean over seeds; only where given), difference (to the reference,
        on the folds that both have), t and p (corrected resampled t-test of these differences),
        p_holm (adjusted for all methods of the metric), parameters, fit_seconds, predict_seconds
        (means) and runs. What one fold, or one seed, cannot tell is NaN.
    """
    import pandas as pd

    parts = [_summarise_metric(part, reference) for _, part in frame.groupby("metric", sort=False)]
    summary = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if together is None or not len(summary):
        return summary
    means = together.groupby(["metric", "method"])["value"].mean()
    values = summary.join(means, on=["metric", "method"])["value"]
    summary.insert(summary.columns.tolist().index("std_seeds") + 1, "together", values)
    return summary


def _summarise_metric(frame: pd.DataFrame, reference: str) -> pd.DataFrame:
    import pandas as pd

    metric = str(frame["metric"].iloc[0])
    values = frame.groupby(["method", "fold"], sort=False)["value"]
    means = values.mean().unstack("fold")  # methods by folds
    of_seeds = frame.groupby(["method", "seed"], sort=False)["value"].mean().unstack("seed")
    share = float((frame["test_rows"] / frame["train_rows"]).mean())
    grouped = frame.groupby("method", sort=False)
    table = pd.DataFrame(
        {
            "mean": means.mean(axis=1),
            "std_folds": means.std(axis=1),
            "std_seeds": of_seeds.std(axis=1),
            "parameters": grouped["parameters"].max(),
            "fit_seconds": grouped["fit_seconds"].mean(),
            "predict_seconds": grouped["predict_seconds"].mean(),
            "runs": grouped.size(),
        }
    )
    compared = [_compare(means, str(method), reference, share) for method in means.index]
    tests = pd.DataFrame(compared, index=means.index, columns=["difference", "t", "p"])
    table = table.join(tests)
    table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
    table = table.sort_values("mean", ascending=metric in LOWER_IS_BETTER, kind="stable")
    table = table.rename_axis("method").reset_index()
    table.insert(0, "metric", metric)
    order = ["metric", "method", "mean", "std_folds", "std_seeds", "difference", "t", "p"]
    return table[[*order, "p_holm", "parameters", "fit_seconds", "predict_seconds", "runs"]]


def _compare(
    means: pd.DataFrame, method: str, reference: str, share: float
) -> tuple[float, float, float]:
    """Return the mean difference to the reference, t and p, on the folds that both have."""
    if method == reference or reference not in means.index:
        return float("nan"), float("nan"), float("nan")
    differences = (means.loc[method] - means.loc[reference]).dropna().to_numpy(dtype=float)
    if not len(differences):
        return float("nan"), float("nan"), float("nan")
    return float(differences.mean()), *corrected_t_test(differences, share)


def tabulate_errors(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the rows that every method got wrong in every run, most confidently wrong first.

    Returns:
        Columns row (position in the table), truth, predicted (the most frequent wrong class),
        agreement (share of the runs that said so) and probability (of the true class, mean over
        the runs that give any).
    """
    import pandas as pd

    parts = [_judge(run) for run in runs]
    columns = ["row", "truth", "predicted", "agreement", "probability"]
    if not parts:
        return pd.DataFrame(columns=columns)
    judged = pd.concat(parts, ignore_index=True)
    methods = judged["method"].nunique()
    rows = judged.groupby("row")
    wrong = rows["wrong"].all() & (rows["method"].nunique() == methods)
    judged = judged[judged["row"].isin(wrong[wrong].index)]
    found = [
        {
            "row": row,
            "truth": part["truth"].iloc[0],
            "predicted": part["predicted"].mode().iloc[0],
            "agreement": float(part["predicted"].value_counts(normalize=True).iloc[0]),
            "probability": float(part["probability"].mean()),
        }
        for row, part in judged.groupby("row")
    ]
    listing = pd.DataFrame(found, columns=columns)
    return listing.sort_values(["probability", "agreement"], ascending=[True, False])


def _judge(run: Run) -> pd.DataFrame:
    import pandas as pd

    probability = np.full(len(run.rows), np.nan)
    if run.probabilities is not None and run.classes is not None:
        column = {label: number for number, label in enumerate(run.classes.tolist())}
        for number, label in enumerate(run.truth.tolist()):
            # A class that the training rows lack was given no probability.
            known = label in column
            probability[number] = run.probabilities[number, column[label]] if known else 0.0
    return pd.DataFrame(
        {
            "method": run.method,
            "row": run.rows,
            "truth": run.truth,
            "predicted": run.predicted,
            "wrong": run.truth != run.predicted,
            "probability": probability,
        }
    )
