"""Pictures in explanations: thumbnails to embed."""

from __future__ import annotations

import base64
import io

from PIL import Image as PILImage

#: Longest side of a thumbnail in pixels, of what is explained and of a training row.
SIDE, SMALL_SIDE = 256, 112


def to_data_uri(picture: PILImage.Image, side: int = SIDE) -> str:
    """Return a thumbnail as a data URI.

    Args:
        picture: The picture.
        side: Longest side in pixels.

    Example:
        >>> to_data_uri(PILImage.new("RGB", (2, 1)))[:22]
        'data:image/jpeg;base64'
    """
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def from_data_uri(uri: str) -> PILImage.Image:
    """Return the picture of a data URI."""
    _, _, data = uri.partition(",")
    return PILImage.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
