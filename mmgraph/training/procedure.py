"""The fitting procedure: train the parts, weigh them on held-out rows, then use all rows."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.data.dataset import SampleDataset
from mmgraph.data.folds import Partition
from mmgraph.errors import DataError
from mmgraph.graph.items import Items
from mmgraph.nn.cross_fitting import ROWS_FOR_GRAM
from mmgraph.nn.model import MultimodalModel, has_input
from mmgraph.system import distributed
from mmgraph.training.cheap import Cheap, fit_cheap
from mmgraph.training.checkpoint import Checkpoint
from mmgraph.training.held_out import calibrate, leave_out_unless_it_pays
from mmgraph.training.run import TrainingResult, train
from mmgraph.training.settings import Surroundings, Training, find_optimizer

#: Train the fused part, or not, or let held-out rows say.
Graph: TypeAlias = Literal["auto"] | bool

logger = logging.getLogger("mmgraph")

#: Of the training with held-out rows, and of that on all rows.
_CHECKPOINTS = ("held_out.ckpt", "all_rows.ckpt")
#: Weights of the cheap parts and of the fused one, without the latter.
_CHEAP_ALONE = (1.0, 0.0)


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
        graph: Train the fused part; "auto": leave it out where held-out rows do not show that it
            helps beside the cheap parts.
    """

    build: Callable[[], MultimodalModel]
    settings: Training
    surroundings: Surroundings
    refit: bool
    seed: int
    checkpoint_dir: Path | None = None
    graph: Graph = "auto"

    def fit(
        self, dataset: SampleDataset, partition: Partition
    ) -> tuple[MultimodalModel, list[dict[str, int | float]], dict[str, float]]:
        """Return a fitted model, the metrics of each epoch, and those of left-out rows in the end.

        The last are those of models that were fitted without these rows; empty without any.

        Args:
            dataset: All training rows with their targets.
            partition: Which rows are held out, and which belong together.
        """
        self._check_same(dataset)
        fitted = self._fit(dataset, partition)
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
        self, dataset: SampleDataset, partition: Partition
    ) -> tuple[MultimodalModel, list[dict[str, int | float]], dict[str, float]]:
        rows, held_out = np.arange(len(dataset)), partition.held_out
        if self.graph is False:
            return self._without_graph(dataset, partition, rows)
        if not len(held_out):
            model, result = self._train(dataset, rows, None, self.settings.epochs)
            self._fit_cheap(dataset, partition, rows).give(model)
            return model, result.history, {}
        cheap = None
        if len(rows) <= ROWS_FOR_GRAM:
            cheap = self._fit_cheap(dataset, partition, rows)
        training_rows = np.setdiff1d(rows, held_out)
        validation = dataset.subset(held_out)
        chosen, result = self._train(dataset, training_rows, validation, self.settings.epochs)
        if cheap is not None and cheap.logits is not None:
            cheap.give(chosen)
            scores = self._balance(chosen, validation, cheap.left_out(held_out))
        else:
            self._fit_cheap(dataset, partition, training_rows).give(chosen)
            scores = self._balance(chosen, validation, None)
        if not self.refit or result.interrupted:
            return chosen, result.history, scores
        cheap = cheap or self._fit_cheap(dataset, partition, rows)
        if self.graph == "auto" and not chosen.weights[1]:
            cheap.give(chosen)
            return chosen, result.history, scores
        try:
            model, again = self._train(dataset, rows, None, result.best_epochs)
        except FloatingPointError as error:
            logger.warning("%s. The model that was trained without held-out rows is kept", error)
            return chosen, result.history, scores
        if again.interrupted:
            return chosen, result.history, scores  # better than one that is half trained
        cheap.give(model)
        model.weights = chosen.weights
        model.task.take_calibration(chosen.task.calibration())
        return model, result.history, scores

    def _without_graph(
        self, dataset: SampleDataset, partition: Partition, rows: Int[np.ndarray, "rows"]
    ) -> tuple[MultimodalModel, list[dict[str, int | float]], dict[str, float]]:
        """Fit the cheap parts alone."""
        logger.info("graph=False: what is said of the graph's training plays no part")
        cheap = self._fit_cheap(dataset, partition, rows)
        if cheap.linear is None:
            raise ValueError("graph=False leaves nothing to fit: no modality has pooled features")
        model = self._fresh(dataset).eval()
        cheap.give(model)
        model.weights = torch.tensor(_CHEAP_ALONE)
        if cheap.logits is None or not cheap.knows(rows):
            return model, [], {}
        assert dataset.target is not None
        return model, [], calibrate(model.task, cheap.left_out(rows), dataset.target)

    def _train(
        self,
        dataset: SampleDataset,
        rows: Int[np.ndarray, "training_rows"],
        validation: SampleDataset | None,
        epochs: int,
    ) -> tuple[MultimodalModel, TrainingResult]:
        """Train the fused part of a fresh model on some rows."""
        generator = torch.Generator().manual_seed(self.seed)
        training = dataset.subset(
            rows, augment=True, modality_dropout=self.settings.modality_dropout
        )
        assert training.target is not None
        model = self._fresh(dataset)
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

    def _fresh(self, dataset: SampleDataset) -> MultimodalModel:
        """Make an untrained model whose task knows the targets of all rows."""
        torch.manual_seed(self.seed)
        model = self.build()
        assert dataset.target is not None
        model.task.fit(dataset.target)
        return model

    def _fit_cheap(
        self, dataset: SampleDataset, partition: Partition, rows: Int[np.ndarray, "chosen"]
    ) -> Cheap:
        """Fit the linear model and the neighbours in one process; the others take them over."""
        every = -(-len(rows) // (dataset.linear_rows or len(rows)))
        rows = rows[::every]

        def fit() -> Cheap:
            training = dataset.subset(rows)
            model = self._fresh(dataset).eval()
            if model.linear is None:
                return Cheap(rows)
            batches = _Batches(training, self.settings.batch_size)
            assert training.target is not None
            return fit_cheap(model, batches, training.target, rows, partition)

        return distributed.from_first(fit)

    def _balance(
        self,
        model: MultimodalModel,
        validation: SampleDataset,
        cheap: Float[Tensor, "rows outputs"] | None,
    ) -> dict[str, float]:
        """Weigh the parts and calibrate the task on rows that none was fitted on.

        One process does, and the others take it over. Returns loss and metric on these rows.
        """
        scores, weights, task = distributed.from_first(
            lambda: (self._weigh(model, validation, cheap), model.weights, model.task.state_dict())
        )
        model.weights = weights
        model.task.load_state_dict(task)
        return scores

    def _weigh(
        self,
        model: MultimodalModel,
        validation: SampleDataset,
        cheap: Float[Tensor, "rows outputs"] | None,
    ) -> dict[str, float]:
        assert validation.target is not None

        def run(part: Callable[..., Any]) -> Tensor:
            batches = validation.batches(self.settings.batch_size)
            return torch.cat([part(batch.items) for batch in batches])

        with torch.no_grad():
            fused, present = run(model.fused_logits), run(has_input)
            if cheap is None and model.linear is not None:
                cheap = run(model.cheap_logits)
            if cheap is not None:
                model.balance(cheap, fused, validation.target)
                if self.graph == "auto":
                    leave_out_unless_it_pays(model, cheap, fused, validation.target)
            logits = model.join(cheap, fused, present)
            return calibrate(model.task, logits, validation.target)


@dataclass(frozen=True)
class _Batches:
    """Items of all rows in order, joined anew each time, so that no copy of all is kept."""

    dataset: SampleDataset
    batch_size: int

    def __iter__(self) -> Iterator[Mapping[str, Items]]:
        return (batch.items for batch in self.dataset.batches(self.batch_size))
