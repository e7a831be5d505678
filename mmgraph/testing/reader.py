"""What a reader of a data set promises."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmgraph.data.cells import modality_cells
from mmgraph.datasets.base import MultimodalDataset
from mmgraph.errors import DataError
from mmgraph.metrics import evaluate_predictions
from mmgraph.testing.expect import expect

#: Endings of the names of files that cells name.
_FILES = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
    *(".wav", ".flac", ".mp3", ".ogg", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".npy", ".npz"),
)

#: Most files that are taken away, one after the other.
_MOST_FILES = 50


def check_reader(
    read: Callable[..., MultimodalDataset],
    folder: str | Path | None = None,
    *,
    optional: Sequence[str] = (),
) -> None:
    """Check that a reader keeps what `MultimodalDataset` promises.

    It gives rows with unique columns and a split of which "train" is the first, a licence and a
    citation; its modalities name columns that are there, the label not among them; paths are
    absolute, and their files exist; labels are of the task's type, and the metrics can be had of
    them. If a file is missing, a `DataError` names it.

    Args:
        read: The reader, or a function that calls it.
        folder: A small copy of what it reads; None for a reader that takes nothing.
        optional: Patterns of files that may be missing, relative to the folder.

    Raises:
        AssertionError: A promise is broken; the message says which and how to mend it.

    Example:
        >>> from mmgraph.datasets import load_openclipart
        >>> check_reader(load_openclipart)
    """
    data = read() if folder is None else read(folder)
    expect(
        isinstance(data, MultimodalDataset),
        f"the reader returns {type(data).__name__}; return a MultimodalDataset",
    )
    _check_words(data)
    _check_table(data)
    _check_columns(data)
    _check_files(data)
    _check_labels(data)
    if folder is not None:
        _check_missing_files(read, Path(folder), optional)


def _check_words(data: MultimodalDataset) -> None:
    for name in ("name", "licence", "citation", "homepage"):
        text = getattr(data, name)
        expect(
            isinstance(text, str) and bool(text.strip()),
            f"{name} is {text!r}; say it in words, or that it is unknown",
        )
    tasks = ("multiclass", "multilabel", "regression")
    expect(data.task in tasks, f"task is {data.task!r}, expected one of {tasks}")


def _check_table(data: MultimodalDataset) -> None:
    frame = data.frame
    expect(len(frame) > 0, "the table has no rows; raise a DataError where nothing can be used")
    expect(
        frame.index.tolist() == list(range(len(frame))),
        "rows are not numbered from 0; end with frame.reset_index(drop=True)",
    )
    expect(frame.columns.is_unique, f"columns are there twice: {list(frame.columns)}")
    expect(
        "split" in frame and all(isinstance(each, str) for each in frame["split"]),
        f"expected a column 'split' that says 'train', 'val' or 'test' of each row, or 'all'; the "
        f"columns are {list(frame.columns)}",
    )
    expect(
        data.parts[0] in ("train", "all"),
        f"the splits are {data.parts}, expected 'train' among them, or 'all' where there are none",
    )


def _check_columns(data: MultimodalDataset) -> None:
    expect(bool(data.modalities), "there is no modality to read the columns; name some")
    columns = [column for modality in data.modalities for column in modality.column_list]
    needed = [data.label, *columns, *([data.groups] if data.groups else [])]
    lacking = [name for name in needed if name not in data.frame]
    expect(not lacking, f"the table lacks the columns {lacking}; it has {list(data.frame.columns)}")
    expect(
        data.label not in columns,
        f"the label {data.label!r} is read by a modality, which would give it away; leave it out",
    )
    for modality in data.modalities:
        found = any(modality_cells(modality, data.frame))
        expect(found, f"{modality.node_type}: no row has a value of {modality.column_list}")


def _check_files(data: MultimodalDataset) -> None:
    for modality in data.modalities:
        for cell in modality_cells(modality, data.frame):
            for raw in cell:
                value = raw[1] if modality.by_column else raw
                if isinstance(value, str | Path) and str(value).lower().endswith(_FILES):
                    _check_file(modality.node_type, Path(value))


def _check_file(where: str, path: Path) -> None:
    expect(
        path.is_absolute(),
        f"{where}: '{path}' is no absolute path, so that it depends on the working folder; begin "
        "with Path(folder).absolute()",
    )
    expect(
        path.is_file(),
        f"{where}: there is no file '{path}'; raise a DataError, or leave its row out",
    )


def _check_labels(data: MultimodalDataset) -> None:
    """Check that labels are of the task's type, and that the metrics can be had of them."""
    labels = data.part(data.parts[0])[data.label].tolist()
    given: dict[str, Any] = {}
    if data.task == "regression":
        wrong = [each for each in labels if type(each) is not float]
        expect(not wrong, f"labels of a regression are floats, got {wrong[:3]}")
    else:
        given = _check_classes(labels, several=data.task == "multilabel")
    expect(bool(data.metrics), "metrics is empty; name some, such as default_metrics(task)")
    scores = evaluate_predictions(data.metrics, labels, labels, **given)
    wrong = [name for name, x in scores.items() if not np.isclose(x, float(name != "mae"))]
    expect(not wrong, f"metrics {wrong} are not perfect for predictions that are right: {scores}")


def _check_classes(labels: list[Any], *, several: bool) -> dict[str, Any]:
    """Return what metrics need to know of classes, and of predictions that are right."""
    if several:
        wrong = [each for each in labels if not isinstance(each, list)]
        expect(not wrong, f"the labels of each row are a list of texts, got {wrong[:3]}")
    sets = [each if several else [each] for each in labels]
    kinds = {type(each) for one in sets for each in one}
    expect(
        kinds == {str} or (kinds == {int} and not several),
        f"labels are of the types {sorted(kind.__name__ for kind in kinds)}, expected texts (or, "
        "for one class a row, whole numbers); rows whose label is not published go into a split "
        "of their own",
    )
    classes = sorted({each for one in sets for each in one})
    x = np.array([[float(each in one) for each in classes] for one in sets])
    return {"probabilities": x, "classes": classes}


def _check_missing_files(
    read: Callable[..., MultimodalDataset], folder: Path, optional: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.name
        shutil.copytree(folder, copy)
        allowed = {path for pattern in optional for path in copy.glob(pattern)}
        files = sorted(path for path in copy.rglob("*") if path.is_file() and path not in allowed)
        for path in files[:_MOST_FILES]:
            content = path.read_bytes()
            path.unlink()
            _check_missing(read, copy, path)
            path.write_bytes(content)


def _check_missing(read: Callable[..., MultimodalDataset], folder: Path, path: Path) -> None:
    where = f"without the file {path.relative_to(folder)}"
    try:
        read(folder)
    except DataError as error:
        named = path.name in str(error)
        expect(named, f"{where}, the message does not name it: {error}")
        return
    except Exception as error:
        raise AssertionError(
            f"{where}, the reader raises {error!r}; raise a DataError that names it, and says "
            "where to get it"
        ) from error
    raise AssertionError(
        f"{where}, the reader reads on; raise a DataError, or give its pattern as optional="
    )
