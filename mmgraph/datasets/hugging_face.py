"""Hugging Face's data sets: their splits, names of classes, and what their cards say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.data.infer import infer_modalities
from mmgraph.data.targets import is_multilabel
from mmgraph.datasets.base import MultimodalDataset
from mmgraph.errors import DataError
from mmgraph.kinds import TaskKind
from mmgraph.metrics import default_metrics
from mmgraph.modalities.base import Modality
from mmgraph.tables.opening import read_frame

if TYPE_CHECKING:
    import pandas as pd

_SPLITS = {"validation": "val", "valid": "val", "dev": "val"}


def load_hugging_face(
    data: Any, label: str, modalities: Sequence[Modality] | None = None
) -> MultimodalDataset:
    """Return a `datasets.Dataset`, or a `datasets.DatasetDict` with its splits.

    All rows are held in memory, images as they are stored. Numbers of classes become their names,
    and -1, which stands for a label that is not published, becomes None.

    Args:
        data: What `datasets.load_dataset` or `datasets.load_from_disk` returned.
        label: Column to predict: classes, lists of classes, or fractions.
        modalities: Modalities that read the other columns; None: inferred from the first split.

    Returns:
        The columns of the data set, and split (its names; "val" for "validation").

    Raises:
        DataError: This is no such data set, it streams, or there is no such column.
    """
    import pandas as pd

    parts = dict(data) if isinstance(data, Mapping) else {str(_split(data)): data}
    for name, part in parts.items():
        if not (hasattr(part, "features") and hasattr(part, "column_names")):
            raise DataError(
                f"expected a datasets.Dataset or DatasetDict, got {type(part).__name__}"
                f"{'' if part is data else f' as {name!r}'}; pass what load_dataset returned"
            )
        if not hasattr(part, "__len__"):
            raise DataError(
                f"{name}: expected rows that can be counted, got a stream; leave out streaming=True"
            )
        if label not in part.column_names:
            raise DataError(
                f"{name}: there is no column {label!r}; there are {list(part.column_names)}"
            )
    frames = {name: _read_part(part, label) for name, part in parts.items()}
    frame = pd.concat(
        [each.assign(split=_SPLITS.get(name, name)) for name, each in frames.items()],
        ignore_index=True,
    )
    task = _task(frame[label])
    first = next(iter(parts.values()))
    if modalities is None:
        inputs = next(iter(frames.values()))
        modalities = infer_modalities(inputs, exclude=[label], labels=inputs[label].tolist())
    return MultimodalDataset(
        name=_card(first, "dataset_name") or "Hugging Face data set",
        frame=frame,
        modalities=modalities,
        label=label,
        task=task,
        metrics=default_metrics(task),
        licence=_card(first, "license") or "see its card",
        citation=_card(first, "citation") or "see its card",
        homepage=_card(first, "homepage") or "https://huggingface.co/datasets",
    )


def _split(data: Any) -> str:
    return str(getattr(data, "split", None) or "all")


def _card(part: Any, field: str) -> str:
    return str(getattr(getattr(part, "info", None), field, None) or "").strip()


def _read_part(part: Any, label: str) -> pd.DataFrame:
    import pandas as pd

    frame = read_frame(part)
    feature = part.features[label]
    names = getattr(feature, "names", None)
    inner = getattr(getattr(feature, "feature", None), "names", None)
    # Of whole numbers with a missing one, the frame has made fractions.
    values = list(part[label])
    if names is not None:
        values = [None if each is None or each < 0 else names[each] for each in values]
    elif inner is not None:
        values = [None if row is None else [inner[each] for each in row] for row in values]
    return frame.assign(**{label: pd.Series(values, dtype=object, index=frame.index)})


def _task(labels: pd.Series[Any]) -> TaskKind:
    known = labels.dropna().tolist()
    if is_multilabel(known):
        return "multilabel"
    fractions = [each for each in known if isinstance(each, float | np.floating)]
    return "regression" if any(not float(each).is_integer() for each in fractions) else "multiclass"
