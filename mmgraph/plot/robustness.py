"""How scores fall with missing inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmgraph.plot.style import COLORS, MARKERS
from mmgraph.robustness import EVERY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def plot_robustness(curve: pd.DataFrame, *, ylabel: str = "accuracy") -> Figure:
    """Draw how scores fall with missing inputs: a panel a modality, a line a model.

    Args:
        curve: What `mmgraph.robustness_curve` returns; bands are one standard deviation.
        ylabel: Name of the score.
    """
    from mmgraph.plot.figure import ShownFigure

    modalities = list(curve["modality"].unique())
    figure = ShownFigure(figsize=(3.6 * len(modalities) + 0.6, 3.6), layout="constrained")
    panels = figure.subplots(1, len(modalities), sharey=True, squeeze=False)[0]
    models = curve["model"].unique()
    for axes, modality in zip(panels, modalities, strict=True):
        for number, model in enumerate(models):
            chosen = curve[(curve["modality"] == modality) & (curve["model"] == model)]
            table = chosen.groupby("rate")["score"].agg(["mean", "std"]).fillna(0.0)
            style = {"color": COLORS[number % 7], "marker": MARKERS[number % 8]}
            axes.plot(table.index, table["mean"], label=model, markersize=4, **style)
            low, high = table["mean"] - table["std"], table["mean"] + table["std"]
            axes.fill_between(table.index, low, high, color=style["color"], alpha=0.15, lw=0)
        missing = f"without {modality}" if modality != EVERY else "without each, independently"
        axes.set(xlabel=f"share of rows {missing}", title=modality)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(ylabel)
    panels[-1].legend(fontsize=8)
    return figure
