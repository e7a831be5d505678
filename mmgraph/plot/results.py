"""Training, scores, confusion and single predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from mmgraph.plot.style import BLUE, GREEN, ORANGE, RED, make_axes, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: With more classes the counts would overlap.
_MOST_COUNTS = 45


def plot_history(
    history: Sequence[Mapping[str, int | float]], axes: Axes | None = None
) -> Figure | SubFigure:
    """Draw the metric of training and held-out rows by epoch: accuracy, or mean absolute error.

    Args:
        history: `history_` of an estimator.
        axes: Where to draw; None: on a new figure.

    Returns:
        The figure.
    """
    from matplotlib.ticker import MaxNLocator

    axes = make_axes(axes, 6.0, 4.0)
    metric = "mae" if history and "train_mae" in history[0] else "accuracy"
    epochs = [entry["epoch"] + 1 for entry in history]
    lines = (("train", "training", BLUE, "o-"), ("val", "held out", ORANGE, "s--"))
    for key, label, color, style in lines:
        values = [entry.get(f"{key}_{metric}", np.nan) for entry in history]
        axes.plot(epochs, values, style, color=color, label=label, markersize=4)
    name = "mean absolute error" if metric == "mae" else metric
    axes.set(xlabel="epoch", ylabel=name, ylim=(0, 1.02 if metric == "accuracy" else None))
    axes.set_title("Training of the graph")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right" if metric == "mae" else "lower right")
    return axes.figure


def plot_confusion(true: Any, predicted: Any, axes: Axes | None = None) -> Figure | SubFigure:
    """Draw the confusion matrix: shares of each true class, with counts written in.

    Args:
        true: Label of each row.
        predicted: Predicted label of each row.
        axes: Where to draw; None: on a new figure, large enough for its classes.

    Returns:
        The figure.
    """
    from sklearn.metrics import confusion_matrix

    classes = np.unique(np.concatenate([np.asarray(true), np.asarray(predicted)]))
    side = min(20.0, 3 + 0.38 * len(classes))
    axes = make_axes(axes, side + 1.0, side)
    counts = confusion_matrix(true, predicted, labels=classes)
    rotation = 90 if len(classes) > 20 else 60
    draw_confusion(axes, counts, classes, most_counts=_MOST_COUNTS, rotation=rotation)
    for label in axes.get_xticklabels():
        label.set(ha="right" if len(classes) <= 20 else "center", rotation_mode="default")
    axes.set(xlabel="predicted", ylabel="true", title="Confusion (counts; shade: share of the row)")
    return axes.figure


def draw_confusion(
    axes: Axes,
    counts: Int[np.ndarray, "classes classes"],
    classes: Iterable[Any],
    *,
    most_counts: int,
    rotation: int,
) -> None:
    """Draw a confusion matrix, shaded by shares of its rows.

    Args:
        axes: Where to draw.
        counts: Rows by true and predicted class.
        classes: Names of both.
        most_counts: With more classes the counts are not written.
        rotation: How far the names below are turned, in degrees.
    """
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if len(counts) <= most_counts:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if share[row, column] > 0.5 else "black"
                text = axes.text(column, row, str(count), color=color, fontsize=7)
                text.set(ha="center", va="center")
    names = [shorten(name, 20) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=rotation)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(labelsize=8)


def plot_scores(scores: Mapping[str, float], axes: Axes, *, xlabel: str = "accuracy") -> None:
    """Draw one bar for each model, its score written beside it.

    Args:
        scores: Score of each model, the best thing last.
        axes: Where to draw.
        xlabel: Name of the score.
    """
    colors = [BLUE] * (len(scores) - 1) + [ORANGE]
    bars = axes.barh(list(scores), list(scores.values()), color=colors)
    axes.bar_label(bars, fmt="%.3f", padding=3)
    axes.invert_yaxis()
    axes.set(xlabel=xlabel, xlim=(0, 1), title="Test split")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def plot_prediction(
    image: Any, text: Any, true: str, classes: Any, probability: Float[np.ndarray, "_"], axes: Axes
) -> None:
    """Draw an image with its text, its true class and the two most probable classes.

    Args:
        image: Anything an `Image` modality reads.
        text: The text that goes with it, if any.
        true: Its label.
        classes: `classes_` of the estimator.
        probability: Probability of each class.
        axes: Where to draw.
    """
    from mmgraph.modalities.decoding.image import decode_image
    from mmgraph.tables.missing import is_missing

    axes.imshow(decode_image(image))
    axes.set_xticks([])
    axes.set_yticks([])
    best = np.argsort(probability)[::-1][:2]
    guesses = "\n".join(f"{shorten(classes[k], 20)} {probability[k]:.0%}" for k in best)
    right = classes[best[0]] == true
    verdict = guesses if right else f"{guesses}\ntrue: {shorten(true, 20)}"
    for spine in axes.spines.values():
        spine.set_color(GREEN if right else RED)
        spine.set_linewidth(2.5)
    title = "" if is_missing(text) else " ".join(str(text).split())
    axes.set_title(shorten(title, 20), fontsize=8)
    axes.set_xlabel(verdict, fontsize=8, color="black")


def plot_results(
    scores: Mapping[str, float],
    history: Sequence[Mapping[str, int | float]],
    true: Any,
    predicted: Any,
    samples: Sequence[Mapping[str, Any]],
) -> Figure:
    """Draw scores, training, confusion and a few samples on one page.

    Args:
        scores: Score of each model.
        history: `history_` of an estimator.
        true: Label of each test row.
        predicted: Predicted label of each test row.
        samples: Arguments of `plot_prediction`, except the axes; eight fit well.
    """
    from mmgraph.plot.figure import ShownFigure

    figure = ShownFigure(figsize=(14, 9), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[2.3, 1], width_ratios=[1, 1.5])
    left, right = figure.add_subfigure(grid[0, 0]), figure.add_subfigure(grid[0, 1])
    bottom = figure.add_subfigure(grid[1, :])
    upper, lower = left.subplots(2, 1)
    plot_scores(scores, upper)
    plot_history(history, lower)
    plot_confusion(true, predicted, right.subplots())
    panels = bottom.subplots(1, max(len(samples), 1), squeeze=False)[0]
    bottom.suptitle("Test samples: green frames are right, red ones wrong", fontsize=11)
    for axes, sample in zip(panels, samples, strict=False):
        plot_prediction(**sample, axes=axes)
    return figure
