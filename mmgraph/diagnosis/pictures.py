"""One page of a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from mmgraph.diagnosis.verdict import sentences
from mmgraph.plot.style import BLACK, BLUE, GREEN, ORANGE, SKY, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmgraph.diagnosis.measures import Measure, Measures

#: Names of measures of the whole model, and how pictures call them.
_SCORES = {
    "score": "the model",
    "linear_model": "its linear model",
    "vote": "its neighbours' vote",
    "fused_part": "its fused part",
    "nothing": "nothing",
}
_LOSSES = {
    "interaction": "without interaction (EMAP)",
    "edges_removed": "without edges across",
    "edges_shuffled": "edges to another row",
    "linear_removed": "without linear model",
    "own_removed": "without {}'s own model",
    "neighbours_removed": "without neighbours",
    "linked_targets_removed": "without linked targets",
    "graph_removed": "without graph",
}
#: What the lines at the ends of bars are.
_LINES = "lines: two standard errors"
#: Measures of each modality, with the colour and the hatching of their bars.
_MODALITY = {
    "shapley": ("Shapley value", BLUE, ""),
    "hidden": ("loss when hidden", SKY, "//"),
    "permuted": ("loss when permuted", ORANGE, ".."),
}


def plot_diagnosis(diagnosis: Measures) -> Figure:
    """Draw scores, modalities, interaction and edges on one page, the verdict below.

    Lines at the ends of bars are two standard errors to either side, and end where scores do.

    Args:
        diagnosis: What `mmgraph.diagnose` returns.
    """
    from mmgraph.plot.figure import ShownFigure

    wrapped = "\n".join(fill(part, 185) for part in "\n".join(sentences(diagnosis)).split("\n"))
    lines = wrapped.count("\n") + 1
    modalities = len(diagnosis.modalities)
    upper = max(3.6, 1.6 + 0.62 * modalities, 0.36 * (len(_SCORES) + modalities) + 1.3)
    upper = max(upper, 0.4 * len(_losses(diagnosis)) + 1.3)
    lower = 0.2 * lines + 0.3
    figure = ShownFigure(figsize=(14, upper + lower), layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=[upper, lower])
    top, bottom = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    panels = top.subplots(1, 3, width_ratios=[1, 1.2, 0.9])
    _draw_scores(diagnosis, panels[0])
    _draw_modalities(diagnosis, panels[1])
    _draw_losses(diagnosis, panels[2])
    for axes in panels:
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    text = wrapped.replace("$", r"\$")
    bottom.text(0.02, 0.98, text, va="top", ha="left", fontsize=10, linespacing=1.35)
    return figure


def _unit(diagnosis: Measures) -> tuple[float, str]:
    """Return factor and name of the unit of differences."""
    return (100.0, "points") if diagnosis.is_share else (1.0, diagnosis.score_name)


def _draw_scores(diagnosis: Measures, axes: Axes) -> None:
    rows = [(label, diagnosis.find(name)) for name, label in _SCORES.items()]
    alone = [
        (f"{shorten(name, 16)} alone", diagnosis.get("alone", name))
        for name in diagnosis.modalities
    ]
    rows = [*rows[:-1], *alone, rows[-1]]
    found = [(label, measure) for label, measure in rows if measure is not None]
    colors = [BLACK if label == _SCORES["score"] else GREEN for label, _ in found]
    most = 1.0 if diagnosis.is_share else float("inf")
    labels, measures = [label for label, _ in found], [each for _, each in found]
    _draw_bars(labels, measures, axes, 1.0, colors, most)
    axes.set(title="Scores", xlabel=f"{diagnosis.score_name}; {_LINES}")


def _draw_modalities(diagnosis: Measures, axes: Axes) -> None:
    factor, unit = _unit(diagnosis)
    height = 0.8 / len(_MODALITY)
    for number, (measure, (label, color, hatch)) in enumerate(_MODALITY.items()):
        found = [diagnosis.get(measure, name) for name in diagnosis.modalities]
        bars = axes.barh(
            [place + (number - 1) * height for place in range(len(found))],
            [factor * each.value for each in found],
            height,
            xerr=[2 * factor * each.error for each in found],
            color=color,
            hatch=hatch,
            edgecolor="white",
            ecolor="#444444",
            label=label,
        )
        axes.bar_label(bars, fmt=f"%.{_digits(factor)}f", padding=3, fontsize=8)
    names = [shorten(name, 16) for name in diagnosis.modalities]
    axes.set_yticks(range(len(names)), names)
    measures = [diagnosis.get(kind, name) for kind in _MODALITY for name in diagnosis.modalities]
    _make_room(measures, axes, factor)
    axes.set(title="What each modality brings", xlabel=f"{unit}; {_LINES}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=8, frameon=False)


def _draw_losses(diagnosis: Measures, axes: Axes) -> None:
    factor, unit = _unit(diagnosis)
    found = _losses(diagnosis)
    labels = [fill(label, 18) for label, _ in found]
    _draw_bars(labels, [each for _, each in found], axes, factor, [BLUE] * len(found))
    axes.axvline(0, color="#444444", lw=0.8)
    axes.set(title="Loss without a part", xlabel=f"{unit}; {_LINES}")


def _losses(diagnosis: Measures) -> list[tuple[str, Measure]]:
    """Return what was taken from the whole model, each with its label."""
    return [
        (label.format(shorten(each.modality or "", 12)), each)
        for name, label in _LOSSES.items()
        for each in diagnosis.measures
        if each.name == name
    ]


def _draw_bars(
    labels: Sequence[str],
    measures: Sequence[Measure],
    axes: Axes,
    factor: float,
    colors: Sequence[str],
    most: float = float("inf"),
) -> None:
    below = [2 * factor * each.error for each in measures]
    above = [min(2 * each.error, max(most - each.value, 0.0)) * factor for each in measures]
    bars = axes.barh(
        labels,
        [factor * each.value for each in measures],
        0.62,
        xerr=[below, above],
        color=colors,
        ecolor="#777777",
    )
    axes.bar_label(bars, fmt=f"%.{_digits(factor)}f", padding=3, fontsize=8)
    _make_room(measures, axes, factor, most)


def _make_room(
    measures: Sequence[Measure], axes: Axes, factor: float, most: float = float("inf")
) -> None:
    """Leave room beside the bars for their numbers."""
    low = min(0.0, *(each.value - 2 * each.error for each in measures)) * factor
    high = max(0.0, *(min(each.value + 2 * each.error, most) for each in measures)) * factor
    room = 0.28 * ((high - low) or 1.0)
    below = any(each.value < 0 for each in measures)
    axes.set_xlim(low - room * below, high + room)


def _digits(factor: float) -> int:
    return 3 if factor == 1 else 1
