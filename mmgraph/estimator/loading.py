"""Saved estimators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmgraph.estimator.base import FusionFactory
from mmgraph.message_passing.gnn import ConvFactory
from mmgraph.modalities.base import Modality
from mmgraph.saving import model


def load(
    path: str | Path,
    *,
    conv: ConvFactory | None = None,
    fusion: FusionFactory | None = None,
    modalities: Sequence[type[Modality]] = (),
) -> Any:
    """Load a classifier or regressor from a folder or a file that its `save` wrote.

    Args:
        path: The folder, or the file.
        conv: The convolution the model was made with, where it was not the default: code is
            not saved.
        fusion: The fusion the model was made with, where it is not one of mmgraph's.
        modalities: Modality classes of your own that the model uses.

    Raises:
        DataError: There is no model, a damaged one, or one of a newer version.
    """
    return model.load(Path(path), conv=conv, fusion=fusion, modalities=modalities)
