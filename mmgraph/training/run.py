"""One training from the first epoch, or from a checkpoint, to the best weights."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.utils.data import DataLoader

from mmgraph.data.batch import Batch
from mmgraph.nn.model import MultimodalModel
from mmgraph.system.allocator import kept_memory
from mmgraph.training.callbacks import PLATEAU, BestWeights, History
from mmgraph.training.checkpoint import Checkpoint
from mmgraph.training.launch import find_launch
from mmgraph.training.module import TrainingModule
from mmgraph.training.settings import Surroundings, Training

logger = logging.getLogger("mmgraph")


@contextmanager
def stop_on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first Ctrl-C calls `stop`; another one interrupts as usual.

    Lightning by itself ends the whole process. Does nothing outside the main thread, where
    signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        logger.warning("interrupted: stopping at the next batch, keeping the best weights so far")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says of hardware, workers and logging that does not apply here."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [each.level for each in loggers]
    with warnings.catch_warnings():
        for message in (
            ".*does not have many workers.*",
            ".*`isinstance.treespec, LeafSpec.` is deprecated.*",
            ".*The number of training batches .* is smaller than the logging interval.*",
            ".*GPU available but not used.*",
            # a fine-tuned backbone keeps its normalisation statistics
            ".*in eval mode at the start of training.*",
            ".*You defined a `validation_step` but have no `val_dataloader`.*",
            ".*`torch.jit.script` is deprecated.*",
            ".*Checkpoint directory .* exists.*",
            ".*Experiment logs directory .* exists.*",
            ".*Initializing zero-element tensors.*",
            # what is logged is the same in all processes already
            ".*It is recommended to use `self.log.*sync_dist=True.*",
        ):
            warnings.filterwarnings("ignore", message=message)
        for each in loggers:
            each.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)


@contextmanager
def _without_gradients(part: nn.Module | None) -> Iterator[None]:
    """Within the block, a part that is not trained has no gradients to be added up."""
    if part is None:
        yield
        return
    part.requires_grad_(False)
    try:
        yield
    finally:
        part.requires_grad_(True)


def _processes(device: str) -> dict[str, Any]:
    """Return what Lightning must know of the processes that a launcher started."""
    launch = find_launch()
    if launch is None:
        return {"devices": 1}
    return {
        "devices": launch.on_machine,
        "num_nodes": launch.machines,
        "plugins": [launch.environment],
        # The rows of a process may lack a modality, whose encoder then has no gradients.
        "strategy": DDPStrategy(find_unused_parameters=True),
        # torch has no such layer for CPUs
        "sync_batchnorm": device != "cpu" and torch.cuda.is_available(),
    }


def _logger(surroundings: Surroundings) -> Logger | bool:
    if surroundings.log_dir is None:
        return False
    kind = CSVLogger if surroundings.logs == "csv" else TensorBoardLogger
    return kind(str(surroundings.log_dir), name="")


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training.

    Args:
        history: Metrics of each epoch: epoch, train_loss, train_<metric of the task>, seconds,
            and with held-out samples the same with val.
        interrupted: True where Ctrl-C, or a loss that is not finite, ended it.
    """

    history: list[dict[str, int | float]]
    interrupted: bool

    @property
    def best_epochs(self) -> int:
        """Number of epochs up to the lowest held-out loss, or all of them."""
        losses = [entry.get("val_loss", -entry["epoch"]) for entry in self.history]
        return losses.index(min(losses)) + 1

    @property
    def still_falling(self) -> bool:
        """Whether the held-out loss fell clearly in the last epoch, so that more may be better."""
        losses = [entry["val_loss"] for entry in self.history[-2:] if "val_loss" in entry]
        return len(losses) == 2 and losses[0] - losses[1] > PLATEAU * abs(losses[0])


def train(
    model: MultimodalModel,
    training: DataLoader[Batch],
    validation: DataLoader[Batch] | None,
    settings: Training,
    surroundings: Surroundings,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Train the fused part of a model in place, and leave it with its best weights on the CPU.

    Args:
        model: The model, untrained.
        training: Batches to learn from.
        validation: Held-out batches that choose the best epoch.
        settings: How to train.
        surroundings: Where it runs, and what it shows.
        checkpoint: Where to keep the state of the training, and to go on from.

    Raises:
        FloatingPointError: The loss is not finite before held-out rows have chosen an epoch.
        MemoryError: A batch is too large for the machine.
        DataError: The checkpoint is damaged or of another training.
    """
    module = TrainingModule(model, settings)
    history, best = History(), BestWeights(settings.patience)
    callbacks: list[Callback] = [best, history]
    begun = None
    if checkpoint is not None:
        callbacks.append(checkpoint)
        begun = checkpoint.find()
    if surroundings.progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10, leave=False))
    with _quiet(), kept_memory():
        trainer = L.Trainer(
            accelerator=surroundings.device,
            max_epochs=settings.epochs,
            callbacks=callbacks,
            logger=_logger(surroundings),
            enable_progress_bar=surroundings.progress,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            gradient_clip_val=settings.gradient_clip,
            log_every_n_steps=1,
            accumulate_grad_batches=settings.accumulate,
            use_distributed_sampler=False,  # every process has its part of each batch already
            **_processes(surroundings.device),
        )

        def stop() -> None:
            module.stop_asked = True  # and all processes stop at their next batch

        with stop_on_interrupt(stop), _without_gradients(model.linear):
            trainer.fit(module, training, validation, ckpt_path=begun, weights_only=True)
    best.restore(module)
    model.to("cpu").eval()
    interrupted = module.stopped
    if module.broken:
        if best.state is None:
            raise FloatingPointError(module.broken)
        logger.warning("%s. Training stopped, the best weights so far are kept", module.broken)
        interrupted = True
    result = TrainingResult(history.entries, interrupted)
    if result.still_falling and len(result.history) == settings.epochs and not interrupted:
        logger.info(
            "the held-out loss was still falling at epoch %d: more of them may be better, such as "
            "epochs=%d",
            settings.epochs,
            2 * settings.epochs,
        )
    return result
