"""From whatever a cell holds to a mono signal of a known rate."""

from __future__ import annotations

import hashlib
import importlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from mmgraph.errors import CellError, MissingPackageError, quote, reason
from mmgraph.modalities.decoding.files import opened

#: Samples a second that are believed; a file that claims others is broken.
RATES = (1_000, 768_000)

#: Channels that an array may have: one with more most likely has its axes swapped.
MAX_CHANNELS = 32

#: Frames that are decoded at once, so that no claim in a header exhausts memory.
_BLOCK = 16_384

_Source: TypeAlias = "tuple[Any, Any] | str | Path | bytes | bytearray | memoryview"


class Signal(NamedTuple):
    """A mono signal, and whether the clip goes on behind its end."""

    samples: Float[np.ndarray, "samples"]
    cut: bool


def decode_audio(raw: Any, rate: int, *, seconds: float) -> Signal:
    """Read the beginning of a clip as mono samples of the given rate.

    Args:
        raw: The path or the bytes of an audio file (WAV, FLAC, OGG, MP3 and whatever else
            libsndfile reads), or (array, rate) with an array [frames] or [frames, channels] of
            floats, uint8, int16 or int32. Hugging Face's {"array": ..., "sampling_rate": ...}
            and {"bytes": ..., "path": ...} are the same.
        rate: Samples a second of the result.
        seconds: Longest result; what comes later in a file is not even decoded.

    Raises:
        CellError: There is no sound to be had.
        MissingPackageError: librosa or soundfile is not installed.

    Example:
        >>> samples, cut = decode_audio((np.zeros((8000, 2)), 8000), 16000, seconds=0.5)
        >>> samples.shape, cut
        ((8000,), True)
    """
    source = unwrap(raw)
    if isinstance(source, tuple):
        name = "the array"
        samples, found = _from_array(*source)
    else:
        with _opened(source) as (file, name):
            samples, found = _from_file(file, name, seconds)
    if not len(samples):
        raise CellError(f"expected a clip, but {name} has no samples; {_REMEDY}")
    most = max(1, round(seconds * found))
    cut, samples = len(samples) > most, samples[:most]
    if not np.isfinite(samples).all():
        raise CellError(f"expected finite samples, but {name} has NaN or infinity; {_REMEDY}")
    if found != rate:
        resample = load_package("librosa").resample
        samples = resample(samples, orig_sr=found, target_sr=rate, res_type="soxr_hq")
    return Signal(samples, cut)


def audio_hash(raw: Any) -> bytes:
    """Return 16 bytes that are the same for the same content, wherever it lies.

    Raises:
        CellError: The file cannot be read, or this is no kind of clip.
    """
    digest = hashlib.blake2b(digest_size=16)
    source = unwrap(raw)
    if isinstance(source, tuple):
        array = _as_array(source[0])
        digest.update(f"{array.dtype.str} {array.shape} {source[1]}".encode())
        digest.update(array.tobytes())
    else:
        with _opened(source) as (file, _):
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.digest()


def unwrap(raw: Any) -> _Source:
    """Return a clip as (array, rate), path or bytes, without Hugging Face's wrapping.

    Raises:
        CellError: This is no kind of clip.
    """
    # Newer versions of datasets give a decoder, which can be asked like the dict of old.
    if type(raw).__name__ == "AudioDecoder":
        return raw["array"], raw["sampling_rate"]
    if isinstance(raw, Mapping):
        if raw.get("array") is not None and "sampling_rate" in raw:
            return raw["array"], raw["sampling_rate"]
        raw = raw.get("bytes") or raw.get("path")
    if isinstance(raw, tuple) and len(raw) == 2:
        return raw
    if isinstance(raw, str | Path | bytes | bytearray | memoryview):
        return raw
    raise CellError(
        "expected a clip as path, bytes, (array, rate) or {'array': ..., 'sampling_rate': ...},"
        f" got {type(raw).__name__}; convert it to one of these"
    )


def load_package(name: str) -> Any:
    """Import librosa or soundfile.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f'audio needs {name}: pip install "mmgraph[audio]"') from error


_REMEDY = 'replace or remove it, or set unreadable="missing"'


@contextmanager
def _opened(source: Any) -> Iterator[tuple[io.BufferedIOBase, str]]:
    """Open a file or bytes, and say what to call it in messages."""
    if not isinstance(source, str | Path):
        yield io.BytesIO(source), f"clip of {len(source)} bytes"
        return
    with opened(source, "audio file") as file:
        yield file, quote(str(source))


def _from_file(
    file: io.BufferedIOBase, name: str, seconds: float
) -> tuple[Float[np.ndarray, "samples"], int]:
    """Decode a little more than `seconds`, block by block, and mix the channels."""
    soundfile = load_package("soundfile")
    try:
        with soundfile.SoundFile(file) as clip:
            rate = _checked_rate(clip.samplerate, name)
            blocks, left = [], round(seconds * rate) + 1
            while left > 0:
                block = clip.read(min(left, _BLOCK), dtype="float32", always_2d=True)
                if not len(block):
                    break
                blocks.append(block.mean(1))
                left -= len(block)
    except (CellError, MemoryError):
        raise
    except Exception as error:  # libsndfile's own errors, and what odd headers make of numpy
        raise CellError(
            f"expected an audio file, but {name} cannot be decoded ({reason(error)}); {_REMEDY}"
        ) from error
    return np.concatenate([np.zeros(0, np.float32), *blocks]), rate


def _from_array(array: Any, rate: Any) -> tuple[Float[np.ndarray, "samples"], int]:
    """Check an array, scale integers to -1..1 and mix the channels."""
    array = _as_array(array)
    found = _checked_rate(rate, "the array")
    if array.ndim not in (1, 2):
        raise CellError(
            f"expected an array [frames] or [frames, channels], got {list(array.shape)}; pass"
            " each clip by itself"
        )
    if array.ndim == 2 and array.size and array.shape[1] > min(len(array), MAX_CHANNELS):
        raise CellError(
            f"expected an array [frames, channels], got {list(array.shape)}; transpose it"
        )
    samples = _scaled(array)
    return samples if samples.ndim == 1 else samples.mean(1), found


def _as_array(values: Any) -> Shaped[np.ndarray, "..."]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise CellError(
            f"expected an array of samples, got {type(values).__name__} that is none "
            f"({reason(error)}); give every channel as many samples"
        ) from error


def _scaled(array: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        with np.errstate(over="ignore"):  # what becomes infinite is refused later
            return array.astype(np.float32)
    if kind == "i" and size in (2, 4):
        return array.astype(np.float32) / np.float32(2.0 ** (8 * size - 1))
    if kind == "u" and size == 1:
        return (array.astype(np.float32) - 128) / 128
    raise CellError(
        f"expected samples of float, uint8, int16 or int32, got {array.dtype}; convert them to"
        " float, from -1 to 1"
    )


def _checked_rate(rate: Any, name: str) -> int:
    low, high = RATES
    if not isinstance(rate, int | float | np.number) or not low <= rate <= high:
        raise CellError(
            f"expected {low:,} to {high:,} samples a second, but {name} has {quote(rate)}; correct"
            " the rate, or the file's header"
        )
    return round(float(rate))
