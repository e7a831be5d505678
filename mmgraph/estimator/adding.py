"""New labelled rows that a fitted model knows at once, without training."""

from __future__ import annotations

import logging
from abc import ABC
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from mmgraph.data import targets
from mmgraph.data.dataset import read_batches
from mmgraph.data.known_rows import KnownRows
from mmgraph.data.numbers import encode_numbers
from mmgraph.errors import DataError, names, quote
from mmgraph.estimator.messages import shown_messages
from mmgraph.fitted import FittedModel, HasFitted
from mmgraph.links.reading import without_linked_rows
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.neighbours.known import first_of_each
from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.neighbours.similarity import RowVectors
from mmgraph.nn.outputs import Outputs
from mmgraph.tables.names import row_name
from mmgraph.tables.opening import read_frame, take_columns

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

AnyAdding = TypeVar("AnyAdding", bound="Adding")


class Adding(HasFitted, ABC):
    """A fitted estimator that takes further labelled rows in."""

    if TYPE_CHECKING:  # arguments and state stand in one place, which is not here
        known_rows_: KnownRows | None
        verbose: bool

    def add(self: AnyAdding, X: Any, y: Any) -> AnyAdding:
        """Let the model know new labelled rows at once: from now on they vote as neighbours.

        Nothing is trained: the linear model, the graph and the weights of all parts stay as they
        are, and so does what rows are compared by. It takes about as long as predicting the rows.

        A row that the model knows already is not taken in twice, so that adding a table again
        changes nothing: one of which everything that rows are compared by is the same, to within
        16-bit numbers, and the target too. The same row with another target is taken in; then
        both vote. Rows without any input are left out.

        Args:
            X: Rows, as for `predict`; modalities may be missing.
            y: Their targets, or the name of the column with them: known classes, sets of known
                labels, or numbers.

        Returns:
            The estimator itself.

        Raises:
            DataError: The model has no neighbours that count, a class or label is new, or a row or
                target cannot be used.
            NotFittedError: `fit` was not called.
        """
        fitted = self.fitted_
        neighbours = counting_neighbours(fitted.network)
        frame, truth = take_columns(read_frame(X), y, "y")
        target = encode_known(fitted.outputs, truth, frame.index).to(neighbours.target.dtype)
        with shown_messages(self.verbose):
            vectors = read_vectors(fitted, frame)
            new = first_of_each(neighbours, vectors, target)
            kept = KnownRows.of(without_linked_rows(fitted.modalities), frame.iloc[new.tolist()])
            if self.known_rows_ is not None and len(self.known_rows_) == len(neighbours.target):
                self.known_rows_ = self.known_rows_.join(kept)
            else:  # names of before were deleted
                before = KnownRows([str(place) for place in neighbours.place.tolist()])
                self.known_rows_ = before.join(kept)
            neighbours.add(vectors[new], target[new])
            left = int((~vectors.has.any(1)).sum())
            logger.info(
                "%d rows added, %d are known already, %d have no input",
                *(len(new), len(frame) - len(new) - left, left),
            )
        return self


def counting_neighbours(network: MultimodalModel) -> Neighbours:
    """Return the neighbours of a model.

    Raises:
        DataError: It has none that count.
    """
    neighbours = network.neighbours
    if neighbours is None:
        raise DataError(
            "this model has no neighbours, so that it learns rows by training alone; fit with "
            "neighbours=True, or fit again on all rows"
        )
    if not neighbours.used:
        raise DataError(
            "the vote of the nearest training rows did not help on left-out rows, so that it has "
            "no weight, and further rows would change nothing; fit again on all rows"
        )
    return neighbours


def read_vectors(fitted: FittedModel, frame: pd.DataFrame) -> RowVectors:
    """Return what rows are compared by."""
    network = fitted.network
    linear, neighbours = network.linear, network.neighbours
    assert linear is not None
    assert neighbours is not None
    with torch.no_grad():
        parts = [
            neighbours.vectors(linear.read(batch.items))
            for batch in read_batches(fitted.modalities, frame, fitted.batch_size)
        ]
    joined = RowVectors.join(parts)
    assert joined is not None
    return joined


def encode_known(outputs: Outputs, truth: Any, index: Any) -> Shaped[Tensor, "rows *outputs"]:
    """Return the targets of new rows as `fit` encodes them.

    Raises:
        DataError: A class or label is new, or a target cannot be used.
    """
    if outputs.classes is None:
        numbers = encode_numbers(truth, index)
        if numbers.shape[1] != (outputs.columns or 1):
            raise DataError(
                f"y: expected {outputs.columns or 1} numbers for each row, as in training, got "
                f"{numbers.shape[1]}"
            )
        return numbers
    if not outputs.are_sets:
        places = targets.match_classes(truth, outputs.classes, index)
        _refuse_new(outputs, truth, np.flatnonzero(places < 0), index)
        return torch.from_numpy(places)
    table = targets.indicator(truth, outputs.classes, index)
    _refuse_new(outputs, truth, np.flatnonzero((table < 0).any(1)), index)
    return torch.from_numpy(table.astype(np.float32))


def _refuse_new(outputs: Outputs, truth: Any, rows: Any, index: Any) -> None:
    """Refuse classes or labels that the model was not fitted on, by name."""
    if not len(rows):
        return
    assert outputs.classes is not None
    known = outputs.classes.tolist()
    values = truth.tolist() if hasattr(truth, "tolist") else list(truth)
    value = values[int(rows[0])]
    new = [label for label in value if label not in known] if outputs.are_sets else [value]
    raise DataError(
        f"row {row_name(index, int(rows[0]))}: expected one of the known classes {names(known)}, "
        f"got {quote(new[0])} ({len(rows)} of {len(values)} rows); fit again to learn new classes"
    )
