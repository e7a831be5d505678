"""A fitted model without what it was fitted by: fitted modalities, network, names of outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.data.dataset import read_batches
from mmgraph.data.known_rows import KnownRows
from mmgraph.data.transform import warn_without_input
from mmgraph.data.whole_table import bind_table
from mmgraph.modalities.base import Modality
from mmgraph.nn.model import MultimodalModel, has_input
from mmgraph.nn.outputs import Outputs
from mmgraph.nn.task import Task
from mmgraph.tables.opening import open_rows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class FittedModel:
    """What predicts: all that is explained, diagnosed, saved and exported.

    Args:
        modalities: Fitted modalities, which read the columns.
        network: The trained network.
        outputs: Which classes, labels or numbers its outputs are.
        features: Names of the columns it reads. Default: ().
        facts: What is known of the fit, see `collect_facts`; empty: nothing. Default: {}.
        batch_size: Rows that go through the network at once. Default: 64.
        known_rows: What is kept of the training rows that vote, for explanations; None: nothing.
            Default: None.
    """

    modalities: Sequence[Modality]
    network: MultimodalModel
    outputs: Outputs
    features: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 64
    known_rows: KnownRows | None = None

    @property
    def task(self) -> Task:
        """What the network predicts."""
        return self.network.task

    @property
    def output_names(self) -> list[Any]:
        """The class, the label or the place that each output stands for."""
        return self.task.output_names(self.outputs.classes)

    def bound_to(self, frame: pd.DataFrame) -> tuple[FittedModel, pd.DataFrame]:
        """Return a copy whose modalities know what is linked in a table, and the table."""
        modalities, table = bind_table(self.modalities, frame)
        return replace(self, modalities=modalities), table  # type: ignore[return-value]

    def run(
        self,
        X: Any,
        compute: Callable[[Any], Float[Tensor, "batch _"]],
        *,
        start: int | None = 0,
    ) -> Float[np.ndarray, "rows _"]:
        """Return what a function of the items makes of all rows, batch by batch.

        Rows without any input are named in a warning.

        Args:
            X: Rows, as for `predict`.
            compute: From the items of a batch to a vector for each row.
            start: Place of the first row in the whole table, for messages; None: rows are named
                by their index.

        Raises:
            DataError: A cell cannot be read.
        """
        frame = open_rows(X)
        results, inputs = [], []
        with torch.inference_mode():
            for batch in read_batches(self.modalities, frame, self.batch_size, start):
                results.append(compute(batch.items).numpy())
                inputs.append(has_input(batch.items).numpy())
        warn_without_input(frame.index, np.concatenate(inputs))
        return np.concatenate(results)

    def predict(self, X: Any, *, start: int | None = 0) -> Float[np.ndarray, "rows outputs"]:
        """Return probabilities, or numbers in the targets' units; of arguments, see `run`."""
        return self.run(X, lambda items: self.task.activate(self.network(items)), start=start)

    def decide(self, outputs: Float[np.ndarray, "rows outputs"]) -> np.ndarray:
        """Return the classes, the labels as 0 and 1, or the numbers, given `predict`'s result."""
        return self.outputs.name_decided(self.task.decide(outputs))


class HasFitted(ABC):
    """What has a fitted model: a classifier or regressor after `fit`."""

    @property
    @abstractmethod
    def fitted_(self) -> FittedModel:
        """The model without the estimator, which other rooms take.

        Raises:
            NotFittedError: `fit` was not called.
        """


#: What functions take that explain or diagnose.
Fitted: TypeAlias = FittedModel | HasFitted


def fitted_model(model: Fitted) -> FittedModel:
    """Return the model of an estimator, or the one given.

    Raises:
        NotFittedError: The estimator is not fitted.
    """
    return model if isinstance(model, FittedModel) else model.fitted_
