"""The fitting procedure: train the parts, weigh them on held-out rows, then use all rows."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.data.dataset import SampleDataset
from mmgraph.errors import DataError
from mmgraph.graph.items import Items
from mmgraph.nn.model import MultimodalModel
from mmgraph.system import distributed
from mmgraph.training.checkpoint import Checkpoint
from mmgraph.training.run import TrainingResult, train
from mmgraph.training.settings import Surroundings, Training, find_optimizer

logger = logging.getLogger("mmgraph")

#: Of the training with held-out rows, and of that on all rows.
_CHECKPOINTS = ("held_out.ckpt", "all_rows.ckpt")


@dataclass(frozen=True)
class Fitting:
    """How a model is made and fitted.

    Args:
        build: Makes an untrained model.
        settings: How its fused part is trained.
        surroundings: Where that runs, and what it shows.
        refit: Train again on all rows once the best number of epochs is known.
        seed: Seed of everything random.
        checkpoint_dir: Where the state of the training is kept until it is done; None: nowhere.
    """

    build: Callable[[], MultimodalModel]
    settings: Training
    surroundings: Surroundings
    refit: bool
    seed: int
    checkpoint_dir: Path | None = None

    def fit(
        self, dataset: SampleDataset, held_out: Int[np.ndarray, "held_out"]
    ) -> tuple[MultimodalModel, list[dict[str, int | float]], dict[str, float]]:
        """Return a fitted model, the metrics of each epoch, and the held-out rows' in the end.

        The last are those of the model that was fitted without these rows; empty without any.

        Args:
            dataset: All training rows with their targets.
            held_out: Rows that choose the epoch and weigh the parts; none is fine.
        """
        self._check_same(dataset)
        fitted = self._fit(dataset, held_out)
        if self.checkpoint_dir is not None and distributed.is_first():
            for name in _CHECKPOINTS:
                (self.checkpoint_dir / name).unlink(missing_ok=True)
        return fitted

    def _check_same(self, dataset: SampleDataset) -> None:
        """Refuse processes that were given other rows than the others."""
        assert dataset.target is not None
        digest = hashlib.blake2b(dataset.target.numpy().tobytes(), digest_size=16).digest()
        if len(set(distributed.gather_objects([digest]))) > 1:
            raise DataError(
                "expected the same rows in the same order in every process, got different ones; "
                "seed what shuffles or samples them"
            )

    def _fit(
        self, dataset: SampleDataset, held_out: Int[np.ndarray, "held_out"]
    ) -> tuple[MultimodalModel, list[dict[str, int | float]], dict[str, float]]:
        rows = np.arange(len(dataset))
        if not len(held_out):
            model, result = self._train(dataset, rows, None, self.settings.epochs)
            self._fit_linear(model, dataset, rows)
            return model, result.history, {}
        training_rows = np.setdiff1d(rows, held_out)
        validation = dataset.subset(held_out)
        chosen, result = self._train(dataset, training_rows, validation, self.settings.epochs)
        self._fit_linear(chosen, dataset, training_rows)
        scores = self._balance(chosen, validation)
        if not self.refit or result.interrupted:
            return chosen, result.history, scores
        try:
            model, again = self._train(dataset, rows, None, result.best_epochs)
        except FloatingPointError as error:
            logger.warning("%s. The model that was trained without held-out rows is kept", error)
            return chosen, result.history, scores
        if again.interrupted:
            return chosen, result.history, scores  # better than one that is half trained
        self._fit_linear(model, dataset, rows)
        model.weights = chosen.weights
        model.task.take_calibration(chosen.task.calibration())
        return model, result.history, scores

    def _train(
        self,
        dataset: SampleDataset,
        rows: Int[np.ndarray, "training_rows"],
        validation: SampleDataset | None,
        epochs: int,
    ) -> tuple[MultimodalModel, TrainingResult]:
        """Train the fused part of a fresh model on some rows."""
        torch.manual_seed(self.seed)
        generator = torch.Generator().manual_seed(self.seed)
        training = dataset.subset(
            rows, augment=True, modality_dropout=self.settings.modality_dropout
        )
        assert training.target is not None
        model = self.build()
        model.task.fit(training.target)
        if distributed.rank():
            torch.manual_seed(self.seed + distributed.rank())  # other rows, other dropout
        settings = replace(self.settings, epochs=epochs)
        checkpoint = None
        if self.checkpoint_dir is not None:
            name = _CHECKPOINTS[validation is None]
            identity = self._identity(model, settings, training)
            checkpoint = Checkpoint(self.checkpoint_dir / name, identity, generator)
        result = train(
            model,
            training.loader(
                self.settings.batch_size,
                shuffle=True,
                generator=generator,
                accumulate=settings.accumulate,
            ),
            None if validation is None else validation.loader(self.settings.batch_size),
            settings,
            self.surroundings,
            checkpoint,
        )
        return model, result

    def _identity(self, model: MultimodalModel, settings: Training, training: SampleDataset) -> str:
        """Return a hash of what decides a training, as far as it can be told quickly."""
        optimizer = find_optimizer(settings.optimizer)
        decisive = settings.parameters() | {"optimizer": getattr(optimizer, "__qualname__", "")}
        shapes = [(name, list(x.shape)) for name, x in model.state_dict().items()]
        text = repr((decisive, self.seed, shapes))
        digest = hashlib.blake2b(text.encode(), digest_size=16)
        assert training.target is not None
        digest.update(training.target.numpy().tobytes())
        digest.update(training.num_nodes.tobytes())
        return digest.hexdigest()

    def _fit_linear(
        self, model: MultimodalModel, dataset: SampleDataset, rows: Int[np.ndarray, "training_rows"]
    ) -> None:
        """Fit the linear model in one process; the others take it over."""
        linear = model.linear
        if linear is None:
            return

        def fit() -> dict[str, Tensor]:
            every = -(-len(rows) // (dataset.linear_rows or len(rows)))
            training = dataset.subset(rows[::every])
            assert training.target is not None
            linear.fit(_Batches(training, self.settings.batch_size), training.target, model.task)
            return linear.state_dict()

        state = distributed.from_first(fit)
        if distributed.rank():
            linear.load_state_dict(state)

    def _balance(self, model: MultimodalModel, validation: SampleDataset) -> dict[str, float]:
        """Weigh the parts and calibrate the task on rows that neither was fitted on.

        One process does, and the others take it over. Returns loss and metric on these rows.
        """
        scores, weights, task = distributed.from_first(
            lambda: (self._weigh(model, validation), model.weights, model.task.state_dict())
        )
        model.weights = weights
        model.task.load_state_dict(task)
        return scores

    def _weigh(self, model: MultimodalModel, validation: SampleDataset) -> dict[str, float]:
        assert validation.target is not None

        def run(part: Callable[..., Tensor]) -> Tensor:
            batches = validation.batches(self.settings.batch_size)
            return torch.cat([part(batch.items) for batch in batches])

        with torch.no_grad():
            if model.linear is not None:
                parts = run(model.linear), run(model.fused_logits)
                model.balance(*parts, validation.target)
            logits, task = run(model), model.task
            task.calibrate(logits, validation.target)
            loss = task.loss(logits, validation.target, weighted=False)
            score = task.score(logits, validation.target)
        return {"loss": float(loss), task.metric: float(score)}


@dataclass(frozen=True)
class _Batches:
    """Items of all rows in order, joined anew each time, so that no copy of all is kept."""

    dataset: SampleDataset
    batch_size: int

    def __iter__(self) -> Iterator[Mapping[str, Items]]:
        return (batch.items for batch in self.dataset.batches(self.batch_size))
