"""Pictures as regions that can be taken away."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from jaxtyping import Bool, Shaped
from PIL import Image as PILImage

from mmgraph.modalities.base import Place
from mmgraph.modalities.decoding.files import inline, located
from mmgraph.modalities.decoding.image import decode_image
from mmgraph.modalities.parts.base import Parts

#: Regions along each side of a picture.
_SIDE = 5


class Regions(Parts):
    """A picture, whose parts are the 25 regions of a grid.

    Regions that are taken away get the mean colour of the picture. What comes as an array stays an
    array of the same type, bytes and data addresses hold PNG files then, and a path becomes that of
    a PNG file in another folder. Those are upright and without transparency.

    Args:
        raw: The picture, as `mmgraph.Image` reads it.
        root: Folder that relative paths are relative to.
        folder: Where to write files.

    Raises:
        CellError: There is no picture to be had.
    """

    def __init__(self, raw: Any, root: str | Path | None, folder: Path) -> None:
        self._raw = raw
        decoded = decode_image(located(raw, root))
        self._pixels = raw if isinstance(raw, np.ndarray) else np.asarray(decoded)
        self._encode = _encoder(raw, folder)
        height, width = self._pixels.shape[:2]
        self._rows, self._columns = _edges(height), _edges(width)
        self.places = tuple(
            Place(
                f"row {row + 1}, column {column + 1}",
                box=(left / width, top / height, right / width, bottom / height),
            )
            for row, (top, bottom) in enumerate(self._rows)
            for column, (left, right) in enumerate(self._columns)
        )
        mean = self._pixels.mean(axis=(0, 1), dtype=np.float64)
        is_integer = self._pixels.dtype.kind in "ub"
        self._mean = (np.round(mean) if is_integer else mean).astype(self._pixels.dtype)

    def keep(self, kept: Bool[np.ndarray, "parts"]) -> Any:
        """Return the picture with the mean colour in place of some regions."""
        if kept.all():
            return self._raw
        pixels = self._pixels.copy()
        boxes = [(row, column) for row in self._rows for column in self._columns]
        for ((top, bottom), (left, right)), keeps in zip(boxes, kept, strict=True):
            if not keeps:
                pixels[top:bottom, left:right] = self._mean
        return self._encode(pixels)


def _edges(length: int) -> list[tuple[int, int]]:
    """Return where regions begin and end along a side; there is one pixel in each at least.

    Example:
        >>> _edges(12)
        [(0, 2), (2, 5), (5, 7), (7, 10), (10, 12)]
    """
    places = np.linspace(0, length, min(_SIDE, length) + 1).round().astype(int).tolist()
    return list(pairwise(places))


def _encoder(raw: Any, folder: Path) -> Callable[[Shaped[np.ndarray, "height width ..."]], Any]:
    """Return what gives pixels the form of a raw value."""
    if isinstance(raw, np.ndarray):
        return lambda pixels: pixels
    if isinstance(raw, PILImage.Image):
        return PILImage.fromarray
    if isinstance(raw, bytes | bytearray | memoryview):
        return _png
    if isinstance(raw, str) and inline(raw) is not None:
        head = "data:image/png;base64," if raw[:5].lower() == "data:" else ""
        return lambda pixels: head + base64.b64encode(_png(pixels)).decode()
    # Whoever was given a `Path` gets one.
    kind = type(raw) if isinstance(raw, str) else Path
    return lambda pixels: kind(_write(pixels, folder))


def _png(pixels: Shaped[np.ndarray, "height width ..."]) -> bytes:
    file = io.BytesIO()
    PILImage.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _write(pixels: Shaped[np.ndarray, "height width ..."], folder: Path) -> Path:
    path = folder / f"{uuid4().hex}.png"
    path.write_bytes(_png(pixels))
    return path
