"""From whatever a cell holds to an upright RGB picture."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from mmgraph.errors import CellError, quote, reason
from mmgraph.modalities.decoding.files import opened

#: More pixels than this are refused: a small file can claim a size that exhausts memory.
MAX_PIXELS = 89_478_485

#: Files with more bytes are refused before they are read: 8 for each of these pixels.
MAX_BYTES = 8 * MAX_PIXELS

_WHITE = (255, 255, 255)

_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".ico", ".tga", ".jp2", ".avif"),
)
_INLINE = ("data:image/", "iVBORw0KGgo", "/9j/")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def decode_image(raw: Any) -> Image.Image:
    """Read an image as RGB: turned upright by its EXIF tag, transparency over white.

    Args:
        raw: A path, a PIL image, the bytes of an image file, or an array [height, width] or
            [height, width, 1, 3 or 4] of uint8, uint16, bool, or floats from 0 to 1. PIL's
            modes "I" and "I;16" count as 16 bit, "F" as 0 to 1. Of an animation, the first
            picture is taken.

    Raises:
        CellError: There is no image to be had, or it has over 89 million pixels.

    Example:
        >>> decode_image(np.ones((4, 6), bool)).getpixel((0, 0))
        (255, 255, 255)
    """
    if isinstance(raw, Image.Image):
        return _decode(raw, f"PIL image {raw.size} of mode {raw.mode}")
    if isinstance(raw, np.ndarray):
        return _decode(_from_array(raw), f"array {raw.shape} of {raw.dtype}")
    data, name = _file_bytes(raw)
    return _decode(data, name)


def looks_like_image(value: Any) -> bool:
    """Say whether a value is the name or the bytes of an image file, or an image."""
    if isinstance(value, str | Path):
        text = str(value)
        return text.startswith(_INLINE) or text.lower().endswith(_SUFFIXES)
    if isinstance(value, bytes):
        return value.startswith(_SIGNATURES) or (value[:4], value[8:12]) == (b"RIFF", b"WEBP")
    if isinstance(value, np.ndarray):
        if value.ndim == 3:
            return value.shape[2] in (1, 3, 4) and value.dtype.kind in "ubf"
        # Plain tables of floats are more likely features that someone computed.
        return value.ndim == 2 and value.dtype.kind in "ub"
    return isinstance(value, Image.Image)


def scale_image(image: Image.Image, size: int, scaling: str) -> Image.Image:
    """Return a square image.

    Args:
        image: The picture.
        size: Side of the square in pixels.
        scaling: "stretch", "fit" (padded with white) or "crop" (centred).
    """
    cubic = Image.Resampling.BICUBIC
    if scaling == "stretch":
        return image.resize((size, size), cubic)
    if scaling == "crop":
        return ImageOps.fit(image, (size, size), cubic)
    ratio = size / max(image.size)
    width, height = (max(1, round(side * ratio)) for side in image.size)
    square = Image.new("RGB", (size, size), _WHITE)
    square.paste(image.resize((width, height), cubic), ((size - width) // 2, (size - height) // 2))
    return square


def image_hash(raw: Any) -> bytes:
    """Return 16 bytes that are the same for the same content, wherever it lies.

    Raises:
        CellError: The file cannot be read, or this is no kind of image.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(raw, Image.Image):
        try:
            turn = raw.getexif().get(0x0112)
            digest.update(repr((raw.mode, raw.size, raw.info.get("transparency"), turn)).encode())
            digest.update(bytes(raw.getpalette() or ()))
            digest.update(raw.tobytes())
        except Exception as error:  # a lazily opened file can be broken in any way
            raise _broken("PIL image", error) from error
    elif isinstance(raw, np.ndarray):
        digest.update(f"{raw.dtype.str} {raw.shape}".encode())
        digest.update(raw.tobytes())
    else:
        digest.update(_file_bytes(raw)[0])
    return digest.digest()


def _file_bytes(raw: Any) -> tuple[bytes, str]:
    """The bytes of an image file, and what to call it in messages."""
    if isinstance(raw, bytes | bytearray | memoryview):
        return bytes(raw), f"image of {len(raw)} bytes"
    if not isinstance(raw, str | Path):
        raise CellError(
            "expected an image as path, PIL image, array or bytes, got"
            f" {type(raw).__name__}; convert it to one of these"
        )
    with opened(raw, "image file") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise CellError(
                f"expected an image file of at most {MAX_BYTES:,} bytes, but {quote(str(raw))} has "
                f"{size:,}; make it smaller or remove it"
            )
        return file.read(), quote(str(raw))


def _decode(source: Image.Image | bytes, name: str) -> Image.Image:
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, which is of no concern, and of huge images, which is.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source
            if not 0 < image.width * image.height <= MAX_PIXELS:
                raise _wrong_size(name, f"{image.width} x {image.height}")
            return _to_rgb(ImageOps.exif_transpose(image))
        except CellError as error:
            if name in error.reason:
                raise
            raise CellError(f"{name}: {error.reason}") from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise _wrong_size(name, "more") from error
        except Exception as error:  # Pillow's plugins raise nearly anything on broken files
            raise _broken(name, error) from error


def _wrong_size(name: str, got: str) -> CellError:
    return CellError(
        f"expected an image of 1 to {MAX_PIXELS:,} pixels, but {name} has {got}; resize or"
        " remove it"
    )


def _broken(name: str, error: Exception) -> CellError:
    why = "unknown format" if isinstance(error, Image.UnidentifiedImageError) else reason(error)
    return CellError(
        f"expected an image, but {name} cannot be decoded ({why}); replace or remove it, or"
        ' set unreadable="missing"'
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = Image.fromarray(_from_16_bit(np.asarray(image), f'mode "{image.mode}"'))
    elif image.mode == "F":
        image = _from_array(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        # RGBa and La (alpha multiplied in) reach RGBA only through a mode of their own.
        image = image.convert("LA") if image.mode == "La" else image
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (*_WHITE, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise CellError(
            "expected an array [height, width] or [height, width, 1, 3 or 4], got"
            f" {list(array.shape)}; move the channels to the last axis"
        )
    if array.size == 0:
        raise _wrong_size("the array", "none")
    return Image.fromarray(np.ascontiguousarray(_to_8_bit(array)))


def _to_8_bit(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _from_16_bit(array, "uint16")
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        # A thousandth beyond is rounding, as of an interpolation; NaN fails the comparison.
        if not (low >= -1e-3 and high <= 1 + 1e-3):
            raise CellError(
                f"expected floats from 0 to 1, got {low:g} to {high:g}; divide them by the"
                " largest value possible, or pass uint8"
            )
        scaled: np.ndarray = np.round(array.astype(np.float32).clip(0, 1) * 255)
        return scaled.astype(np.uint8)
    raise CellError(
        f"expected an array of uint8, uint16, bool or float, got {array.dtype}; pass"
        " array.astype('uint8') if its values are 0 to 255"
    )


def _from_16_bit(array: np.ndarray, name: str) -> np.ndarray:
    """Scale 0..65535 to 0..255: 65535 = 255 × 257."""
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 65535:
        raise CellError(
            f"expected values of 0 to 65535 in an image of {name}, got {low} to {high};"
            " scale it to 8 bit"
        )
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
