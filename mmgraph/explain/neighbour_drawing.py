"""The training rows that decided, below an explanation's picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmgraph.plot.style import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmgraph.explain.record import Neighbour

#: Inches: the side of a picture, the space around it, and the height of a line.
_SIDE, _GAP, _LINE = 1.0, 0.15, 0.22
#: Letters of a line that fit beside its picture.
_LETTERS = 24
_FONT = 8.0


def draw_neighbours(axes: Axes, neighbours: Sequence[Neighbour], top: float, width: float) -> float:
    """Draw training rows side by side, each with its picture, and return where they end.

    Args:
        axes: Axes whose units are inches, downwards.
        neighbours: The rows.
        top: Where they begin.
        width: Width of all of them together.
    """
    if not neighbours:
        return top
    title = "because of these training rows: share of the vote, what the logit would lose without"
    axes.text(0, top + 0.2, title, fontsize=10, weight="bold")
    top += 0.35
    step = width / max(len(neighbours), 5)
    ends = [_draw_row(axes, each, number * step, top) for number, each in enumerate(neighbours)]
    return max(ends) + _GAP


def _draw_row(axes: Axes, neighbour: Neighbour, left: float, top: float) -> float:
    pictures = (each.picture_if_there() for each in neighbour.inputs)
    picture = next((each for each in pictures if each is not None), None)
    if picture is not None:
        share = _SIDE / max(picture.size)
        wide, high = share * picture.width, share * picture.height
        axes.imshow(picture.convert("RGB"), extent=(left, left + wide, top + high, top))
        top += _SIDE + _GAP / 2
    lines = [
        f"{shorten(neighbour.said, _LETTERS)}",
        f"{neighbour.share:.1%}, {neighbour.influence:+.2g}",
        f"row {shorten(neighbour.row, _LETTERS - 4)}",
        *(shorten(each.text, _LETTERS) for each in neighbour.inputs if each.text is not None),
    ]
    for number, line in enumerate(lines):
        weight = "normal" if number else "bold"
        said = line.replace("$", r"\$")
        axes.text(left, top + 0.7 * _LINE, said, fontsize=_FONT, weight=weight)
        top += _LINE
    return top
