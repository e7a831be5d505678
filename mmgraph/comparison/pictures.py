"""Pictures of comparisons, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmgraph.comparison.tables import LOWER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Okabe and Ito's colours, which colour-blind people can tell apart.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_BLUE, _ORANGE = _COLORS[:2]
#: Differences with a smaller adjusted p-value are starred.
_LEVEL = 0.05


def plot_comparison(frame: pd.DataFrame, summary: pd.DataFrame, reference: str) -> Figure:
    """Draw the mean of every method over its folds, best on top: a panel for each metric.

    Args:
        frame: What `tables.tabulate_runs` returns; a grey dot is the mean of a fold's seeds.
        summary: What `tables.summarise` returns; bars are one standard deviation between folds,
            and a star is a difference to the reference with p < 0.05.
        reference: The method drawn in orange, with a line through its mean.
    """
    from mmgraph.plot.figure import ShownFigure

    metrics = list(dict.fromkeys(summary["metric"]))
    methods = summary.loc[summary["metric"] == metrics[0], "method"].tolist()
    size = (4.2 * len(metrics) + 2.2, 0.32 * len(methods) + 1.2)
    figure = ShownFigure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        rows = summary[summary["metric"] == metric].set_index("method").loc[methods]
        folds = frame[frame["metric"] == metric].groupby(["method", "fold"])["value"].mean()
        for place, (method, row) in enumerate(rows.iterrows()):
            values = folds[method].to_numpy()
            axes.plot(values, np.full(len(values), place), "o", color="0.7", markersize=3, zorder=1)
            color = _ORANGE if method == reference else _BLUE
            spread = 0.0 if np.isnan(row["std_folds"]) else row["std_folds"]
            axes.errorbar(row["mean"], place, xerr=spread, fmt="o", color=color, capsize=3)
        if reference in rows.index:
            axes.axvline(rows.loc[reference, "mean"], color=_ORANGE, linewidth=1, linestyle="--")
        axes.set(xlabel=metric)
        axes.grid(axis="x", alpha=0.3)
    stars = summary[summary["metric"] == metrics[0]].set_index("method")["p_holm"] < _LEVEL
    labels = [f"{method} *" if stars[method] else method for method in methods]
    panels[0].set_yticks(range(len(methods)), labels)
    panels[0].invert_yaxis()
    return figure


def plot_learning_curve(curve: pd.DataFrame, *, metric: str = "accuracy") -> Figure:
    """Draw a score against the number of training rows: a line for each method.

    The method with the best mean over all rows of the table is named first.

    Args:
        curve: What `Comparison.curve` returns; bands are one standard deviation between runs.
        metric: Name of the metric. With a column "slice" there is a panel for each slice.
    """
    from mmgraph.plot.figure import ShownFigure

    chosen = curve[curve["metric"] == metric]
    slices = list(chosen["slice"].unique()) if "slice" in chosen else [None]
    means = chosen.groupby("method")["value"].mean()
    methods = means.sort_values(ascending=metric in LOWER_IS_BETTER).index
    figure = ShownFigure(figsize=(3.9 * len(slices) + 2.2, 3.8), layout="constrained")
    panels = figure.subplots(1, len(slices), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, slices, strict=True):
        part = chosen if name is None else chosen[chosen["slice"] == name]
        for number, method in enumerate(methods):
            values = part[part["method"] == method].groupby("train_rows")["value"]
            table = values.agg(["mean", "std"]).fillna(0.0)
            style = {"color": _COLORS[number % 7], "marker": "osD^vP*X"[number % 8]}
            axes.plot(table.index, table["mean"], label=method, markersize=4, **style)
            low, high = table["mean"] - table["std"], table["mean"] + table["std"]
            axes.fill_between(table.index, low, high, color=style["color"], alpha=0.15, lw=0)
        axes.set(xlabel="training rows", xscale="log", title=name or "")
        sizes = sorted(part["train_rows"].unique())
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(metric)
    lines, names = panels[-1].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside right upper", fontsize=8)
    return figure
