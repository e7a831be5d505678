"""MM-Graph, and sets in its form: products and books with pictures, texts and links."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, Record, read_json_lines
from mmgraph.errors import DataError
from mmgraph.links.by_key import Link
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("MM-Graph", "https://github.com/mm-graph-benchmark/mm-graph-benchmark")
_PARTS = {"train_idx": "train", "val_idx": "val", "test_idx": "test"}


def load_mm_graph(folder: str | Path) -> MultimodalDataset:
    """Return the labelled nodes of a graph for node classification, with their links.

    Zhu et al., 2024 (https://arxiv.org/abs/2406.16321): books-nc and ele-fashion, in the authors'
    split. Sets of OpenMAG that come as the same files can be read, too. Nodes without a label, or
    in no part of the split, are left out, and so are links to them.

    Args:
        folder: Folder with `nc_edges-nodeid.pt`, `labels-w-missing.pt`, `split.pt`,
            `node_mapping.pt`, one `*-raw-text.jsonl`, and the unpacked pictures, named by the
            nodes' raw ids, in `images`.

    Returns:
        Columns id (the raw id), image (path; None where there is no such file), text, linked (raw
        ids), label (a number, as text) and split ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    texts = _read_texts(folder)
    names = {
        int(place): str(name) for name, place in _read(folder, "node_mapping.pt", dict).items()
    }
    labels = _numbers(folder, "labels-w-missing.pt")
    split = _read(folder, "split.pt", dict)
    linked = _read_links(folder, names)
    rows = []
    for key, part in _PARTS.items():
        if key not in split:
            raise DataError(f"{folder / 'split.pt'}: expected the key {key!r}, got {list(split)}")
        for place in map(int, split[key]):
            if not (place in names and 0 <= place < len(labels)):
                raise DataError(
                    f"{folder / 'split.pt'}: node {place} has no label or no id; download the "
                    f"files of one set from {_DOWNLOAD.homepage}"
                )
            name = names[place]
            picture = folder / "images" / f"{name}.jpg"
            if labels[place] >= 0:
                rows.append(
                    {
                        "id": name,
                        "image": str(picture) if picture.exists() else None,
                        "text": texts.get(name),
                        "linked": linked.get(name, []),
                        "label": str(labels[place]),
                        "split": part,
                    }
                )
    return MultimodalDataset(
        name=f"{_DOWNLOAD.name}: {folder.name}",
        frame=_DOWNLOAD.table(rows, files=()),
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "macro_f1"),
        links=[Link("linked", key="id")],
        licence="not stated; texts and pictures belong to Amazon's sellers and Goodreads' users",
        citation=("Zhu et al. Multimodal graph benchmark. 2024. https://arxiv.org/abs/2406.16321"),
        homepage=_DOWNLOAD.homepage,
    )


def _read_texts(folder: Path) -> dict[str, str | None]:
    path = folder / f"{folder.name}-raw-text.jsonl"
    files = list(folder.glob("*-raw-text.jsonl"))
    if not path.exists() and len(files) == 1:
        (path,) = files
    rows = _DOWNLOAD.read({"all": path}, read_json_lines)
    return {each.identity("id"): _text(each) for _, each in rows}


def _text(row: Record) -> str | None:
    """Return the text, which is a list of texts in some of the sets."""
    keys = ("raw_text", "text")
    value = next((row.values[key] for key in keys if key in row.values), None)
    parts = [row.text(*keys)] if isinstance(value, str) else row.texts(*keys)
    return " ".join(filter(None, parts)) or None


def _read_links(folder: Path, names: Mapping[int, str]) -> dict[str, list[str]]:
    edges = torch.as_tensor(_read(folder, "nc_edges-nodeid.pt", (list, torch.Tensor)))
    if edges.ndim != 2 or edges.shape[1] != 2:
        raise DataError(
            f"{folder / 'nc_edges-nodeid.pt'}: expected pairs of nodes, got {tuple(edges.shape)}"
        )
    linked: dict[str, list[str]] = {}
    for start, end in edges.tolist():
        if start in names and end in names:
            linked.setdefault(names[start], []).append(names[end])
    return linked


def _numbers(folder: Path, name: str) -> list[int]:
    values = _read(folder, name, (list, torch.Tensor))
    return [int(each) for each in values]


def _read(folder: Path, name: str, kind: Any) -> Any:
    """Return what torch saved: lists, tensors and dictionaries of numbers; no code is run."""
    path = folder / name
    _DOWNLOAD.require([path])
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: cannot be read as numbers that torch saved ({str(error)[:80]}); download it "
            "again"
        ) from error
    if not isinstance(value, kind):
        raise DataError(f"{path}: expected a list or a dictionary, got {type(value).__name__}")
    return value
