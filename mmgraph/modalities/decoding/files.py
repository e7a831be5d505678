"""Files that cells name: where they lie, and errors a user can mend."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from jaxtyping import Float
from torch import Tensor

from mmgraph.errors import CellError, quote, reason

#: How base64 of PNG, JPEG, GIF, WebP or WAV, BMP, FLAC, Ogg and MP3 files begins.
_BASE64_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk0", "ZkxhQ", "T2dnU", "SUQz", "//v")

_STATISTICS = "statistics.safetensors"


def located(raw: Any, root: str | Path | None) -> Any:
    """Return a path as lying in the folder `root`; anything else, addresses too, as it is.

    Text that holds the file itself, see `inline`, becomes the file's bytes.

    Example:
        >>> located("a.png", "photos").as_posix(), located(b"bytes", "photos")
        ('photos/a.png', b'bytes')
    """
    content = inline(raw) if isinstance(raw, str) else None
    if content is not None:
        return content
    if root is None or not isinstance(raw, str | Path) or "://" in str(raw):
        return raw
    return Path(root) / raw


def inline(text: str) -> bytes | None:
    """Return the file that a text holds: a data address, or base64 of an image or a sound.

    Raises:
        CellError: It is a data address that is cut off or garbled.

    Example:
        >>> inline("data:text/plain;base64,SGk="), inline("data:,Hi%21"), inline("photo.png")
        (b'Hi', b'Hi!', None)
    """
    if text[:5].lower() == "data:":
        head, comma, body = text.partition(",")
        try:
            if not comma:
                raise ValueError("it has no comma")
            content = unquote_to_bytes(body)
            if not head.lower().endswith(";base64"):
                return content
            return base64.b64decode(b"".join(content.split()), validate=True)
        except ValueError as error:
            raise CellError(
                f"expected a data address such as data:image/png;base64,..., got {quote(text)}, "
                f"which cannot be decoded ({reason(error)}); it may be cut off"
            ) from error
    if len(text) < 64 or not text.startswith(_BASE64_STARTS):
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def is_folder(path: Path) -> bool:
    """Say whether a path is a folder; one that no system can hold is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


@contextmanager
def opened(path: str | Path, what: str) -> Iterator[io.BufferedIOBase]:
    """Open a file that a cell names.

    Args:
        path: The file.
        what: What it should be, without an article: "image file".

    Raises:
        CellError: It is an address, does not exist, is a folder or a device, or cannot be read.
    """
    if isinstance(path, str) and re.match(r"(?i)[a-z][a-z0-9+.]+://", path):
        raise CellError(
            f"expected a local {what}, got the address {quote(path)}; download it first"
        )
    expected = f"expected {'an' if what[0] in 'aeiou' else 'a'} {what}, but {quote(str(path))}"
    try:
        place = Path(path)
        # A pipe would be waited for, and a device may have no end.
        if place.exists() and not (place.is_file() or place.is_dir()):
            raise OSError("it is a pipe or a device")
        file = place.open("rb")  # closed below, after errors are told
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CellError(
            f"{expected} does not exist; correct the path, or name the folder that paths are"
            " relative to (root=...)"
        ) from error
    except IsADirectoryError as error:
        raise CellError(f"{expected} is a folder; name a file in it") from error
    except (OSError, ValueError) as error:
        raise CellError(
            f"{expected} cannot be read ({reason(error)}); correct the path or its permissions"
        ) from error
    with file:
        yield file


def save_statistics(
    folder: Path, mean: Float[Tensor, "features"] | None, std: Float[Tensor, "features"] | None
) -> None:
    """Write mean and standard deviation, where there are any."""
    from safetensors.torch import save_file

    known = {} if mean is None or std is None else {"mean": mean, "std": std}
    save_file(known, folder / _STATISTICS)


def load_statistics(
    folder: Path,
) -> tuple[Float[Tensor, "features"] | None, Float[Tensor, "features"] | None]:
    """Return the mean and standard deviation that `save_statistics` wrote."""
    from safetensors.torch import load_file

    tensors = load_file(folder / _STATISTICS)
    return tensors.get("mean"), tensors.get("std")
