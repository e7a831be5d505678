"""Averaged logistic regressions: the twenty lines of scikit-learn that everyone writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmgraph.comparison.method import Method
from mmgraph.data.cells import modality_cells
from mmgraph.data.transform import fit_modality, transform
from mmgraph.modalities.audio import Audio
from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd

#: Larger images are averaged down to this many pixels a side before a linear model sees them.
_PIXELS = 32
#: Inverse penalties, chosen on openclipart's training rows.
_C_WORDS, _C_SENTENCE, _C_DENSE = 10.0, 0.01, 0.003


@dataclass(frozen=True)
class FeatureRegression:
    """A logistic regression on one kind of features of one modality.

    Args:
        label: What tables call the features.
        modality: The modality, not fitted.
        kind: "words" (TF-IDF), "sentence", or "dense" (features, pixels, spectrograms).
    """

    label: str
    modality: Modality
    kind: str

    def read(self, fitted: Modality, frame: pd.DataFrame) -> list[Any]:
        """Return the input of each row; None where it has none."""
        if self.kind == "words":
            cells = modality_cells(self.modality, frame)
            return [" ".join(map(str, cell)) if cell else None for cell in cells]
        items = transform([fitted], frame)[fitted.node_type]
        return [np.mean([_vector(each) for each in row], axis=0) if row else None for row in items]

    def make_model(self) -> Any:
        """Return the model, not fitted."""
        if self.kind == "words":
            return make_pipeline(
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), _regression(_C_WORDS)
            )
        penalty = _C_SENTENCE if self.kind == "sentence" else _C_DENSE
        return make_pipeline(StandardScaler(), _regression(penalty))


class AveragedBaseline(ClassifierMixin, BaseEstimator):
    """Logistic regressions on frozen features, their probabilities averaged over what a row has.

    Args:
        parts: What to average.

    Fitted state:
        classes_, models_ and modalities_ of the parts, num_parameters_.
    """

    def __init__(self, parts: Sequence[FeatureRegression]) -> None:
        self.parts = parts

    def fit(self, X: pd.DataFrame, y: Any, groups: Any = None) -> AveragedBaseline:
        """Fit every part on the rows that have it."""
        y = np.asarray(y)
        self.classes_, count = np.unique(y, return_counts=True)
        self.prior_ = count / count.sum()
        self.modalities_ = [self._fit_modality(part, X) for part in self.parts]
        self.models_ = []
        for part, (inputs, real) in zip(self.parts, self._read(X), strict=True):
            self.models_.append(_fit_model(part, inputs, y[real]))
        fitted = [model[-1] for model in self.models_ if model is not None]
        self.num_parameters_ = sum(each.coef_.size + each.intercept_.size for each in fitted)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Float[np.ndarray, "rows classes"]:
        """Return the mean probability of each class; the training shares for rows with nothing."""
        total = np.zeros((len(X), len(self.classes_)))
        count = np.zeros(len(X))
        for model, (inputs, real) in zip(self.models_, self._read(X), strict=True):
            if model is None or not real.any():
                continue
            columns = np.searchsorted(self.classes_, model.classes_)
            total[np.ix_(real, columns)] += model.predict_proba(inputs)
            count += real
        return np.where(count[:, None] > 0, total / count.clip(1)[:, None], self.prior_)

    def predict(self, X: pd.DataFrame) -> Shaped[np.ndarray, "rows"]:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def _fit_modality(self, part: FeatureRegression, X: pd.DataFrame) -> Modality:
        if part.kind == "words":
            return part.modality
        return fit_modality(part.modality, X, seed=0)

    def _read(self, X: pd.DataFrame) -> list[tuple[Any, Bool[np.ndarray, "rows"]]]:
        """Return for each part the inputs that there are, and which rows have them."""
        read = []
        for part, fitted in zip(self.parts, self.modalities_, strict=True):
            values = part.read(fitted, X)
            real = np.array([value is not None for value in values], dtype=bool)
            inputs = [value for value in values if value is not None]
            read.append((inputs if part.kind == "words" else np.array(inputs), real))
        return read


def make_averaged(modalities: Sequence[Modality]) -> list[Method]:
    """Return logistic regressions on each kind of features that suits some modalities, and means.

    TF-IDF for texts, sentence vectors where the texts have a transformer's features, mean region
    features of a frozen backbone or pixels for images, spectrograms for audio. Other modalities
    are left out.
    """
    parts = [part for modality in modalities for part in _find_parts(modality)]
    chosen = [[part] for part in parts]
    plain = [part for part in parts if part.kind != "sentence"]
    for several in (plain, parts):
        if len(several) > 1 and several not in chosen:
            chosen.append(several)
    return [Method(_name(each), _maker(each), seeded=False) for each in chosen]


def _find_parts(modality: Modality) -> list[FeatureRegression]:
    if isinstance(modality, Image):
        return [FeatureRegression("CNN" if modality.extracts else "pixels", modality, "dense")]
    if isinstance(modality, Audio):
        return [FeatureRegression("spectrogram", modality, "dense")]
    if isinstance(modality, Text):
        words = FeatureRegression("TF-IDF", modality, "words")
        if modality.features is None:
            return [words]
        label = "MiniLM" if modality.features == "minilm" else "sentence vector"
        return [FeatureRegression(label, modality, "sentence"), words]
    return []


def _name(parts: Sequence[FeatureRegression]) -> str:
    labels = " + ".join(part.label for part in parts)
    return f"{labels} + LR" if len(parts) == 1 else f"{labels}, averaged"


def _maker(parts: Sequence[FeatureRegression]) -> Callable[[int], AveragedBaseline]:
    return lambda seed: AveragedBaseline(parts)


def _fit_model(part: FeatureRegression, inputs: Any, y: Shaped[np.ndarray, "real"]) -> Any:
    """Return the fitted model; None where it has nothing to learn from."""
    if len(np.unique(y)) < 2:
        return None
    return part.make_model().fit(inputs, y)


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, class_weight="balanced", max_iter=2000)


def _vector(item: Item) -> Float[np.ndarray, "features"]:
    """Return one vector of an item: its summary, the mean of its regions, or its pixels."""
    if "summary" in item:
        return item["summary"].numpy().astype(np.float32)
    if "pixels" not in item:
        return item["features"].numpy().mean(0)
    pixels = item["pixels"].float()
    if pixels.shape[-1] > _PIXELS:
        from torch.nn.functional import adaptive_avg_pool2d

        pixels = adaptive_avg_pool2d(pixels, _PIXELS)
    return pixels.numpy().ravel()
