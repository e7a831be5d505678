"""From whatever a cell holds to a few pictures of a video, evenly spread over its time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as PILImage

from mmgraph.errors import CellError, MissingPackageError, quote, reason
from mmgraph.modalities.decoding.files import is_folder, opened

#: Pictures a second of what has no clock: arrays, and folders of pictures.
DEFAULT_RATE = 25.0

#: Most pictures that are looked at, so that no file keeps the reader for ever.
MAX_FRAMES = 200_000

#: Formats that Pillow reads as a series of pictures.
_ANIMATIONS = {"GIF", "WEBP", "PNG", "TIFF"}
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif"}
_REMEDY = 'replace or remove it, or set unreadable="missing"'


class Frames(NamedTuple):
    """Pictures of a video, when each was shown, and when the video ends, in seconds."""

    pictures: list[Any]
    seconds: list[float]
    end: float


def decode_video(raw: Any, frames: int) -> Frames:
    """Read a few pictures of a video, evenly spread over its time.

    Args:
        raw: The path or bytes of a video or an animated picture, a folder of pictures (in the
            order of their names), or an array [pictures, height, width, 3].
        frames: Number of pictures; all of them where there are fewer.

    Raises:
        CellError: There is no video to be had.
        MissingPackageError: It takes PyAV to read it, which is not installed.

    Example:
        >>> found = decode_video(np.zeros((50, 8, 8, 3), np.uint8), 5)
        >>> [round(second, 2) for second in found.seconds], found.end
        ([0.2, 0.6, 1.0, 1.4, 1.8], 2.0)
    """
    if isinstance(raw, np.ndarray):
        if raw.ndim != 4 or not len(raw):
            raise CellError(
                "expected a video as an array [pictures, height, width, 3], got "
                f"{list(raw.shape)}; stack its pictures along a first axis"
            )
        return _of_series(list(raw), frames)
    if isinstance(raw, str | Path):
        path = Path(raw)
        if is_folder(path):
            names = sorted(p for p in path.iterdir() if p.suffix.lower() in _PICTURES)
            if not names:
                raise CellError(
                    f"expected a video, but the folder {quote(str(raw))} holds no pictures"
                )
            return _of_series(names, frames)
        with opened(raw, "video file") as file:
            return _of_file(file.read(), quote(str(raw)), frames)
    if isinstance(raw, bytes | bytearray | memoryview):
        return _of_file(bytes(raw), f"video of {len(raw)} bytes", frames)
    raise CellError(
        "expected a video as path, bytes, folder of pictures or array, got "
        f"{type(raw).__name__}; convert it to one of these"
    )


def spread_evenly(count: int, wanted: int) -> list[int]:
    """Return the middles of `wanted` equal parts of `count` things, or all of them.

    Example:
        >>> spread_evenly(10, 2), spread_evenly(2, 8)
        ([2, 7], [0, 1])
    """
    if count <= wanted:
        return list(range(count))
    return [int((2 * part + 1) * count / (2 * wanted)) for part in range(wanted)]


def _of_series(pictures: list[Any], frames: int) -> Frames:
    chosen = spread_evenly(len(pictures), frames)
    seconds = [number / DEFAULT_RATE for number in chosen]
    return Frames([pictures[n] for n in chosen], seconds, len(pictures) / DEFAULT_RATE)


def _of_file(content: bytes, name: str, frames: int) -> Frames:
    try:
        with PILImage.open(io.BytesIO(content)) as image:
            if image.format in _ANIMATIONS:
                return _of_animation(image, frames)
    except CellError:
        raise
    except Exception:  # no picture: Pillow's plugins raise nearly anything on other files
        pass
    try:
        import av
    except ImportError as error:
        raise MissingPackageError('video files need PyAV: pip install "mmgraph[video]"') from error
    try:
        return _of_video(av, content, frames)
    except Exception as error:  # FFmpeg's own errors, and what broken streams lead to
        raise CellError(
            f"expected a video, but {name} cannot be decoded ({reason(error)}); {_REMEDY}"
        ) from error


def _of_animation(image: PILImage.Image, frames: int) -> Frames:
    count = min(getattr(image, "n_frames", 1), MAX_FRAMES)
    starts, clock = [], 0.0
    for number in range(count):
        image.seek(number)
        starts.append(clock)
        clock += image.info.get("duration", 1000 / DEFAULT_RATE) / 1000
    pictures = []
    for number in spread_evenly(count, frames):
        image.seek(number)
        pictures.append(image.convert("RGBA"))
    return Frames(pictures, [starts[n] for n in spread_evenly(count, frames)], clock)


def _of_video(av: Any, content: bytes, frames: int) -> Frames:
    """Count the pictures by decoding them once, then keep the wanted ones.

    What a header says of their number is often wrong, and seeking lands on key frames only.
    """
    with av.open(io.BytesIO(content)) as file:
        times = [float(frame.time or 0.0) for frame, _ in _decoded(file)]
    if not times:
        raise ValueError("it has no pictures")
    chosen = spread_evenly(len(times), frames)
    with av.open(io.BytesIO(content)) as file:
        wanted = set(chosen)
        pictures = [
            f.to_ndarray(format="rgb24") for f, number in _decoded(file) if number in wanted
        ]
    step = (times[-1] - times[0]) / max(len(times) - 1, 1) or 1 / DEFAULT_RATE
    return Frames(pictures, [times[n] - times[0] for n in chosen], times[-1] - times[0] + step)


def _decoded(file: Any) -> Any:
    for number, frame in enumerate(file.decode(video=0)):
        if number >= MAX_FRAMES:
            return
        yield frame, number
