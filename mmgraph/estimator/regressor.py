"""The regressor: one or several numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped
from sklearn.base import RegressorMixin
from torch import Tensor

from mmgraph.data.numbers import encode_numbers
from mmgraph.errors import DataError
from mmgraph.estimator.arguments import documented
from mmgraph.estimator.base import MultimodalEstimator
from mmgraph.estimator.messages import shown_messages
from mmgraph.nn.outputs import Outputs
from mmgraph.tables.opening import open_table, take_columns
from mmgraph.tables.stream import spooled


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class MultimodalGraphRegressor(RegressorMixin, MultimodalEstimator):
    """Predicts one or several numbers for rows of images, texts and more.

    The model is that of `MultimodalGraphClassifier`, with squared error on standardised targets;
    the linear model beside the graph is ridge regression. Squared errors follow outliers; where
    targets have some, pass `loss="huber"`, or predict their ranks or logarithms, which
    scikit-learn turns back: `TransformedTargetRegressor(reg, transformer=QuantileTransformer())`.

    Args:
        {arguments}
        loss: "squared": what is predicted is the mean; "huber": errors beyond 1.345 standard
            deviations count by their size, so that a few targets far off hardly matter, to any
            part; what is predicted is between mean and median. Default: "squared".

    Fitted state:
        modalities_, model_, history_, feature_names_in_, n_features_in_ as there; n_outputs_.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import MultimodalGraphRegressor, Text
        >>> frame = pd.DataFrame({"text": ["cheap", "very dear", "cheap one", "dear"] * 4})
        >>> text = Text("text", features=None)
        >>> reg = MultimodalGraphRegressor([text], epochs=2, verbose=False)
        >>> reg.fit(frame, [1.0, 9.0, 1.0, 9.0] * 4).predict(frame[:2]).round() < 5
        array([ True, False])
    """

    loss: Literal["squared", "huber"] = "squared"

    @property
    def n_outputs_(self) -> int | None:
        """How many numbers a row has where `predict` returns a table; None: it has one."""
        return self.outputs_.columns

    def predict(self, X: Any) -> Float[np.ndarray, "rows *outputs"]:
        """Return the number, or numbers, of each row.

        Args:
            X: As in `fit`. Rows without any input get the mean of the training rows (their
                median with Huber's loss), with a warning that names them.

        Raises:
            DataError: A cell cannot be read.
            NotFittedError: `fit` was not called.
        """
        fitted = self.fitted_
        with shown_messages(self.verbose):
            return fitted.decide(fitted.predict(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² on rows and their numbers (or the name of their column)."""
        with spooled(X) as rows:
            frame, truth = take_columns(open_table(rows), y, "y")
            known = encode_numbers(truth, frame.index).numpy()
            return float(super().score(frame, known.reshape(np.shape(truth)), sample_weight))

    def _encode(
        self, truth: Any, index: Any
    ) -> tuple[Shaped[Tensor, "rows *outputs"], Shaped[np.ndarray, "rows"]]:
        target = encode_numbers(truth, index)
        if torch.backends.mps.is_available() and self.device != "cpu":
            _check_single(target)
        columns = target.shape[1] if np.ndim(truth) == 2 else None
        self.outputs_ = Outputs(columns=columns, robust=self.loss == "huber")
        # Held-out rows come from all over the range, as far as there are rows enough.
        order = target[:, 0].argsort(stable=True).argsort(stable=True)
        ranges = min(10, max(1, len(order) // 20))
        return target, (order * ranges // len(order)).numpy()


def _check_single(target: Float[Tensor, "rows outputs"]) -> None:
    """Refuse targets whose differences single precision would round away, on Apple's GPUs."""
    lost = (target.float().double() - target).abs().amax(0)
    if (lost > 1e-3 * target.std(0, correction=0)).any():
        raise DataError(
            "y: expected numbers whose differences single precision can tell, which is all that "
            'this GPU has; subtract their mean, or pass device="cpu"'
        )
