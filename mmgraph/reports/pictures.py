"""A report as a picture: confusion, calibration, slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmgraph.plot.results import draw_confusion
from mmgraph.plot.style import BLUE, ORANGE, shorten

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmgraph.reports.record import ReportRecord

#: Slices that are drawn, and classes whose counts are written.
_MOST_SLICES, _MOST_COUNTS = 20, 30


def plot_report(report: ReportRecord) -> Figure:
    """Draw the confusion matrix, the calibration curve and the slices, as far as there are any.

    Args:
        report: What `mmgraph.report` returns.
    """
    from mmgraph.plot.figure import ShownFigure

    parts = []
    if report.confusion is not None:
        parts.append((_draw_confusion, report.confusion))
    if report.calibration is not None:
        parts.append((_draw_calibration, report.calibration))
    if len(report.slices):
        parts.append((_draw_slices, report.slices.head(_MOST_SLICES)))
    figure = ShownFigure(figsize=(5.2 * max(len(parts), 1), 4.8), layout="constrained")
    panels = figure.subplots(1, max(len(parts), 1), squeeze=False)[0]
    for axes, (draw, table) in zip(panels, parts, strict=False):
        draw(axes, table)
    return figure


def _draw_confusion(axes: Axes, table: pd.DataFrame) -> None:
    counts = table.to_numpy()
    draw_confusion(axes, counts, table.columns, most_counts=_MOST_COUNTS, rotation=90)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion (shade: share of the row)")


def _draw_calibration(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    axes.plot(table["confidence"], table["accuracy"], "o-", color=BLUE)
    share = table["rows"] / table["rows"].sum()
    axes.bar(table["confidence"], share, width=0.06, color=ORANGE, alpha=0.4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy; bars: share of rows")
    axes.set_title("Calibration")
    axes.grid(alpha=0.3)


def _draw_slices(axes: Axes, table: pd.DataFrame) -> None:
    metric = table.columns[3]
    names = [
        shorten(f"{name}: {value}", 30)
        for name, value in zip(table["slice"], table["value"], strict=True)
    ]
    place = np.arange(len(table))
    for low, high, height in zip(table["low"], table["high"], place, strict=True):
        axes.plot([low, high], [height, height], color=BLUE, linewidth=2)
    axes.plot(table[metric], place, "o", color=BLUE)
    axes.set_yticks(place, names)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.set(xlabel=metric, title="Slices, the worst first")
    axes.grid(axis="x", alpha=0.3)
