"""From a fitted model to a folder with a program and its preprocessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import pad

from mmgraph.data.dataset import SampleDataset
from mmgraph.data.transform import transform
from mmgraph.data.whole_table import WholeTable
from mmgraph.errors import DataError, ExportError, MissingPackageError
from mmgraph.export.exported import DESCRIPTION, FORMAT, PREPROCESSING, load_exported
from mmgraph.export.formats import FILES, Format, write_program
from mmgraph.export.program import Inputs, Program, dynamic_axes, to_inputs
from mmgraph.fitted import FittedModel
from mmgraph.graph.items import Items
from mmgraph.saving import renames
from mmgraph.saving.folder import new_folder, to_bytes
from mmgraph.saving.modalities import save_modalities
from mmgraph.tables.names import row_name
from mmgraph.typing import Item
from mmgraph.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.modalities.base import Modality

#: Largest difference of a probability, or of a number in standard deviations of the targets.
TOLERANCE = 1e-4

#: Rows that tell which axes change from row to row.
_ROWS_SEEN = 8


def export_model(
    fitted: FittedModel, path: Path, frame: pd.DataFrame, form: Format, overwrite: bool
) -> None:
    """Write a fitted model as a program; see `MultimodalEstimator.export`."""
    if form not in FILES:
        raise ValueError(f"expected format to be one of {', '.join(FILES)}, got {form!r}")
    if any(isinstance(each, WholeTable) for each in fitted.modalities):
        raise ExportError(
            "a model with links cannot be exported: a program sees one row, and not those it is "
            "linked with; fit without links=, or save the model and predict with mmgraph"
        )
    with new_folder(path, overwrite, mine=_is_export) as folder:
        described = _write(fitted, folder, frame, form)
        kinds = [type(each) for each in fitted.modalities]
        described["largest_difference"] = check(fitted, folder, frame, kinds)
        _describe(described, folder)


def check(
    fitted: FittedModel,
    folder: Path,
    frame: pd.DataFrame,
    kinds: Sequence[type[Modality]],
) -> float:
    """Return the largest difference of exported predictions to the model's.

    Rows go through the program in large batches, and some of them one by one.

    Raises:
        ExportError: It is more than `TOLERANCE`.
    """
    task = fitted.task
    exported = load_exported(folder, modalities=kinds)
    expected = fitted.predict(frame)
    try:
        difference = np.abs(exported.outputs(frame) - expected)
        alone = exported.outputs(frame[:3], batch_size=1) - expected[:3]
    except (DataError, MissingPackageError):
        raise
    except Exception as error:  # of many kinds, from deep inside the runtimes
        raise ExportError(f"the exported program does not run: {error}") from error
    difference[: len(alone)] = np.maximum(difference[: len(alone)], np.abs(alone))
    difference = difference / task.unit.numpy()
    largest = float(difference.max())
    if not largest <= TOLERANCE:  # not a number is refused as well
        row = row_name(frame.index, int(difference.max(1).argmax()))
        raise ExportError(
            f"row {row}: the exported program differs from the model by {largest:.1e}, more than "
            f"{TOLERANCE:.0e}, so nothing was written; a part of it computes otherwise in this "
            "format: try another format, or convolutions and fusions of mmgraph's own"
        )
    return largest


def _write(fitted: FittedModel, folder: Path, frame: pd.DataFrame, form: Format) -> dict[str, Any]:
    modalities = fitted.modalities
    items = transform(modalities, frame)
    dataset = SampleDataset(modalities, items)
    program = Program(fitted.network, _fillers(modalities, items)).eval()
    rows = _traced_rows(items)
    inputs = _widened(to_inputs(dataset.collate(rows).items))
    inputs = program.used(inputs)
    seen = [
        to_inputs(dataset.collate([row]).items) for row in [*rows, *range(len(frame))][:_ROWS_SEEN]
    ]
    axes = dynamic_axes([{name: each[name] for name in inputs} for each in seen])
    write_program(program, inputs, axes, folder / FILES[form], form)
    saved = save_modalities(modalities, folder / PREPROCESSING)
    task = fitted.task
    described = {
        "version": FORMAT,
        "mmgraph": __version__,
        "torch": torch.__version__,
        "format": form,
        "task": task.kind,
        "targets": fitted.outputs.describe(),
        "threshold": task.calibration().get("threshold"),
        "inputs": [_input(name, value, axes[name]) for name, value in inputs.items()],
        "outputs": {"name": "outputs", "dtype": "float32", "shape": [None, task.outputs]},
        "preprocessing": renames.FORMAT,
        "modalities": saved,
        "checked_rows": len(frame),
    }
    _describe(described, folder)
    return described


def _describe(described: Mapping[str, Any], folder: Path) -> None:
    (folder / DESCRIPTION).write_bytes(to_bytes(described))


def _input(name: str, value: torch.Tensor, axes: Mapping[int, Any]) -> dict[str, Any]:
    """Describe a tensor; axes of any size are null."""
    shape = [None if axis in axes else size for axis, size in enumerate(value.shape)]
    return {"name": name, "dtype": str(value.dtype).removeprefix("torch."), "shape": shape}


def _fillers(
    modalities: Sequence[Modality], items: Mapping[str, Sequence[Sequence[Item]]]
) -> dict[str, Items]:
    """Return the smallest item of each modality, as a batch of one.

    Raises:
        DataError: No row has any.
    """
    fillers = {}
    for modality in modalities:
        found = [item for cell in items[modality.node_type] for item in cell]
        batches = [modality.collate([[item]]) for item in found]
        batches = [each for each in batches if int(each.length)]
        if not batches:
            columns = ", ".join(map(repr, modality.column_list))
            raise DataError(
                f"column {columns}: expected a value in some row of example=, to export "
                f"{modality.node_type!r} with, got none; give rows that have all modalities "
                "between them"
            )
        # One that lacks nothing: texts without words have no n-grams of them.
        fillers[modality.node_type] = min(
            batches, key=lambda each: (_empty_tensors(each), int(each.length))
        )
    return fillers


def _empty_tensors(items: Items) -> int:
    return sum(not value.numel() for value in items.data.values())


def _traced_rows(items: Mapping[str, Sequence[Sequence[Item]]]) -> list[int]:
    """Return two rows with each modality, for a size of 1 would be taken for one that stays so."""
    rows = []
    for cells in items.values():
        rows += ([row for row, cell in enumerate(cells) if cell] * 2)[:2]
    return rows


def _widened(inputs: Inputs) -> Inputs:
    """Return the same samples padded to two more nodes."""
    return {
        name: pad(value, (0, 2)) if name.endswith(".mask") else value
        for name, value in inputs.items()
    }


def _is_export(path: Path) -> bool:
    return (path / DESCRIPTION).is_file()
