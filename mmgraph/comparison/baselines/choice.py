"""Which baselines there are for some modalities and targets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mmgraph.comparison.baselines.averaged import make_averaged
from mmgraph.comparison.baselines.estimator import MOST_ROWS, NAMES, PooledBaseline
from mmgraph.comparison.method import Method
from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality

logger = logging.getLogger("mmgraph")


def make_baselines(
    modalities: Sequence[Modality], kind: TaskKind = "multiclass", rows: int | None = None
) -> list[Method]:
    """Return the reference points that suit some modalities and targets.

    For classes, logistic regressions on single kinds of features and the means of their
    probabilities, see `make_averaged`. For classes, labels and numbers, models of all pooled
    features together, see `PooledBaseline`: one regression, several that are pooled or stacked,
    gradient boosting, the vote of the nearest rows, and each with that vote.

    Args:
        modalities: What is read, not fitted.
        kind: "multiclass", "multilabel" or "regression".
        rows: Number of rows; of more than `MOST_ROWS` there are no models of all features. None:
            no more.
    """
    averaged = make_averaged(modalities) if kind == "multiclass" else []
    if rows is not None and rows > MOST_ROWS:
        logger.warning(
            "baselines %s are left out: they take at most %d rows", ", ".join(NAMES), MOST_ROWS
        )
        return averaged
    if not any(map(_has_features, modalities)):
        return averaged
    return [*averaged, *(make_pooled(name, modalities, kind) for name in NAMES)]


def _has_features(modality: Modality) -> bool:
    return type(modality).make_pooled_features is not Modality.make_pooled_features


def make_pooled(name: str, modalities: Sequence[Modality], kind: TaskKind) -> Method:
    """Return a baseline of pooled features by its name."""
    return Method(name, _maker(name, list(modalities), kind), seeded=False)


def _maker(
    name: str, modalities: list[Modality], kind: TaskKind
) -> Callable[[int], PooledBaseline]:
    return lambda seed: PooledBaseline(name, modalities, kind)
