"""MVSA: tweets with photographs, and the sentiment of both."""

from __future__ import annotations

import zlib
from collections import Counter
from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, Record, read_tab_separated, read_text
from mmgraph.errors import DataError, quote
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download(
    "MVSA", "https://mcrlab.net/research/mvsa-sentiment-analysis-on-multi-view-social-data"
)
_SENTIMENTS = ("positive", "neutral", "negative")


def load_mvsa(folder: str | Path) -> MultimodalDataset:
    """Return the tweets of MVSA-Single (one annotator) or MVSA-Multiple (three).

    Niu et al., 2016 (https://doi.org/10.1007/978-3-319-27674-8_2). A tweet's label comes of the
    labels of its text and its photograph, each the majority's of three annotators: the common
    one; the other one where one is neutral; tweets with a positive and a negative one, or
    without a majority, are left out, as usual (Xu and Mao, 2017). There is no official split:
    publications draw 8:1:1 at random, and so does this reader, always alike.

    Args:
        folder: Folder with `labelResultAll.txt`, and `data` with a `.jpg` and a `.txt` for each
            tweet.

    Returns:
        Columns id, image (path), text, label_text, label_image, label ("positive", "neutral",
        "negative") and split ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    path = folder / "labelResultAll.txt"
    rows, several = [], False
    for _, record in _DOWNLOAD.read({"all": path}, read_tab_separated):
        name = record.identity("ID")
        text, image = (_majority(labels) for labels in zip(*_annotations(record), strict=True))
        several = several or len(record.values) > 2
        label = _agreed(text, image)
        if label is not None:
            rows.append(
                {
                    "id": name,
                    "image": str(folder / "data" / f"{name}.jpg"),
                    "text": str(folder / "data" / f"{name}.txt"),
                    "label_text": text,
                    "label_image": image,
                    "label": label,
                    "split": _part(name),
                }
            )
    frame = _DOWNLOAD.table(rows, ["image", "text"])
    frame["text"] = [read_text(Path(each)).strip() for each in frame["text"]]
    return MultimodalDataset(
        name=f"MVSA-{'Multiple' if several else 'Single'}",
        frame=frame,
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "weighted_f1"),
        licence="not stated by its authors; tweets belong to their owners",
        citation=(
            "Niu et al. Sentiment analysis on multi-view social data. MMM 2016. "
            "https://doi.org/10.1007/978-3-319-27674-8_2"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _annotations(record: Record) -> list[tuple[str, str]]:
    """Return (label of the text, label of the photograph) of each annotator."""
    found = []
    for value in list(record.values.values())[1:]:
        labels = tuple(value.strip().split(","))
        if len(labels) != 2 or not set(labels) <= set(_SENTIMENTS):
            raise DataError(
                f"{record.where}: expected two of {', '.join(_SENTIMENTS)}, with a comma, got "
                f"{quote(value)}"
            )
        found.append(labels)
    if not found:
        raise DataError(f"{record.where}: expected labels behind a tab, got only {record.values}")
    return found


def _majority(labels: tuple[str, ...]) -> str | None:
    label, votes = Counter(labels).most_common(1)[0]
    return label if 2 * votes > len(labels) else None


def _agreed(text: str | None, image: str | None) -> str | None:
    if text is None or image is None or {text, image} == {"positive", "negative"}:
        return None
    return image if text == "neutral" else text


def _part(name: str) -> str:
    """Deal a tweet to a part by its id, so that it stays there whatever other tweets there are."""
    return {0: "test", 1: "val"}.get(zlib.crc32(name.encode()) % 10, "train")
