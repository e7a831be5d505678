"""CrisisMMD: tweets with photographs, sent during seven natural disasters of 2017."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Literal

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, Record, read_tab_separated
from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("CrisisMMD", "https://crisisnlp.qcri.org/crisismmd")
_SPLITS = {"train": "train", "dev": "val", "test": "test"}

#: Code pages as which the tweets' UTF-8 was once misread.
_MISREAD_AS = ("cp1252", "mac_roman")


def load_crisis_mmd(
    folder: str | Path,
    task: Literal["informative", "humanitarian", "damage"] = "humanitarian",
    *,
    agreed: bool = True,
) -> MultimodalDataset:
    """Return the tweets of one of the tasks of version 2.0, in the authors' split.

    Alam et al., 2018 (https://arxiv.org/abs/1805.00713); Ofli et al., 2020
    (https://arxiv.org/abs/2004.11838). Tweets whose letters were garbled ("donâ€™t") are mended
    as far as that is certain.

    Args:
        folder: Folder with `data_image`, and with the tables `task_*.tsv` in itself or in
            `data/task_data`.
        task: "informative": whether a tweet is of use; "humanitarian": what it is about;
            "damage": how much damage the photograph shows (photographs only).
        agreed: Take only tweets whose text and photograph have the same label, as most
            publications do; else the label is that of the text. Without meaning for "damage".

    Returns:
        Columns id (of the photograph), tweet_id (the group), event, image (path), text, label,
        label_image and split ("train", "val", "test"). "damage" has no text and label_image.

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    place = folder / "data" / "task_data"
    place = place if place.is_dir() else folder
    middle = "damage" if task == "damage" else f"{task}_text_img{'_agreed_lab' if agreed else ''}"
    files = {split: place / f"task_{middle}_{name}.tsv" for name, split in _SPLITS.items()}
    rows = [
        {**_photograph(folder, each), **({} if task == "damage" else _tweet(each)), "split": split}
        for split, each in _DOWNLOAD.read(files, read_tab_separated)
    ]
    modalities: list[Modality] = [Image("image")]
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=_DOWNLOAD.table(rows),
        modalities=modalities if task == "damage" else [*modalities, Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "weighted_precision", "weighted_recall", "weighted_f1"),
        groups="tweet_id",
        licence="CC BY-NC-SA 4.0",
        citation=(
            "Alam et al. CrisisMMD: multimodal Twitter datasets from natural disasters. ICWSM "
            "2018. https://arxiv.org/abs/1805.00713"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _photograph(folder: Path, record: Record) -> dict[str, str]:
    identity = record.identity("image_id", "Image_id")
    return {
        "id": identity,
        "tweet_id": identity.partition("_")[0],
        "event": record.text("event_name", "Event_name"),
        "image": str(folder / record.text("image", "Image")),
        # In humanitarian tasks `label` mixes the text's and the photograph's labels.
        "label": record.text("label_text", "Label"),
    }


def _tweet(record: Record) -> dict[str, str]:
    return {
        "text": mend(record.text("tweet_text")),
        "label_image": record.text("label_image"),
    }


def mend(text: str) -> str:
    """Return a tweet without HTML entities, and with words in UTF-8 that were misread.

    Example:
        >>> mend("donâ€™t &amp; cafÃ© or café")
        'don’t & café or café'
    """
    return html.unescape(" ".join(map(_mend_word, text.split(" "))))


def _mend_word(word: str) -> str:
    for encoding in () if word.isascii() else _MISREAD_AS:
        try:
            # Only what was misread is UTF-8 again: "café" is none.
            return word.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return word
