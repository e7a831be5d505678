"""Saved estimators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmgraph.errors import DataError, names, quote
from mmgraph.estimator.base import MultimodalEstimator
from mmgraph.estimator.classifier import MultimodalGraphClassifier
from mmgraph.estimator.regressor import MultimodalGraphRegressor
from mmgraph.message_passing.convs.names import ConvLike
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.names import FusionLike
from mmgraph.saving import model
from mmgraph.saving.relations import GivenRelations
from mmgraph.saving.renames import check_arguments
from mmgraph.version import __version__

#: The estimators that can be saved, by the names that saved models have for them.
KINDS: dict[str, type[MultimodalEstimator]] = {
    kind.__name__: kind for kind in (MultimodalGraphClassifier, MultimodalGraphRegressor)
}


def load(
    path: str | Path,
    *,
    conv: ConvLike | None = None,
    fusion: FusionLike | None = None,
    relations: GivenRelations = (),
    modalities: Sequence[type[Modality]] = (),
) -> Any:
    """Load a classifier or regressor from a folder or a file that its `save` wrote.

    Args:
        path: The folder, or the file.
        conv: The convolution the model was made with, where it was not the default: code is
            not saved.
        fusion: The fusion the model was made with, where it is not one of mmgraph's, or one of its
            options is a class or function of your own.
        relations: Relation classes of your own that the model uses; or, where relations hold
            functions, all that the model was made with, by edge type.
        modalities: Modality classes of your own that the model uses.

    Classes of plug-ins need not be passed, see `mmgraph.add_plugin`.

    Raises:
        DataError: There is no model, a damaged one, or one of a newer version.
    """
    saved = model.load(
        Path(path), conv=conv, fusion=fusion, relations=relations, modalities=modalities
    )
    if saved.estimator not in KINDS:
        raise DataError(
            f"{path}: written by mmgraph {saved.writer}, and this is mmgraph {__version__}: "
            f"there is no estimator {quote(saved.estimator)}; there are {names(KINDS)}"
        )
    kind = KINDS[saved.estimator]
    check_arguments(kind, saved.parameters, saved.writer, path)
    estimator = kind(**saved.parameters)
    estimator.fitted_params_ = estimator.chosen_params()
    fitted = saved.fitted
    estimator.modalities_, estimator.model_ = fitted.modalities, fitted.network
    estimator.outputs_, estimator.facts_ = fitted.outputs, fitted.facts
    estimator.history_, estimator.known_rows_ = saved.history, fitted.known_rows
    estimator.feature_names_in_ = np.array(fitted.features, dtype=object)
    estimator.n_features_in_ = len(fitted.features)
    return estimator
