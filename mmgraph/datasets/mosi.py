"""CMU-MOSI and CMU-MOSEI: sentiment of spoken opinions, as pickles of aligned features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.datasets.pickles import read_pickle
from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Names of the validation split in the forms that are around.
_SPLITS = {"train": "train", "valid": "val", "dev": "val", "test": "test"}
_LABELS = ("regression_labels", "labels")


def load_mosi(path: str | Path) -> pd.DataFrame:
    """Return the clips of a pickle in MMSA's, MulT's or MultiBench's form as a table.

    CMU-MOSI: Zadeh et al., 2016 (https://arxiv.org/abs/1606.06259); CMU-MOSEI: Zadeh et al.,
    2018. Padding is cut off, by the lengths where the pickle has them and otherwise where whole
    steps are zero at either end. Infinite audio features, which the published files hold,
    become 0. A modality that is all zero is missing.

    Args:
        path: `aligned_50.pkl` or `unaligned_50.pkl` of MMSA; `mosi_data.pkl`,
            `mosei_senti_data.pkl` of MulT; `mosi_raw.pkl` of MultiBench. Pickles are read
            without running code.

    Returns:
        Columns id, text, audio, vision (arrays [steps, features] or None), raw_text (where the
        pickle has it), label (sentiment from -3 to 3) and split ("train", "val", "test").

    Raises:
        DataError: The file is missing, damaged, or lacks a key.
    """
    import pandas as pd

    content = read_pickle(path)
    splits = [name for name in _SPLITS if isinstance(content, dict) and name in content]
    if not splits:
        got = list(content) if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{path}: expected the keys train, valid and test, got {got}")
    return pd.concat([_read_split(path, name, content[name]) for name in splits], ignore_index=True)


def _read_split(path: str | Path, name: str, part: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(part, dict):
        raise DataError(f"{path}: {name}: expected a dict of arrays, got {type(part).__name__}")
    labels = next((part[key] for key in _LABELS if key in part), None)
    if labels is None:
        raise DataError(f"{path}: {name}: expected the key labels, got {sorted(part)}")
    label = np.asarray(labels, dtype=float).reshape(len(labels), -1)[:, 0]
    columns: dict[str, Any] = {"id": _ids(part.get("id", range(len(label))))}
    if "raw_text" in part:
        columns["raw_text"] = [str(text) for text in part["raw_text"]]
    for modality in ("text", "audio", "vision"):
        if modality not in part:
            raise DataError(f"{path}: {name}: expected the key {modality}, got {sorted(part)}")
        values = np.asarray(part[modality], dtype=np.float32)
        if values.ndim != 3 or len(values) != len(label):
            raise DataError(
                f"{path}: {name}: expected {modality} as [clips, steps, features] for "
                f"{len(label)} clips, got {list(values.shape)}"
            )
        lengths = part.get(f"{modality}_lengths", [None] * len(label))
        columns[modality] = [_cut(each, size) for each, size in zip(values, lengths, strict=True)]
    columns["label"] = label
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{path}: {name}: expected as many of each, got {lengths}")
    return pd.DataFrame(columns).assign(split=_SPLITS[name])


def _ids(values: Any) -> list[str]:
    """MulT's ids are bytes, or rows of (video, start, end); MMSA's are strings."""
    names = []
    for value in values:
        parts = np.atleast_1d(np.asarray(value)).ravel().tolist()
        names.append(
            "_".join(p.decode("latin1") if isinstance(p, bytes) else str(p) for p in parts)
        )
    return names


def _cut(values: np.ndarray, length: Any) -> np.ndarray | None:
    """Cut the padding off; None where nothing is left."""
    values = np.where(np.isfinite(values), values, np.float32(0))
    if length is not None:
        values = values[: int(length)]
    real = np.flatnonzero(values.any(1))
    return values[real[0] : real[-1] + 1].copy() if len(real) else None
