"""UPMC Food-101: photographs of dishes with the web pages they were found on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import (
    Download,
    Record,
    part_files,
    read_comma_separated,
    read_json_lines,
    read_text,
)
from mmgraph.errors import DataError
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("UPMC Food-101", "https://visiir.isir.upmc.fr/explore")
_SUFFIXES = (".jpg", ".jpeg", ".png")


def load_food101(folder: str | Path) -> MultimodalDataset:
    """Return the photographs and texts in one of the three forms that are around.

    Wang et al., 2015 (https://doi.org/10.1109/ICMEW.2015.7169757).

    Args:
        folder: Folder with `images/train`, `images/test` and one of: `train.jsonl`, `dev.jsonl`
            and `test.jsonl` as MMBT's script writes them; `texts_txt`, a folder of texts for
            each class, where some photographs have none; `texts/train_titles.csv` and
            `texts/test_titles.csv` of the copy on Kaggle.

    Returns:
        Columns id, image (path), text (None where there is none), label (one of 101 dishes)
        and split ("train", "test", and "val" in MMBT's form).

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    if list(folder.glob("*.jsonl")):
        rows = list(_read_jsonl(folder))
    elif (folder / "texts_txt").is_dir():
        rows = list(_read_texts(folder))
    elif (folder / "texts").is_dir():
        rows = list(_read_titles(folder))
    else:
        raise DataError(
            f"{folder}: expected train.jsonl, dev.jsonl and test.jsonl, or texts_txt, or "
            f"texts/train_titles.csv; get one of them from {_DOWNLOAD.homepage}"
        )
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=_DOWNLOAD.table(rows),
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        licence="unknown; see source; photographs and texts belong to their owners",
        citation=(
            "Wang et al. Recipe recognition with large multimodal food dataset. ICME workshops "
            "2015. https://doi.org/10.1109/ICMEW.2015.7169757"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _read_jsonl(folder: Path) -> Iterator[dict[str, Any]]:
    for split, each in _DOWNLOAD.read(part_files(folder / "{}.jsonl"), read_json_lines):
        yield {
            "id": each.identity("id"),
            "image": str(folder / each.text("img", "image")),
            "text": each.text("text"),
            "label": each.text("label"),
            "split": split,
        }


def _read_texts(folder: Path) -> Iterator[dict[str, Any]]:
    parts = {split: folder / "images" / split for split in ("train", "test")}
    _DOWNLOAD.require(parts.values())
    classes = [place for part in parts.values() for place in sorted(part.iterdir())]
    classes = [place for place in classes if place.is_dir()]
    _DOWNLOAD.require(folder / "texts_txt" / place.name for place in classes)
    for place in classes:
        for image in sorted(place.iterdir()):
            if image.suffix.lower() in _SUFFIXES:
                text = folder / "texts_txt" / place.name / f"{image.stem}.txt"
                yield {
                    "id": image.stem,
                    "image": str(image),
                    "text": read_text(text) if text.is_file() else None,
                    "label": place.name,
                    "split": place.parent.name,
                }


def _read_titles(folder: Path) -> Iterator[dict[str, Any]]:
    files = {split: folder / "texts" / f"{split}_titles.csv" for split in ("train", "test")}
    for split, each in _DOWNLOAD.read(files, _read_headless):
        name, label = each.text("filename"), each.text("class")
        yield {
            "id": Path(name).stem,
            "image": str(folder / "images" / split / label / name),
            "text": each.text("text"),
            "label": label,
            "split": split,
        }


def _read_headless(path: Path) -> list[Record]:
    """Read titles, of which the first line is a photograph like the others."""
    return read_comma_separated(path, ["filename", "text", "class"])
