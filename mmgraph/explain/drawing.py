"""One explanation as a picture: regions and words shaded by what they did for the output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mmgraph.explain.neighbour_drawing import draw_neighbours
from mmgraph.explain.shading import mark, mark_region, shade_of
from mmgraph.explain.whole import ShownPart, largest_score, shown_parts
from mmgraph.plot.style import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image as PILImage

    from mmgraph.explain.record import ExplanationRecord

#: Inches: the whole page, pictures on its left, the space between, and the height of a line.
_WIDTH, _PICTURE, _GAP, _LINE = 10.0, 3.6, 0.5, 0.28
#: Points, and the width of every letter in inches: texts are in DejaVu Sans Mono.
_FONT = 10.0
_LETTER = 0.602 * _FONT / 72
#: Of longer texts only the first lines are drawn, and of other items the largest scores.
_MOST_LINES, _MOST_BARS = 30, 12


def plot_explanation(explanation: ExplanationRecord) -> Figure:
    """Draw an explained sample: pictures and texts shaded by score, all else as bars.

    Orange speaks for the output; blue, which is hatched, against it. Where scores only tell how
    much a node matters, all are orange. Words have the sum of their pieces' scores. All items have
    one scale, that of the page: the legend says which score has the full colour, and each title
    what the item's scores sum to. Below are the training rows with the most influence, where
    training rows voted.

    Args:
        explanation: The explanation, see `mmgraph.explain`.
    """
    from mmgraph.plot.figure import ShownFigure

    figure = ShownFigure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    pictures = {
        (each.modality, each.item): picture
        for each in explanation.inputs
        if (picture := each.picture()) is not None
    }
    texts = {(each.modality, each.item): each.text for each in explanation.inputs}
    parts = shown_parts(explanation)
    largest = largest_score(parts)
    left, ends = _PICTURE + _GAP if pictures else 0.0, [0.0, 0.0]
    for key, group in groupby(parts, key=lambda part: (part.first.modality, part.first.item)):
        nodes, text = list(group), texts.get(key)
        if key in pictures and all(node.place.box for node in nodes):
            ends[0] = _draw_picture(axes, pictures[key], nodes, ends[0], largest)
        elif text is not None and all(node.place.span for node in nodes):
            ends[1] = _draw_text(axes, text, nodes, left, ends[1], largest)
        else:
            ends[1] = _draw_bars(axes, nodes, left, ends[1], largest)
    end = draw_neighbours(axes, explanation.deciding, max(*ends, _LINE), _WIDTH)
    _lay_out(figure, axes, end)
    _draw_frame(figure, explanation, largest)
    return figure


def _lay_out(figure: Figure, axes: Axes, below: float) -> None:
    """Make one unit of the axes one inch, so that nothing has another size than was meant."""
    margin, above, under = 0.2, 0.7, 0.75
    width, height = _WIDTH + 2 * margin, below + above + under
    figure.set_size_inches(width, height)
    axes.set_position((margin / width, under / height, _WIDTH / width, below / height))
    axes.set(xlim=(0, _WIDTH), ylim=(below, 0), aspect="auto")


def _draw_frame(figure: Figure, explanation: ExplanationRecord, largest: float) -> None:
    """Draw the title above, and below what the colours mean."""
    width, height = figure.get_size_inches()
    name = shorten(explanation.outputs[explanation.target], 40)
    number = explanation.predicted[explanation.target]
    said = f"{number:.1%}" if explanation.has_probabilities else f"{number:.4g}"
    truth = ", ".join(map(str, explanation.truth or ()))
    told = f", it is {shorten(truth, 40)}" if truth and explanation.is_right is False else ""
    row = shorten(explanation.row, 40)
    title = f"row {row}: why {name} ({said}{told})? {explanation.method}"
    figure.text(0.2 / width, 1 - 0.2 / height, title, fontsize=12, weight="bold", va="top")
    parts = ", ".join(f"{part} {value:+.3g}" for part, value in explanation.parts.items())
    if parts:
        said = f"logit {explanation.value:+.3g}: {parts}"
        figure.text(0.2 / width, 1 - 0.47 / height, said, fontsize=9, va="top")
    under = figure.add_axes((0.2 / width, 0.3 / height, 1, 0.3 / height))
    under.set(xlim=(0, width), ylim=(0.3, 0))
    under.axis("off")
    legend = [(1.0, f"for {name}" if explanation.signed else "matters")]
    legend = [(-1.0, f"against {name}"), *legend] if explanation.signed else legend
    left = 0.0
    for share, text in legend:
        mark(under, left, 0.05, 0.3, 0.2, share)
        under.text(left + 0.4, 0.15, text, fontsize=9, va="center")
        left += 0.8 + 0.075 * len(text)
    under.text(left, 0.15, f"full colour: {largest:.2g}", fontsize=9, va="center")


def _draw_title(axes: Axes, nodes: Sequence[ShownPart], left: float, top: float) -> float:
    """Draw the title of an item, and return where the item itself begins."""
    first, total = nodes[0].first, sum(node.score for node in nodes)
    name = shorten(first.modality, 30) + (f" {first.item + 1}" if first.item else "")
    axes.text(left, top + 0.2, f"{name}: sum {total:+.2g}", fontsize=_FONT, weight="bold")
    return top + 0.32


def _draw_picture(
    axes: Axes, picture: PILImage.Image, nodes: Sequence[ShownPart], top: float, largest: float
) -> float:
    """Draw a picture below the marks of its regions, and return where it ends."""
    top = _draw_title(axes, nodes, 0.0, top)
    height = _PICTURE * picture.height / picture.width
    axes.imshow(picture.convert("RGB"), extent=(0, _PICTURE, top + height, top))
    # The strongest last, so that no other hides its outline.
    for node in sorted(nodes, key=lambda node: abs(node.score)):
        assert node.place.box is not None
        x0, y0, x1, y1 = node.place.box
        corner, size = (x0 * _PICTURE, top + y0 * height), (x1 - x0, y1 - y0)
        mark_region(axes, *corner, size[0] * _PICTURE, size[1] * height, node.score / largest)
    return top + height + _GAP / 2


def _draw_text(
    axes: Axes, text: str, nodes: Sequence[ShownPart], left: float, top: float, largest: float
) -> float:
    """Draw a text above its words' shades, and return where it ends."""
    top = _draw_title(axes, nodes, left, top)
    text = "".join(" " if letter.isspace() else letter for letter in text)
    places = wrap(text, int((_WIDTH - left) / _LETTER))
    lines = min(places[-1][0] + 1 if places else 1, _MOST_LINES)
    for node in nodes:
        assert node.place.span is not None
        start, end = (int(side) for side in node.place.span)
        for line, columns in groupby(places[start:end], key=lambda place: place[0]):
            taken = [column for _, column in columns]
            if line < lines:
                corner = (left + taken[0] * _LETTER, top + line * _LINE)
                size = ((taken[-1] + 1 - taken[0]) * _LETTER, 0.85 * _LINE)
                mark(axes, *corner, *size, node.score / largest)
    # Word by word: letters are rounded to pixels, which would add up along a line.
    for word in re.finditer(r"\S+", text):
        for line, run in groupby(range(*word.span()), key=lambda at: places[at][0]):
            if line < lines:
                letters = list(run)
                said = text[letters[0] : letters[-1] + 1].replace("$", r"\$")
                x, y = left + places[letters[0]][1] * _LETTER, top + (line + 0.425) * _LINE
                axes.text(x, y, said, fontsize=_FONT, family="DejaVu Sans Mono", va="center")
    return top + lines * _LINE + _GAP / 2


def wrap(text: str, width: int) -> list[tuple[int, int]]:
    """Return line and column of every letter, where lines break at spaces if they can.

    Example:
        >>> wrap("a red cat", 5)
        [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 0), (1, 1), (1, 2)]
    """
    places: list[tuple[int, int]] = []
    line = column = 0
    for space, letters in groupby(text, key=str.isspace):
        count = len(list(letters))
        if not space and column and column + count > width:
            line, column = line + 1, 0
        for _ in range(count):
            if column >= width and not space:
                line, column = line + 1, 0
            places.append((line, column))
            column += 1
    return places


def _draw_bars(
    axes: Axes, nodes: Sequence[ShownPart], left: float, top: float, largest: float
) -> float:
    """Draw the largest scores as bars, moments in the order of time, and return where they end."""
    top = _draw_title(axes, nodes, left, top)
    label, room = 2.2, (_WIDTH - left - 2.2) / 2
    shown = sorted(nodes, key=lambda node: -abs(node.score))[:_MOST_BARS]
    if all(node.place.span for node in shown):
        shown = [node for node in nodes if node in shown]
    for node in shown:
        middle, length = top + _LINE / 2, 0.75 * room * node.score / largest
        axes.text(left, middle, shorten(node.place.label, 26), fontsize=_FONT - 1, va="center")
        zero = left + label + room
        look: dict[str, Any] = {"hatch": "////", "edgecolor": "white"} if length < 0 else {}
        axes.barh(middle, length, 0.7 * _LINE, left=zero, color=shade_of(_sign(length)), **look)
        side = 0.06 if length >= 0 else -0.06
        said = f"{node.score:+.2g}"
        align: Any = "left" if length >= 0 else "right"
        axes.text(zero + length + side, middle, said, fontsize=_FONT - 1, ha=align, va="center")
        top += _LINE
    return top + _GAP / 2


def _sign(length: float) -> float:
    return -1.0 if length < 0 else 1.0
