"""AV-MNIST: digits seen, with little of their image left, and heard, as noisy spectrograms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, read_npy
from mmgraph.errors import DataError
from mmgraph.modalities.image import Image

if TYPE_CHECKING:
    import pandas as pd

_DOWNLOAD = Download("AV-MNIST", "https://github.com/pliang279/MultiBench")
_IMAGE, _SPECTROGRAM = (28, 28), (112, 112)

#: The last twelfth of the training rows, 5,000 of 60,000, is for validation, as in MultiBench.
_VALIDATION = 12

#: Rows that are converted at once: the file may hold 64 bits for each of a billion numbers.
_BLOCK = 1000


def load_av_mnist(folder: str | Path) -> MultimodalDataset:
    """Return the digits in MultiBench's form.

    Vielzeuf et al., 2018 (https://arxiv.org/abs/1808.07275); Liang et al., 2021
    (https://arxiv.org/abs/2107.07502). Pixels of images and spectrograms become 8-bit integers.

    Args:
        folder: Folder with `image` and `audio`, each with `train_data.npy` and
            `test_data.npy`, and with `train_labels.npy` and `test_labels.npy`.

    Returns:
        Columns image (array [28, 28]), audio (spectrogram, array [112, 112]), label (0 to 9)
        and split ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    import pandas as pd

    folder = Path(folder).absolute()
    files = [
        folder / f"{place}{part}_{what}.npy"
        for part in ("train", "test")
        for place, what in (("image/", "data"), ("audio/", "data"), ("", "labels"))
    ]
    _DOWNLOAD.require(files)
    frame = pd.concat([_read_part(folder, part) for part in ("train", "test")], ignore_index=True)
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=frame,
        modalities=[
            Image("image", backbone=None, size=_IMAGE[0], flip=False),
            # A spectrogram that is turned or brightened is another sound.
            Image(
                "audio",
                backbone=None,
                size=_SPECTROGRAM[0],
                rotation=0.0,
                flip=False,
                color=0.0,
            ),
        ],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        licence="unknown; see source; made of MNIST, TIDIGITS and ESC-50",
        citation=(
            "Vielzeuf et al. CentralNet: a multilayer approach for multimodal fusion. 2018. "
            "https://arxiv.org/abs/1808.07275"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _read_part(folder: Path, part: str) -> pd.DataFrame:
    import pandas as pd

    path = folder / f"{part}_labels.npy"
    labels = read_npy(path)
    if labels.ndim != 1 or not np.isin(labels, range(10)).all():
        raise DataError(
            f"{path}: expected digits from 0 to 9 [rows], got {list(labels.shape)} from "
            f"{labels.min(initial=0):g} to {labels.max(initial=0):g}"
        )
    split = np.full(len(labels), part, dtype=object)
    if part == "train":
        split[len(labels) - len(labels) // _VALIDATION :] = "val"
    return pd.DataFrame(
        {
            "image": _read_images(folder / "image" / f"{part}_data.npy", len(labels), _IMAGE),
            "audio": _read_images(folder / "audio" / f"{part}_data.npy", len(labels), _SPECTROGRAM),
            "label": labels.astype(int),
            "split": split,
        }
    )


def _read_images(path: Path, rows: int, size: tuple[int, int]) -> list[UInt8[np.ndarray, "h w"]]:
    """Return the pictures of a file, which are flat or not, of integers or floats."""
    array = read_npy(path)
    if len(array) != rows or array.size != rows * math.prod(size):
        raise DataError(
            f"{path}: expected {rows} pictures of {math.prod(size)} pixels, one for each row of "
            f"{path.name.replace('data', 'labels')}, got {list(array.shape)}"
        )
    pixels = np.empty((rows, *size), np.uint8)
    for start in range(0, rows, _BLOCK):
        block = np.asarray(array[start : start + _BLOCK])
        low, high = block.min(), block.max()
        if not (low >= 0 and 1 < high <= 255):
            raise DataError(f"{path}: expected pixels from 0 to 255, got {low:g} to {high:g}")
        pixels[start : start + _BLOCK] = block.round().reshape(-1, *size)
    return list(pixels)
