"""Pictures in explanations: thumbnails to embed, and the plot of an explanation."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image as PILImage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmgraph.explain.explanation import Explanation

#: Longest side of a thumbnail in pixels.
_SIDE = 256


def to_data_uri(picture: PILImage.Image) -> str:
    """Return a thumbnail as a data URI.

    Example:
        >>> to_data_uri(PILImage.new("RGB", (2, 1)))[:22]
        'data:image/jpeg;base64'
    """
    small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def from_data_uri(uri: str) -> PILImage.Image:
    """Return the picture of a data URI."""
    _, _, data = uri.partition(",")
    return PILImage.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def plot_explanation(explanation: Explanation) -> Figure:
    """Draw images with their regions and texts with their tokens, shaded by score."""
    raise NotImplementedError
