"""MM-IMDb: posters and plots of films, and all of their genres."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import (
    SPLITS,
    Download,
    name_some,
    part_files,
    read_json_lines,
    read_json_object,
)
from mmgraph.errors import DataError, MissingPackageError
from mmgraph.modalities.base import Modality
from mmgraph.modalities.features import Features
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

_DOWNLOAD = Download("MM-IMDb", "https://github.com/johnarevalo/gmu-mmimdb")

#: How many times its own bytes a compressed file may hold.
_MOST_TIMES = 100

#: Rows before the validation and the test part, and rows in all, of the published HDF5 file. The
#: file does not say them; for one of another size they are asked of split.json.
_PUBLISHED_ROWS = (15_552, 18_160, 25_959)


def load_mm_imdb(path: str | Path) -> MultimodalDataset:
    """Return the films in one of the three published forms.

    Arevalo et al., 2017 (https://arxiv.org/abs/1702.01992). Of the original files, what MMBT's
    script takes (https://github.com/facebookresearch/mmbt): the longest plot of a film, no
    films of the genre "News" or without a plot, and in the other parts no genre that the
    training part lacks; that leaves 23 genres.

    Args:
        path: A folder with the original `split.json` and `dataset`; or with `train.jsonl`,
            `dev.jsonl` and `test.jsonl` as MMBT's script writes them; or the file
            `multimodal_imdb.hdf5`, of which the published features are read (text [300], image
            [4096]) and the 12 GB of pixels are left. The rows' parts are taken from a
            `split.json` beside that file, or else are those of the published file. Films that
            such a `split.json` lacks are left out, with a warning.

    Returns:
        Columns id, image (path) and text, or image (vector) and text (vector) for HDF5; label
        (list of genres) and split ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
        MissingPackageError: The file is HDF5 and h5py is not installed.
    """
    path = Path(path).absolute()
    modalities: list[Modality] = [Image("image"), Text("text")]
    if path.suffix in (".hdf5", ".h5"):
        frame = _read_hdf5(path)
        modalities = [Features("image"), Features("text")]
    elif list(path.glob("*.jsonl")):
        frame = _read_jsonl(path)
    elif (path / "split.json").is_file() or (path / "dataset").is_dir():
        frame = _read_raw(path)
    else:
        raise DataError(
            f"{path}: expected split.json and dataset, or train.jsonl, dev.jsonl and test.jsonl, "
            f"or multimodal_imdb.hdf5; get one of them from {_DOWNLOAD.homepage}"
        )
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=frame,
        modalities=modalities,
        label="label",
        task="multilabel",
        metrics=("micro_f1", "macro_f1", "weighted_f1", "samples_f1"),
        licence="not stated by its authors; plots and posters belong to their owners",
        citation=(
            "Arevalo et al. Gated multimodal units for information fusion. ICLR workshop 2017. "
            "https://arxiv.org/abs/1702.01992"
        ),
        homepage=_DOWNLOAD.homepage,
    )


def _read_jsonl(folder: Path) -> pd.DataFrame:
    rows = [
        {
            "id": each.identity("id"),
            "image": str(folder / each.text("image", "img")),
            "text": each.text("text"),
            "label": each.texts("label"),
            "split": split,
        }
        for split, each in _DOWNLOAD.read(part_files(folder / "{}.jsonl"), read_json_lines)
    ]
    return _DOWNLOAD.table(rows)


def _read_raw(folder: Path) -> pd.DataFrame:
    parts = _read_split(folder / "split.json")
    place = folder / "dataset"
    _DOWNLOAD.require(place / f"{film}.{kind}" for film in parts for kind in ("json", "jpeg"))
    rows = [_read_film(place, film, split) for film, split in parts.items()]
    known = {genre for row in rows if row["split"] == "train" for genre in row["label"]} - {"News"}
    kept = [row for row in rows if known.issuperset(row["label"]) and row["text"]]
    return _DOWNLOAD.table(kept)


def _read_film(place: Path, film: str, split: str) -> dict[str, Any]:
    record = read_json_object(place / f"{film}.json")
    return {
        "id": film,
        "image": str(place / f"{film}.jpeg"),
        "text": max(record.texts("plot"), key=len, default=""),
        "label": record.texts("genres"),
        "split": split,
    }


def _read_split(path: Path) -> dict[str, str]:
    """Return the part of each film, by its id."""
    _DOWNLOAD.require([path])
    record = read_json_object(path)
    return {film: split for name, split in SPLITS.items() for film in record.texts(name)}


def _read_own(file: Any, key: str, size: int) -> np.ndarray:
    """Return an array that lies in an HDF5 file itself, in bytes that are there.

    Raises:
        ValueError: It is a link to another file, or larger than compression can explain.
    """
    import h5py

    array = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(array, h5py.Dataset) or array.external or array.is_virtual:
        raise ValueError(f"{key} is no array of this file itself")
    if array.size * array.dtype.itemsize > _MOST_TIMES * size:
        raise ValueError(f"{key} of the shape {array.shape} is larger than the file can hold")
    found: np.ndarray = array[...]
    return found


def _read_hdf5(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError(
            f'{path}: HDF5 files need h5py: pip install "mmgraph[datasets]"'
        ) from error
    _DOWNLOAD.require([path])
    keys = ("imdb_ids", "vgg_features", "features", "genres")
    try:
        with h5py.File(path, "r") as file:
            lacking = [key for key in keys if key not in file]
            if lacking:
                raise DataError(f"{path}: expected the key {lacking[0]!r}, got {list(file)}")
            size = path.stat().st_size
            arrays = {key: _read_own(file, key, size) for key in keys}
            names = json.loads(file["genres"].attrs["target_names"])
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path}: cannot be read as the published HDF5 file ({error}); download it again"
        ) from error
    _check_arrays(path, arrays, names)
    films = [film.decode("latin1") for film in arrays["imdb_ids"].tolist()]
    frame = pd.DataFrame(
        {
            "id": films,
            "image": list(arrays["vgg_features"]),
            "text": list(arrays["features"]),
            "label": [[names[k] for k in np.flatnonzero(row)] for row in arrays["genres"]],
            "split": _parts(path, films),
        }
    )
    unknown = frame.loc[frame["split"].isna(), "id"].tolist()
    if len(unknown) == len(frame):
        raise DataError(f"{path}: expected ids that are in split.json, got {films[:3]}")
    if unknown:
        logger.warning(
            "%s: films that split.json lacks are left out, %d of them: %s",
            *(path, len(unknown), name_some(unknown)),
        )
    return frame.dropna(subset="split", ignore_index=True)


def _check_arrays(path: Path, arrays: dict[str, np.ndarray], names: Any) -> None:
    shapes = {key: list(array.shape) for key, array in arrays.items()}
    rows = {shape[0] for shape in shapes.values() if shape}
    fits = [len(shapes[key]) for key in arrays] == [1, 2, 2, 2] and len(rows) == 1
    if not fits or not isinstance(names, list) or shapes["genres"][1] != len(names):
        raise DataError(f"{path}: expected as many rows of each and a name a genre, got {shapes}")
    kinds = [array.dtype.kind for array in arrays.values()]
    if kinds[:3] != ["S", "f", "f"] or kinds[3] not in "iub":
        got = {key: str(array.dtype) for key, array in arrays.items()}
        raise DataError(
            f"{path}: expected ids of bytes, features of floats and genres of whole numbers, "
            f"got {got}"
        )


def _parts(path: Path, films: list[str]) -> list[str | None]:
    if path.with_name("split.json").is_file():
        parts = _read_split(path.with_name("split.json"))
        return [parts.get(film) for film in films]
    train, val, rows = _PUBLISHED_ROWS
    if len(films) != rows:
        raise DataError(
            f"{path}: has {len(films)} rows, and the published file {rows}, of which alone the "
            "parts are known; put split.json beside it"
        )
    return ["train" if row < train else "val" if row < val else "test" for row in range(rows)]
