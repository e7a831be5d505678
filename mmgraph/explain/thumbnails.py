"""Pictures in explanations: thumbnails to embed."""

from __future__ import annotations

import base64
import io

from PIL import Image as PILImage

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
