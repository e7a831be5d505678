"""Pooled features of all modalities, read once for all baselines of a fold."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

from mmgraph.comparison.describe import fingerprint, fingerprint_frame
from mmgraph.data.dataset import SampleDataset, read_batches
from mmgraph.data.transform import fit_modality, transform
from mmgraph.errors import DataError
from mmgraph.modalities.base import Modality
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.scaled import ScaledFeatures

if TYPE_CHECKING:
    import pandas as pd

_Value = TypeVar("_Value")

#: Tables whose features are kept: the baselines of a fold follow one another.
_KEPT = 2
_BATCH = 256


class FeatureReader:
    """Means of frozen features, sentence vectors, n-grams and columns, each in a block.

    A row's features have length 1 in every block: dense ones on the average after
    standardisation, n-grams and categories always. A block that a row lacks is zero.

    Args:
        modalities: Modalities, not fitted; those without pooled features are left out.

    Fitted state:
        kinds (for each modality the numbers of its blocks), compared (those that tell how alike
        rows are), seconds (how long the training rows took), training (their features).
    """

    def __init__(self, modalities: Sequence[Modality]) -> None:
        self.modalities = modalities
        self._read: OrderedDict[str, ScaledFeatures] = OrderedDict()

    def fit(self, X: pd.DataFrame) -> FeatureReader:
        """Fit the modalities, and learn vocabularies and statistics.

        Raises:
            DataError: No modality has features, or a cell cannot be read.
        """
        start = time.perf_counter()
        fitted = [fit_modality(each, X, seed=0) for each in self.modalities]
        pooled = {each.node_type: each.make_pooled_features() for each in fitted}
        self._fitted = [each for each in fitted if pooled[each.node_type]]
        if not self._fitted:
            raise DataError(
                "baselines: expected a modality with pooled features, got "
                f"{[each.node_type for each in fitted]}, which have none; pass baselines=False"
            )
        chosen = {name: each for name, each in pooled.items() if each}
        self._model = LinearModel(chosen, 1)
        dataset = SampleDataset(self._fitted, transform(self._fitted, X))
        with torch.no_grad():
            features = self._model.measure([each.items for each in dataset.batches(_BATCH)])
            self.training = self._model.stretch(features, [1.0] * len(features.x))
        self.kinds, self.compared = self._model.kinds, self._model.compared
        self.seconds = time.perf_counter() - start
        return self

    def read(self, X: pd.DataFrame) -> ScaledFeatures:
        """Return the features of rows.

        Raises:
            DataError: A cell cannot be read.
        """
        key = fingerprint_frame(X)
        if key not in self._read:
            with torch.no_grad():
                batches = read_batches(self._fitted, X, _BATCH)
                parts = [self._model.read(each.items) for each in batches]
            blocks = zip(*(each.x for each in parts), strict=True)
            has = torch.cat([each.has for each in parts])
            _keep(self._read, key, ScaledFeatures([torch.cat(each) for each in blocks], has))
        return self._read[key]


_readers: OrderedDict[str, FeatureReader] = OrderedDict()


def read_features(modalities: Sequence[Modality], X: pd.DataFrame) -> tuple[FeatureReader, float]:
    """Return a fitted reader, one for all that ask for the same, and the seconds that this saved.

    Args:
        modalities: Modalities, not fitted.
        X: The training rows.

    Raises:
        DataError: As of `FeatureReader.fit`.
    """
    key = fingerprint([list(modalities), fingerprint_frame(X)])
    if key in _readers:
        return _readers[key], _readers[key].seconds
    _keep(_readers, key, FeatureReader(modalities).fit(X))
    return _readers[key], 0.0


def _keep(kept: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    """Keep a value, and of the older ones the latest."""
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
