"""Digits seen and heard: weakened images of MNIST with noisy spoken digits, by speaker."""

from __future__ import annotations

from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, read_comma_separated
from mmgraph.modalities.audio import Audio
from mmgraph.modalities.image import Image

_DOWNLOAD = Download("av_digits", "https://github.com/Jakobovski/free-spoken-digit-dataset")
_DIGITS = [str(digit) for digit in range(10)]


def load_av_digits(folder: str | Path) -> MultimodalDataset:
    """Return pairs of a written and a spoken digit, in the manner of AV-MNIST.

    The speakers of the validation and the test part are not heard in training.

    Args:
        folder: Folder with `manifest.csv`, whose columns are image, audio (paths relative to
            the folder), label, speaker and split.

    Returns:
        Columns image (path), audio (path), label (0 to 9), speaker (the group) and split
        ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    files = {"all": folder / "manifest.csv"}
    rows = [
        {
            "image": str(folder / each.text("image")),
            "audio": str(folder / each.text("audio")),
            "label": int(each.choice("label", _DIGITS)),
            "speaker": each.text("speaker"),
            "split": each.choice("split", ["train", "val", "test"]),
        }
        for _, each in _DOWNLOAD.read(files, read_comma_separated)
    ]
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=_DOWNLOAD.table(rows, ["image", "audio"]),
        modalities=[Image("image", backbone=None, size=28, flip=False), Audio("audio")],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        groups="speaker",
        licence="CC BY-SA 4.0 (spoken digits); MNIST's own",
        citation="LeCun et al. MNIST. 1998; Jackson et al. Free Spoken Digit Dataset. 2018.",
        homepage=_DOWNLOAD.homepage,
    )
