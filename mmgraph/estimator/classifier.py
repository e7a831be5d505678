"""The classifier: one class of several, or any number of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from torch import Tensor

from mmgraph.data import targets
from mmgraph.errors import DataError
from mmgraph.estimator.arguments import documented
from mmgraph.estimator.base import MultimodalEstimator
from mmgraph.estimator.messages import shown_messages
from mmgraph.nn.outputs import Outputs
from mmgraph.nn.task import Task
from mmgraph.nn.tasks import Multiclass
from mmgraph.tables.opening import open_table, take_columns
from mmgraph.tables.stream import spooled


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class MultimodalGraphClassifier(ClassifierMixin, MultimodalEstimator):
    """Classifies rows of images, texts and more through one graph per row.

    Image regions and text tokens are the nodes; a graph neural network passes messages within
    and across the modalities; a readout fuses them into one vector, which is classified. A
    convex linear model over all modalities' features (`linear`) stands beside it, and
    held-out rows decide how much each of the two counts.

    Args:
        {arguments}
        class_weight: "balanced": rare classes count as much as common ones; None: all rows
            count the same; or the weight of each class by its label, 1 for those not named. Sets
            of labels are never weighed. Default: "balanced".

    Fitted state:
        classes_ (classes or labels), multilabel_, modalities_ (fitted), model_ (a
        `MultimodalModel`), history_ (metrics of each epoch with held-out rows, see
        `TrainingResult`), feature_names_in_, n_features_in_.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import MultimodalGraphClassifier, Text
        >>> frame = pd.DataFrame({"text": ["red", "blue sky", "red rose", "blue"] * 4})
        >>> label = ["warm", "cold", "warm", "cold"] * 4
        >>> text = Text("text", features=None)
        >>> clf = MultimodalGraphClassifier([text], epochs=2, verbose=False).fit(frame, label)
        >>> clf.predict(frame[:2]).tolist()
        ['warm', 'cold']
    """

    class_weight: Literal["balanced"] | Mapping[Any, float | int] | None = "balanced"

    @property
    def classes_(self) -> np.ndarray:
        """The classes or labels, in the order of `predict_proba`."""
        assert self.outputs_.classes is not None
        return self.outputs_.classes

    @property
    def multilabel_(self) -> bool:
        """Whether rows have sets of labels."""
        return self.outputs_.are_sets

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return the probability of each class, in the order of `classes_`.

        With sets of labels each has a probability of its own, and rows need not sum to 1.

        Args:
            X: As in `fit`; modalities may be missing in any row. Rows without any input get
                the shares of the training rows, with a warning that names them.

        Raises:
            DataError: A cell cannot be read.
            NotFittedError: `fit` was not called.
        """
        fitted = self.fitted_
        with shown_messages(self.verbose):
            return fitted.predict(X)

    def predict_log_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return the logarithms of `predict_proba`; -inf where a probability rounds to 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, or a table of 0 and 1 for labels."""
        return self.fitted_.decide(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on rows and their labels (or the name of the labels' column).

        With sets of labels a row counts as right when all its labels are.
        """
        with spooled(X) as rows:
            frame, truth = take_columns(open_table(rows), y, "y")
            outputs = self.predict_proba(frame)
            if self.multilabel_:
                wanted = targets.indicator(truth, self.classes_, frame.index)
                right = (self.fitted_.decide(outputs) == wanted).all(1)
            else:
                right = outputs.argmax(1) == targets.match_classes(
                    truth, self.classes_, frame.index
                )
            return float(np.average(right, weights=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.classifier_tags.multi_label = True
        return tags

    def _encode(
        self, truth: Any, index: Any
    ) -> tuple[Shaped[Tensor, "rows *outputs"], Shaped[np.ndarray, "rows"]]:
        truth = targets.one_column(truth)
        if not targets.is_multilabel(truth):
            classes, target = targets.encode_classes(truth, index)
            targets.class_weights(self.class_weight, classes)  # refuses before any training
            self.outputs_ = Outputs(classes)
            return target, target.numpy()
        if self.class_weight is not None and not targets.is_balanced(self.class_weight):
            raise DataError("class_weight: sets of labels are never weighed; leave it out")
        labels, target = targets.encode_labels(truth, index)
        self.outputs_ = Outputs(labels, are_sets=True)
        # Rarest label first: a row stands for the rarest of its labels.
        rarity = target / target.sum(0).clamp_min(1)
        return target, rarity.argmax(1).numpy()

    def _make_task(self) -> Task:
        weights = self.class_weight
        if isinstance(weights, Mapping) and not self.multilabel_:
            chosen = torch.tensor(targets.class_weights(weights, self.classes_))
            return Multiclass(len(chosen), class_weight=chosen)
        return self.outputs_.make_task(balanced=targets.is_balanced(weights))
