"""Spoken clips as pickled sequences of features, as MMSA, MulT and MultiBench publish them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Shaped

from mmgraph.datasets.pickles import read_pickle
from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Names of the validation split in the forms that are around.
_SPLITS = {"train": "train", "valid": "val", "dev": "val", "test": "test"}
_LABELS = ("regression_labels", "labels")
_MODALITIES = ("text", "audio", "vision")

#: What follows the video in a clip's id: MMSA's "$_$7", MultiBench's "[7]", IEMOCAP's "_F003".
_CLIP = re.compile(r"(\$_\$|_[FM]?|\[)\d+\]?$")


def read_clips(
    path: str | Path, read_labels: Callable[[str, Shaped[np.ndarray, "clips ..."]], Sequence[Any]]
) -> pd.DataFrame:
    """Return the clips of a pickle of train, valid and test, each a dict of arrays.

    Padding is cut off, by the lengths where the pickle has them and otherwise where whole steps
    are zero at either end. Infinite features become 0. A modality that is all zero is missing.

    Args:
        path: The pickle, which is read without running code.
        read_labels: Makes the column `label` of the labels' array; its first argument is what
            to call that in messages.

    Returns:
        Columns id, video, raw_text (where the pickle has it), text, audio, vision (arrays
        [steps, features] or None), label and split ("train", "val", "test").

    Raises:
        DataError: The file is missing, damaged, or lacks a key.
    """
    import pandas as pd

    content = read_pickle(path)
    splits = [name for name in _SPLITS if isinstance(content, dict) and name in content]
    if set(map(_SPLITS.get, splits)) != set(_SPLITS.values()):
        got = list(content) if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{path}: expected the keys train, valid and test, got {got}")
    frames = []
    for name in splits:
        where = f"{path}: {name}"
        if not isinstance(content[name], dict):
            raise DataError(
                f"{where}: expected a dict of arrays, got {type(content[name]).__name__}"
            )
        frames.append(_read_split(where, content[name], read_labels).assign(split=_SPLITS[name]))
    return pd.concat(frames, ignore_index=True)


def _read_split(where: str, part: dict[Any, Any], read_labels: Callable[..., Any]) -> pd.DataFrame:
    import pandas as pd

    labels = next((part[key] for key in _LABELS if key in part), None)
    if labels is None:
        raise DataError(f"{where}: expected the key labels, got {list(part)}")
    label = list(read_labels(f"{where}: labels", _array(where, "labels", labels)))
    parts = [_id_parts(each) for each in _sequence(where, "id", part.get("id", range(len(label))))]
    columns: dict[str, Any] = {
        "id": ["_".join(each) for each in parts],
        "video": [each[0] if len(each) > 1 else _CLIP.sub("", each[0]) for each in parts],
    }
    if "raw_text" in part:
        columns["raw_text"] = list(map(str, _sequence(where, "raw_text", part["raw_text"])))
    for modality in _MODALITIES:
        columns[modality] = _read_modality(where, part, modality, len(label))
    columns["label"] = label
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: expected as many of each, got {lengths}")
    return pd.DataFrame(columns)


def _read_modality(
    where: str, part: dict[Any, Any], modality: str, clips: int
) -> list[Float32[np.ndarray, "steps features"] | None]:
    if modality not in part:
        raise DataError(f"{where}: expected the key {modality}, got {list(part)}")
    values = _array(where, modality, part[modality]).astype(np.float32)
    if values.ndim != 3 or len(values) != clips:
        raise DataError(
            f"{where}: expected {modality} as [clips, steps, features] for {clips} clips, got "
            f"{list(values.shape)}"
        )
    key = f"{modality}_lengths"
    lengths: list[Any] = [None] * clips
    if key in part:
        lengths = _array(where, key, part[key]).astype(int).ravel().tolist()
        if len(lengths) != clips:
            raise DataError(f"{where}: expected {clips} {key}, got {len(lengths)}")
    return [_cut(each, size) for each, size in zip(values, lengths, strict=True)]


def _sequence(where: str, key: str, values: Any) -> Sequence[Any]:
    if not isinstance(values, list | tuple | range | np.ndarray) or np.ndim(values) == 0:
        raise DataError(f"{where}: expected {key} as a list, got {type(values).__name__}")
    return list(values)


def _array(where: str, key: str, values: Any) -> Shaped[np.ndarray, "..."]:
    """Return numbers as an array."""
    try:
        array = np.asarray(values)
        array = array.astype(np.float32) if array.dtype.kind == "O" else array
    except (TypeError, ValueError):
        array = np.array("")
    if array.dtype.kind not in "biuf" or not array.ndim:
        raise DataError(f"{where}: expected {key} as an array of numbers, got {values!r:.60}")
    return array


def _id_parts(value: Any) -> list[str]:
    """MulT's ids are bytes, or rows of (video, start, end); MMSA's are strings."""
    parts = np.atleast_1d(np.asarray(value)).ravel().tolist()
    return [each.decode("latin1") if isinstance(each, bytes) else str(each) for each in parts]


def _cut(
    values: Float32[np.ndarray, "steps features"], length: int | None
) -> Float32[np.ndarray, "kept features"] | None:
    """Cut the padding off; None where nothing is left."""
    values = np.where(np.isfinite(values), values, np.float32(0))[:length]
    real = np.flatnonzero(values.any(1))
    return values[real[0] : real[-1] + 1].copy() if len(real) else None
