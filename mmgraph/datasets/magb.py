"""MAGB: products and posts with pictures, texts and links between them."""

from __future__ import annotations

import ast
import zlib
from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, Record, read_comma_separated
from mmgraph.errors import DataError
from mmgraph.links.by_key import Link
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("MAGB", "https://github.com/sktsherlock/MAGB")


def load_magb(folder: str | Path) -> MultimodalDataset:
    """Return the nodes of one of the five graphs, with their neighbours as links.

    Yan et al., 2025 (https://arxiv.org/abs/2410.09132): Movies, Toys, Grocery, Reddit-S and
    Reddit-M. The authors draw splits of 6:2:2 anew for each run. Here they are drawn once, by the
    nodes' ids.

    Args:
        folder: Folder of one graph, with its table (`Movies.csv`) and its unpacked pictures
            (`MoviesImages/0.jpg`). The graph that is saved for DGL is not needed, because the
            table names the neighbours, too.

    Returns:
        Columns id, image (path), text, neighbour (ids), label (the category's name), split
        ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    table = _find_table(folder)
    pictures = folder / f"{table.stem}Images"
    rows = [
        {
            "id": (name := each.identity("id")),
            "image": str(pictures / f"{name}.jpg"),
            "text": each.text("text", "caption") or None,
            "neighbour": _read_ids(each),
            "label": each.text("second_category", "subreddit"),
            "split": _draw_part(name),
        }
        for _, each in _DOWNLOAD.read({"all": table}, read_comma_separated)
    ]
    return MultimodalDataset(
        name=f"{_DOWNLOAD.name}: {table.stem}",
        frame=_DOWNLOAD.table(rows),
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "macro_f1"),
        links=[Link("neighbour", key="id")],
        licence="CC BY 4.0; pictures belong to Amazon's sellers or Reddit's users",
        citation=(
            "Yan et al. When graph meets multimodal: benchmarking on multimodal attributed graphs "
            "learning. 2025. https://arxiv.org/abs/2410.09132"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _find_table(folder: Path) -> Path:
    """Return the table: "RedditS.csv" of "Reddit-S", or the only one of a renamed folder."""
    usual = folder / f"{folder.name.replace('-', '')}.csv"
    tables = list(folder.glob("*.csv"))
    if not usual.exists() and len(tables) == 1:
        return tables[0]
    _DOWNLOAD.require([usual])
    return usual


def _read_ids(row: Record) -> list[str]:
    """Return the ids of a list that is written as Python writes it: "[3, 17]"."""
    written = row.text("neighbour")
    try:
        ids = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        ids = None
    if not isinstance(ids, list) or not all(isinstance(each, int | str) for each in ids):
        raise DataError(
            f"{row.where}: expected a list of ids as 'neighbour', got {written!r:.80}; download "
            "it again"
        )
    return [str(each) for each in ids]


def _draw_part(name: str) -> str:
    number = zlib.crc32(name.encode()) % 10
    return "train" if number < 6 else "val" if number < 8 else "test"
