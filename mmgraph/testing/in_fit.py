"""A small model that is fitted, explained, saved and loaded with a plug-in in it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.estimator import MultimodalGraphClassifier, load
from mmgraph.modalities.base import Modality
from mmgraph.testing.expect import expect

if TYPE_CHECKING:
    import pandas as pd

_TOLERANCE = 1e-5


def check_in_fit(
    table: pd.DataFrame,
    modalities: Sequence[Modality],
    known: dict[str, Any],
    *,
    seed: int = 0,
    **options: Any,
) -> None:
    """Check that a classifier can be fitted, explained, saved and loaded.

    Args:
        table: Rows with an input each; one without any is added.
        modalities: How to read them.
        known: What `load` is to be told of classes and functions that are not mmgraph's.
        seed: Seed of everything random.
        **options: More arguments of the classifier.

    Raises:
        AssertionError: A step fails; the message says which, and by what.
    """
    rows = table.reindex(range(len(table) + 1)).astype(object)
    labels = np.array(["one", "other"])[np.arange(len(rows)) % 2]
    classifier = MultimodalGraphClassifier(
        modalities,
        channels=8,
        epochs=1,
        validation=0.0,
        random_state=seed,
        verbose=False,
        **{"num_layers": 1, **options} if "fusion" not in options else options,
    )
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of rows without any input, and of what `load` needs
        _try("fit of a classifier", lambda: classifier.fit(rows, labels))
        before = _try("prediction", lambda: classifier.predict_proba(table))
        expect(
            bool(np.isfinite(before).all()), "predict_proba of a fitted classifier is not finite"
        )
        _try("explain", lambda: classifier.explain(table.iloc[:1], method="occlusion"))
        path = Path(folder) / "model"
        _try("save of a fitted classifier", lambda: classifier.save(path))
        loaded = _try("load of a saved classifier", lambda: load(path, **known))
        after = _try("prediction of a loaded classifier", lambda: loaded.predict_proba(table))
    difference = float(np.abs(after - before).max())
    expect(
        difference <= _TOLERANCE,
        f"a classifier predicts something else after save and load, by {difference:.1e}; keep all "
        "that `fit` learnt in `save` and `load`, or in parameters and buffers",
    )


def _try(step: str, run: Any) -> Any:
    try:
        return run()
    except Exception as error:
        raise AssertionError(f"{step} fails: {type(error).__name__}: {error}") from error
