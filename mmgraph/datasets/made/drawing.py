"""Small drawings of coloured shapes, as PNG files in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw

SHAPES = ("circle", "square", "triangle", "cross")
COLORS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 119, 180),
    "yellow": (240, 200, 30),
}
#: Side of a drawing in pixels.
SIDE = 64


@dataclass(frozen=True)
class Shape:
    """One shape of a drawing.

    Args:
        kind: One of `SHAPES`.
        color: One of `COLORS`.
        at: Column and row of its centre, as fractions of the side.
        radius: Half of its extent, as a fraction of the side.
    """

    kind: str
    color: str
    at: tuple[float, float]
    radius: float = 0.13


def draw(shapes: Sequence[Shape], random: np.random.Generator) -> bytes:
    """Return a drawing on a light background of random grey, as a PNG file."""
    grey = int(random.integers(225, 256))
    image = PILImage.new("RGB", (SIDE, SIDE), (grey, grey, grey))
    pen = ImageDraw.Draw(image)
    for shape in shapes:
        _draw_shape(pen, shape)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def scattered(count: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """Return places for shapes that do not touch: cells of a 3 × 3 grid, moved a little.

    Args:
        count: How many, at most 9.
        random: Where random numbers come from.
    """
    cells = random.choice(9, count, replace=False)
    moved = random.uniform(-0.025, 0.025, (count, 2))
    return [
        (float(cell % 3 / 3 + 1 / 6 + x), float(cell // 3 / 3 + 1 / 6 + y))
        for cell, (x, y) in zip(cells, moved, strict=True)
    ]


def anywhere(radius: float, random: np.random.Generator) -> tuple[float, float]:
    """Return a place at which a shape of that radius is seen whole."""
    x, y = random.uniform(radius, 1 - radius, 2)
    return float(x), float(y)


def _draw_shape(pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    x, y, r = (SIDE * each for each in (*shape.at, shape.radius))
    fill = COLORS[shape.color]
    if shape.kind == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    elif shape.kind == "square":
        pen.rectangle((x - 0.9 * r, y - 0.9 * r, x + 0.9 * r, y + 0.9 * r), fill=fill)
    elif shape.kind == "triangle":
        corners = [(-math.pi / 2) + step * 2 * math.pi / 3 for step in range(3)]
        pen.polygon([(x + r * math.cos(a), y + r * math.sin(a)) for a in corners], fill=fill)
    else:
        pen.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=fill)
        pen.rectangle((x - r / 3, y - r, x + r / 3, y + r), fill=fill)
