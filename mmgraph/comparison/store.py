"""Finished runs on disk: each in two files, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from mmgraph.errors import DataError, reason
from mmgraph.system.arrays import read_npz
from mmgraph.system.atomic import written_at_once

#: What a run is for: a fold to choose by, a point of a learning curve, or the test rows.
Part = Literal["fold", "curve", "test"]


@dataclass(frozen=True, eq=False)
class Run:
    """One fit of one method, and what it predicted.

    Args:
        key: Hash of all that decides the run: method, data, rows, seed, version.
        method: Name of the method.
        part: What it is for.
        fold: Name of the fold.
        seed: Seed of the fit.
        train_rows: Number of rows trained on.
        parameters: Trained parameters; None where that cannot be counted.
        fit_seconds: Time of `fit`.
        predict_seconds: Time of the predictions.
        date: When it was done, UTC.
        versions: Versions of the packages that matter.
        rows: Positions of the predicted rows in the table.
        truth: Their targets.
        predicted: What `predict` returned.
        probabilities: What `predict_proba` returned, or None.
        classes: `classes_`, or None.
    """

    key: str
    method: str
    part: Part
    fold: str
    seed: int
    train_rows: int
    parameters: int | None
    fit_seconds: float
    predict_seconds: float
    date: str
    versions: dict[str, str]
    rows: Int[np.ndarray, "rows"] = field(repr=False)
    truth: Shaped[np.ndarray, "rows *outputs"] = field(repr=False)
    predicted: Shaped[np.ndarray, "rows *outputs"] = field(repr=False)
    probabilities: Float[np.ndarray, "rows classes"] | None = field(default=None, repr=False)
    classes: Shaped[np.ndarray, "classes"] | None = field(default=None, repr=False)


#: Most bytes of the arrays of a run.
_MOST = 1 << 32

#: The fields that are arrays.
_ARRAYS = ("rows", "truth", "predicted", "probabilities", "classes")


class RunStore:
    """The runs in a folder: `<key>.json` says what was done, `<key>.npz` what was predicted.

    The JSON file is written last, so that a run is there wholly or not at all.

    Args:
        folder: The folder; it is made when the first run is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __contains__(self, key: str) -> bool:
        return (self.folder / f"{key}.json").is_file()

    def __iter__(self) -> Iterator[Run]:
        """Read all runs, in the order of their dates."""
        runs = [self.read(path.stem) for path in sorted(self.folder.glob("*.json"))]
        yield from sorted(runs, key=lambda run: run.date)

    def read(self, key: str) -> Run:
        """Return a run.

        Raises:
            DataError: A file is missing or damaged.
        """
        path = self.folder / f"{key}.json"
        try:
            described = json.loads(path.read_text("utf-8"))
            described |= read_npz(path.with_suffix(".npz").read_bytes(), _MOST)
            return Run(**described)
        except Exception as error:  # whatever a lacking or altered file leads to
            raise DataError(
                f"{path}: damaged, or its .npz file is; delete both, and the run is done again: "
                f"{reason(error)}"
            ) from error

    def write(self, run: Run) -> None:
        """Write a run, whole or not at all."""
        arrays = {name: getattr(run, name) for name in _ARRAYS}
        arrays = {name: values for name, values in arrays.items() if values is not None}
        path = self.folder / f"{run.key}.json"
        with written_at_once(path.with_suffix(".npz")) as draft:
            np.savez_compressed(draft, allow_pickle=False, **arrays)
        names = [each.name for each in fields(run) if each.name not in _ARRAYS]
        described = {name: getattr(run, name) for name in names}
        write_json(path, described)


def write_json(path: Path, value: Any) -> None:
    """Write JSON into a file, whole or not at all."""
    with written_at_once(path) as draft:
        draft.write_text(
            json.dumps(value, indent=1, ensure_ascii=False), "utf-8", errors="backslashreplace"
        )
