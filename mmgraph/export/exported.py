"""Exported models: preprocessing and program, without the network's code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from mmgraph.data.dataset import read_batches
from mmgraph.data.transform import warn_without_input
from mmgraph.errors import DataError
from mmgraph.export.formats import FILES, Run, open_program
from mmgraph.export.program import to_inputs
from mmgraph.modalities.base import Modality
from mmgraph.nn.model import has_input
from mmgraph.nn.outputs import Outputs
from mmgraph.saving.modalities import load_modalities
from mmgraph.saving.renames import upgrade_modalities
from mmgraph.tables.opening import read_frame
from mmgraph.version import __version__

#: Raised when older versions of mmgraph could not read what this one writes.
FORMAT = 1

DESCRIPTION, PREPROCESSING = "export.json", "preprocessing"


class ExportedModel:
    """A model that `export` wrote: its modalities read the rows, a program does the rest.

    Args:
        modalities: Fitted modalities.
        description: What `export.json` says.
        run: The program.
    """

    def __init__(
        self, modalities: Sequence[Modality], description: dict[str, Any], run: Run
    ) -> None:
        self.modalities_ = list(modalities)
        self.description = description
        self._run = run

    @property
    def named_outputs(self) -> Outputs:
        """What the outputs stand for."""
        return Outputs.restore(self.description["targets"])

    @property
    def classes_(self) -> np.ndarray:
        """The classes or labels, in the order of `predict_proba`.

        Raises:
            AttributeError: The model predicts numbers.
        """
        if self.named_outputs.classes is None:
            raise AttributeError("a regressor has no classes")
        return self.named_outputs.classes

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return what the classifier's `predict_proba` returns.

        Args:
            X: As there.

        Raises:
            DataError: A cell cannot be read, or the model predicts numbers.
        """
        if self.named_outputs.classes is None:
            raise DataError("expected a classifier, but this model predicts numbers; call predict")
        return self.outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return what the estimator's `predict` returns.

        Args:
            X: As there.

        Raises:
            DataError: A cell cannot be read.
        """
        task = self.named_outputs.make_task()
        if self.description["threshold"] is not None:
            task.take_calibration({"threshold": self.description["threshold"]})
        return self.named_outputs.name_decided(task.decide(self.outputs(X)))

    def outputs(self, X: Any, *, batch_size: int = 64) -> Float[np.ndarray, "rows outputs"]:
        """Return probabilities, or numbers, of each row.

        Args:
            X: As in `predict`.
            batch_size: Rows that go through the program at once.

        Raises:
            DataError: A cell cannot be read.
        """
        frame = read_frame(X)
        results: list[np.ndarray] = []
        inputs: list[Bool[np.ndarray, "_"]] = []
        with torch.inference_mode():
            for batch in read_batches(self.modalities_, frame, batch_size):
                results.append(self._run(to_inputs(batch.items)).numpy())
                inputs.append(has_input(batch.items).numpy())
        warn_without_input(frame.index, np.concatenate(inputs))
        return np.concatenate(results)


def load_exported(
    path: str | Path, *, modalities: Sequence[type[Modality]] = (), trusted: bool = False
) -> ExportedModel:
    """Open a folder that `export` wrote; the network is not built.

    No code of whoever made the folder is run. A program of torch is run operator by operator,
    and operators outside a list of known ones are refused.

    Args:
        path: The folder.
        modalities: Modality classes of your own that the model uses.
        trusted: Open a program that cannot be checked with `torch.export.load`, which can run
            any code that is in the file. Only for folders of people you trust.

    Raises:
        DataError: There is no exported model, a damaged one, one of a newer version, or one that
            cannot be checked.
        MissingPackageError: It is an ONNX program and onnxruntime is not installed.
    """
    folder = Path(path)
    description = _read_description(folder)
    saved = upgrade_modalities(description["modalities"], description.get("preprocessing", 1))
    writer = description["mmgraph"]
    read = load_modalities(
        folder / PREPROCESSING, saved, modalities, call="load_exported", writer=writer
    )
    form = description["format"]
    names = [each["name"] for each in description["inputs"]]
    return ExportedModel(read, description, _opened(folder, form, names, trusted))


def _opened(folder: Path, form: Any, names: Sequence[str], trusted: bool) -> Run:
    file = folder / FILES[form]
    if not file.is_file():
        raise DataError(f"{file}: there is no such file; export the model again")
    try:
        return open_program(file, form, names, trusted)
    except ImportError:
        raise
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    except Exception as error:  # whatever a damaged file leads to
        raise DataError(f"{file}: damaged, export the model again: {error}") from error


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise DataError(f"{folder}: expected a folder with {DESCRIPTION}, as `export` writes it")
    try:
        description: dict[str, Any] = json.loads(path.read_text("utf-8"))
        version, writer = int(description["version"]), description["mmgraph"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged, export the model again: {error!r}") from error
    if version > FORMAT:
        raise DataError(
            f"{folder}: written by mmgraph {writer}, which is newer than this mmgraph "
            f"{__version__}; upgrade with pip install -U mmgraph"
        )
    return description
