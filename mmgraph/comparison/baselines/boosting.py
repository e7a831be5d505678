"""Gradient boosting on the first principal components of all features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.comparison.baselines.part import LeftOut, Part, TrainingRows
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.task import Task

#: Most principal components.
_COMPONENTS = 50
#: Numbers of trees that left-out rows choose among.
_TREES = (10, 20, 30, 40, 60, 80, 100)
#: Probabilities are at least this.
_LEAST = 1e-4


class Boosting(Part):
    """scikit-learn's `HistGradientBoosting...` on 50 principal components of all blocks.

    Left-out rows choose the number of trees. Labels and several numbers have trees of their own.

    Fitted state:
        basis (of the components), trees (how many are used of each model).
    """

    def fit(self, rows: TrainingRows) -> LeftOut:
        """Find the components and the number of trees, and fit."""
        x = _beside(rows.features)
        rank = min(_COMPONENTS, *x.shape)
        # Components are found from random vectors.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.basis = torch.svd_lowrank(x, min(rank + 8, *x.shape), niter=3)[2][:, :rank]
        z = (x @ self.basis).numpy()
        stages = np.zeros((len(_TREES), len(z), rows.task.outputs), dtype=np.float32)
        for number in rows.fold.unique().tolist():
            kept, left = rows.fold.numpy() != number, rows.fold.numpy() == number
            model = _Trees.fit(z[kept], rows.target[torch.from_numpy(kept)], rows.task)
            stages[:, left] = list(model.stages(z[left]))
        losses = [
            float(rows.task.loss(torch.from_numpy(said), rows.target, weighted=False))
            for said in stages
        ]
        self.stage = int(np.argmin(losses))
        self.model = _Trees.fit(z, rows.target, rows.task)
        self.num_parameters = None
        return lambda: torch.from_numpy(stages[self.stage])

    def logits(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the trees."""
        z = (_beside(features) @ self.basis).numpy()
        return torch.from_numpy(list(self.model.stages(z))[self.stage])


@dataclass(frozen=True, eq=False)
class _Trees:
    """One model of all classes, or one of each label or number; None where a label is constant."""

    models: list[Any]
    task: Task

    @classmethod
    def fit(cls, z: Float[np.ndarray, "rows components"], target: Tensor, task: Task) -> _Trees:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = (
            HistGradientBoostingClassifier
            if task.has_probabilities
            else HistGradientBoostingRegressor
        )
        wanted = target.numpy() if task.is_exclusive else task.indicators(target).numpy()
        models = []
        for column in [wanted] if task.is_exclusive else wanted.T:
            model = kind(
                max_iter=_TREES[-1],
                max_leaf_nodes=8,
                min_samples_leaf=min(20, max(1, len(z) // 50)),
                max_bins=64,
                early_stopping=False,
                random_state=0,
            )
            constant = task.has_probabilities and len(np.unique(column)) < 2
            models.append(None if constant else model.fit(z, column))
        return cls(models, task)

    def stages(
        self, z: Float[np.ndarray, "batch components"]
    ) -> Iterator[Float[np.ndarray, "batch outputs"]]:
        """Yield the logits after each number of trees."""
        said = [self._stages_of(model, place, z) for place, model in enumerate(self.models)]
        for parts in zip(*said, strict=True):
            yield np.concatenate(parts, axis=1).astype(np.float32)

    def _stages_of(self, model: Any, place: int, z: Any) -> list[Float[np.ndarray, "batch _"]]:
        prior = self.task.prior.numpy()
        if model is None:
            alone = prior if self.task.is_exclusive else prior[place : place + 1]
            return [np.tile(alone, (len(z), 1))] * len(_TREES)
        if not self.task.has_probabilities:
            return [each[:, None] for each in _pick(model.staged_predict(z))]
        chosen = _pick(model.staged_predict_proba(z))
        if not self.task.is_exclusive:
            return [np.log(each[:, 1:] + _LEAST) - np.log(each[:, :1] + _LEAST) for each in chosen]
        whole = np.full((len(_TREES), len(z), len(prior)), 0.0)
        whole[:, :, model.classes_.astype(int)] = chosen
        return list(np.log(whole + _LEAST))


def _pick(stages: Iterator[Any]) -> list[Any]:
    return [each for number, each in enumerate(stages, start=1) if number in _TREES]


def _beside(features: ScaledFeatures) -> Float[Tensor, "rows features"]:
    """Return all blocks side by side, as a sparse matrix where one is."""
    if not any(x.is_sparse for x in features.x):
        return torch.cat(list(features.x), dim=1)
    return torch.cat([x if x.is_sparse else x.to_sparse() for x in features.x], dim=1)
