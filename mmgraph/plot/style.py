"""What the pictures have in common: colours, marks and fresh axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PINK, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"
COLORS = (BLUE, ORANGE, GREEN, RED, PINK, SKY, BLACK)

#: With as many colours, no two of the first 56 are alike in both.
MARKERS = "osD^vP*X"


def make_axes(axes: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or those of a new figure of some size in inches."""
    from mmgraph.plot.figure import ShownFigure

    if axes is not None:
        return axes
    return ShownFigure(figsize=(width, height), layout="constrained").subplots()


def shorten(text: object, most: int) -> str:
    """Return a text, cut where it is longer than some characters.

    Example:
        >>> shorten("Donaudampfschifffahrt", 9), shorten("short", 9)
        ('Donaudam…', 'short')
    """
    text = str(text)
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")  # dollars would start a formula
