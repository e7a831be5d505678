"""Baselines as estimators: from tables and targets to parts, and back to predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from torch import Tensor

from mmgraph.comparison.baselines.boosting import Boosting
from mmgraph.comparison.baselines.features import FeatureReader, read_features
from mmgraph.comparison.baselines.joined import LogPool, Stack
from mmgraph.comparison.baselines.part import Part, TrainingRows
from mmgraph.comparison.baselines.regression import Regression
from mmgraph.comparison.baselines.vote import Vote
from mmgraph.data import targets
from mmgraph.data.folds import assign_folds
from mmgraph.data.numbers import encode_numbers
from mmgraph.errors import DataError, unknown_name
from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality
from mmgraph.nn.outputs import Outputs
from mmgraph.tables.values import read_values

if TYPE_CHECKING:
    import pandas as pd

#: More training rows than this make too large a Gram matrix.
MOST_ROWS = 10_000
_FOLDS = 5


def _one_regression(reader: FeatureReader) -> Part:
    kinds = [kind for kinds in reader.kinds for kind in kinds]
    return Regression(kinds, range(len(reader.kinds)))


def _regressions(reader: FeatureReader) -> list[Regression]:
    """Return a regression for each block."""
    return [
        Regression([kind], [modality])
        for modality, kinds in enumerate(reader.kinds)
        for kind in kinds
    ]


#: What a baseline is by its name; the vote of the neighbours by itself is added to nothing.
_PARTS: dict[str, Callable[[FeatureReader], Part | None]] = {
    "regression": _one_regression,
    "log-pooling": lambda reader: LogPool(_regressions(reader)),
    "stacking": lambda reader: Stack(_regressions(reader)),
    "boosting": lambda reader: Boosting(),
    "neighbours": lambda reader: None,
}
_VOTE = "neighbours"

#: Names of all baselines of pooled features.
NAMES = (*_PARTS, *(f"{name}+{_VOTE}" for name in _PARTS if name != _VOTE))


class PooledBaseline(BaseEstimator):
    """A model of the pooled features that mmgraph's linear model has, whose rows are scaled alike.

    Penalties, weights, temperatures and numbers of trees are chosen by five folds of the training
    rows that keep groups together. Rows without any input get the shares or the mean of the
    training rows.

    Args:
        name: What it is, see `NAMES`.
        modalities: What is read, from which columns.
        kind: "multiclass", "multilabel" or "regression". Default: "multiclass".

    Fitted state:
        part_ (see `Part`), outputs_, task_, reader_, num_parameters_, shared_seconds_ (time that
        another baseline took to read the same rows), classes_ except for numbers.
    """

    def __init__(
        self, name: str, modalities: Sequence[Modality], kind: TaskKind = "multiclass"
    ) -> None:
        self.name = name
        self.modalities = modalities
        self.kind = kind

    def fit(self, X: pd.DataFrame, y: Any, groups: Any = None) -> PooledBaseline:
        """Read the rows and fit.

        Args:
            X: The training rows.
            y: A class, a set of labels or a number for each.
            groups: Rows of one group are left out together.

        Raises:
            DataError: There are too many rows, or all are of one group, or a cell cannot be read.
            ValueError: There is no baseline of this name.
        """
        if self.name not in NAMES:
            raise ValueError(unknown_name("baseline", self.name, NAMES))
        if len(X) > MOST_ROWS:
            raise DataError(
                f"{self.name}: expected at most {MOST_ROWS:,} training rows, whose inner products "
                f"fit in memory, got {len(X):,}; leave this method out, or compare on fewer rows"
            )
        target, strata = self._encode(y, X.index)
        fold, group = _divide(strata, groups, self.name)
        self.reader_, self.shared_seconds_ = read_features(self.modalities, X)
        self.task_ = self.outputs_.make_task(balanced=False)
        self.task_.fit(target)
        self.part_ = self._make()
        with torch.no_grad():
            features = self.reader_.training
            rows = TrainingRows(features, target, self.task_, fold, group)
            left_out = self.part_.fit(rows)
            if self.task_.has_sets:
                self.task_.calibrate(left_out(), target)
        self.num_parameters_ = self.part_.num_parameters
        return self

    @property
    def classes_(self) -> np.ndarray | None:
        """The classes or labels, in the order of `predict_proba`; None: numbers."""
        return self.outputs_.classes

    @available_if(lambda self: self.kind != "regression")
    def predict_proba(self, X: pd.DataFrame) -> Float[np.ndarray, "rows classes"]:
        """Return the probability of each class or label."""
        return self._predict(X)

    def predict(self, X: pd.DataFrame) -> Shaped[np.ndarray, "rows *outputs"]:
        """Return the most probable class, the labels as 0 and 1, or the numbers."""
        return self.outputs_.name_decided(self.task_.decide(self._predict(X)))

    def _predict(self, X: pd.DataFrame) -> Float[np.ndarray, "rows outputs"]:
        with torch.no_grad():
            features = self.reader_.read(X)
            logits = self.part_.logits(features)
            empty = ~features.has.any(1, keepdim=True)
            return self.task_.activate(torch.where(empty, self.task_.prior, logits)).numpy()

    def _make(self) -> Part:
        name = self.name.removesuffix(f"+{_VOTE}")
        part = _PARTS[name](self.reader_)
        if part is None or name != self.name:
            return Vote(self.reader_.compared, part)
        return part

    def _encode(self, y: Any, index: Any) -> tuple[Tensor, Int[np.ndarray, "rows"]]:
        """Set `outputs_`; return the targets, and a number of each row's kind to stratify by."""
        y = read_values(y, "y")
        if self.kind == "regression":
            target = encode_numbers(y, index)
            self.outputs_ = Outputs(columns=target.shape[1] if np.ndim(y) == 2 else None)
            return target, np.zeros(len(target), dtype=np.int64)
        if self.kind == "multilabel":
            labels, target = targets.encode_labels(y, index)
            self.outputs_ = Outputs(labels, are_sets=True)
            return target, (target / target.sum(0).clamp_min(1)).argmax(1).numpy()
        classes, codes = targets.encode_classes(targets.one_column(y), index)
        self.outputs_ = Outputs(classes)
        return codes, codes.numpy()


def _divide(
    strata: Int[np.ndarray, "rows"], groups: Any, name: str
) -> tuple[Int[Tensor, "rows"], Int[Tensor, "rows"]]:
    """Return the fold and the group of each row."""
    group = np.arange(len(strata))
    if groups is not None:
        group = np.unique(np.asarray(groups), return_inverse=True)[1]
    fold = assign_folds(strata, group, _FOLDS, seed=0)
    if len(np.unique(fold)) < 2:
        raise DataError(
            f"{name}: expected training rows of two groups or more, to leave one out, got "
            f"{len(np.unique(group))}; leave this method out, or the groups"
        )
    return torch.from_numpy(fold), torch.from_numpy(group)
