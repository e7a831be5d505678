"""How pictures mark scores: what speaks for an output is filled, what speaks against is hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmgraph.plot.style import BLUE, RED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

#: Opacity of the largest score: what is below it can still be seen.
_OPACITY, _ON_PICTURE = 0.75, 0.22
#: Points: the outline of the region with the largest score.
_OUTLINE = 3.0


def shade_of(share: float, opacity: float = _OPACITY) -> tuple[float, ...]:
    """Return the colour of a score, as a share from -1 to 1 of the largest one."""
    from matplotlib.colors import to_rgb

    return (*to_rgb(BLUE if share < 0 else RED), opacity * abs(share))


def mark(axes: Axes, left: float, top: float, width: float, height: float, share: float) -> None:
    """Shade a rectangle by a score, so that greyscale tells for from against too.

    Args:
        axes: Where to draw.
        left: Its left side.
        top: Its upper side, where the axes count downwards.
        width: Its width.
        height: Its height.
        share: The score, as a share from -1 to 1 of the largest one.
    """
    axes.add_patch(_rectangle(left, top, width, height, facecolor=shade_of(share), linewidth=0))
    if share < 0:
        hatch = {"hatch": "////", "facecolor": "none", "linewidth": 0}
        axes.add_patch(
            _rectangle(left, top, width, height, edgecolor=shade_of(share, 0.9), **hatch)
        )


def mark_region(
    axes: Axes, left: float, top: float, width: float, height: float, share: float
) -> None:
    """Outline a region of a picture that speaks for an output, and hatch one that speaks against.

    The picture stays visible; of arguments, see `mark`.
    """
    if share < 0:
        hatch = {"hatch": "////", "facecolor": "none", "linewidth": 0}
        axes.add_patch(
            _rectangle(left, top, width, height, edgecolor=shade_of(share, 1.0), **hatch)
        )
        return
    # Within the region, so that neighbours do not hide each other's outlines.
    line = _OUTLINE * share
    inset = line / 72 / 2
    axes.add_patch(
        _rectangle(
            left + inset,
            top + inset,
            width - 2 * inset,
            height - 2 * inset,
            facecolor=shade_of(share, _ON_PICTURE),
            edgecolor=shade_of(1.0, min(1.0, 0.2 + share)),
            linewidth=line,
        )
    )


def _rectangle(left: float, top: float, width: float, height: float, **look: Any) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, **look)
