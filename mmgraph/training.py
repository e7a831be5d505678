"""Training on Lightning: the only module that imports it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from mmgraph.allocator import kept_memory
from mmgraph.data import Batch
from mmgraph.errors import DataError
from mmgraph.nn.model import MultimodalModel

logger = logging.getLogger("mmgraph")

Logs = Literal["csv", "tensorboard"]


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    Args:
        epochs: Most passes over the training data.
        learning_rate: Highest learning rate of the one-cycle schedule.
        weight_decay: Of AdamW, on matrices only.
        label_smoothing: Share of probability that is spread over all classes.
        averaging: Share of the averaged weights that a step keeps.
        gradient_clip: Longest gradient; a longer one is scaled down.
        patience: Epochs without a better held-out loss after which training stops.
        device: "auto", "cpu", "gpu" and so on, as Lightning names accelerators.
        log_dir: Folder for logs; None: no logs.
        logs: Kind of logs.
        progress: Show a progress bar.
    """

    epochs: int = 15
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    averaging: float = 0.98
    gradient_clip: float = 5.0
    patience: int = 4
    device: str = "auto"
    log_dir: str | Path | None = None
    logs: Logs = "csv"
    progress: bool = True


class TrainingModule(L.LightningModule):
    """The fused part of a model, its loss and its optimiser."""

    average: AveragedModel

    def __init__(self, model: MultimodalModel, settings: TrainingSettings) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        #: Why training cannot go on, once it cannot.
        self.broken: str | None = None
        # The mean over the last steps is what is validated and kept: it errs less than any of
        # them (https://arxiv.org/abs/1803.05407), and its epochs differ less by chance.
        self.average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(settings.averaging), use_buffers=True
        )

    def averaged(self) -> MultimodalModel:
        """Return the model with averaged weights."""
        model = self.average.module
        assert isinstance(model, MultimodalModel)
        return model

    def on_train_batch_end(self, *_: Any) -> None:
        """Let the averaged weights follow."""
        self.average.update_parameters(self.model)

    def training_step(self, batch: Batch, _: int) -> Tensor | None:
        """Return the loss of a batch; stop training, and learn nothing, if it is not finite."""
        self._batch = batch
        with explained_memory(batch):
            loss = self._step(batch, "train", label_smoothing=self.settings.label_smoothing)
        if torch.isfinite(loss):
            return loss
        self.broken = self._explain_loss(batch)
        self.trainer.should_stop = True
        return None

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Compute gradients."""
        with explained_memory(self._batch):
            super().backward(loss, *args, **kwargs)

    def validation_step(self, batch: Batch, _: int) -> None:
        """Log loss and metric of a held-out batch."""
        self._step(batch, "val", label_smoothing=0.0)

    @property
    def slower(self) -> str:
        """Return the advice to learn more slowly."""
        return f"lower learning_rate (now {self.settings.learning_rate:g})"

    def _explain_loss(self, batch: Batch) -> str:
        with torch.no_grad():
            fine = self.model.fused_logits(batch.items).isfinite().all(1).tolist()
        names = [name for name, well in zip(batch.names, fine, strict=True) if not well]
        some = 0 < len(names) < len(fine)
        advice = f"look at their inputs, or {self.slower}" if some else self.slower
        return (
            f"epoch {self.current_epoch + 1}: the loss is not finite for rows "
            f"{_first(names or batch.names)}; {advice}"
        )

    def _step(self, batch: Batch, stage: str, *, label_smoothing: float) -> Tensor:
        assert batch.target is not None
        model = self.model if stage == "train" else self.averaged()
        logits = model.fused_logits(batch.items)
        task = self.model.task
        loss = task.loss(logits, batch.target, label_smoothing=label_smoothing)
        with torch.no_grad():
            score = task.score(logits, batch.target)
        self.log_dict(
            {f"{stage}_loss": loss, f"{stage}_{task.metric}": score},
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(batch.target),
        )
        return loss

    def configure_optimizers(self) -> Any:
        """Return AdamW, which leaves biases, norms and embeddings undecayed, on one cycle."""
        trained = [p for n, p in self.model.named_parameters() if not n.startswith("additive.")]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trained if p.ndim > 1]},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        settings = self.settings
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer = torch.optim.AdamW(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=settings.learning_rate,
            total_steps=steps,
            # A rise of exactly one step makes OneCycleLR divide by zero.
            pct_start=0.1 if steps != 10 else 0.2,
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def _first(names: Sequence[str]) -> str:
    """Name some rows."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


@contextmanager
def explained_memory(batch: Batch) -> Iterator[None]:
    """Within the block, a lack of memory says which batch it was, and what to do.

    Raises:
        MemoryError: In place of what torch raises on GPUs and CPUs.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        lacks = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not lacks and "can't allocate memory" not in str(error):
            raise
        nodes = ", ".join(
            f"up to {int(items.nodes_per_sample.max())} {name} nodes"
            for name, items in batch.items.items()
        )
        raise MemoryError(
            f"a batch of {len(batch.names)} rows ({_first(batch.names)}) with {nodes} needs more "
            "memory than there is; lower batch_size, the length of texts (max_tokens=), the size "
            "of images (size=) or channels"
        ) from error


class History(Callback):
    """Collects the metrics of each epoch in `entries`."""

    def __init__(self) -> None:
        self.entries: list[dict[str, int | float]] = []

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keep what was logged, unless the epoch broke off."""
        assert isinstance(module, TrainingModule)
        if module.broken:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        seconds = time.perf_counter() - self.start
        self.entries.append({"epoch": trainer.current_epoch, **metrics, "seconds": seconds})

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"entries": self.entries}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.entries = list(state_dict["entries"])


class BestWeights(Callback):
    """Keeps the weights with the lowest held-out loss in memory and restores them at the end.

    Training stops after `patience` epochs without a lower one, and at Ctrl-C; a second Ctrl-C
    interrupts at once.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = float("inf")
        self.waited = 0
        self.state: dict[str, Tensor] | None = None

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Compare with the best epoch so far."""
        assert isinstance(module, TrainingModule)
        loss = trainer.callback_metrics.get("val_loss")
        if loss is None or module.broken:
            return
        if not torch.isfinite(loss):
            module.broken = (
                f"epoch {trainer.current_epoch + 1}: the held-out loss is not finite; "
                f"{module.slower}"
            )
            trainer.should_stop = True
            return
        self.waited += 1
        if float(loss) < self.best:
            self.best, self.waited = float(loss), 0
            state = module.averaged().state_dict()
            self.state = {name: value.detach().clone() for name, value in state.items()}
        if self.waited >= self.patience:
            trainer.should_stop = True

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Stop at once where training had already stopped before its checkpoint was read."""
        if self.waited >= self.patience:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"best": self.best, "waited": self.waited, "state": self.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.waited = state_dict["best"], state_dict["waited"]
        self.state = state_dict["state"]

    def restore(self, module: TrainingModule) -> None:
        """Give the model the best weights, or without held-out samples the last ones."""
        module.model.load_state_dict(self.state or module.averaged().state_dict())


class Checkpoint(Callback):
    """Writes the state of the training after each epoch, so that it can go on after a kill.

    A file is complete or not there: it is written beside its place and then moved. Where it
    cannot be written, one warning says so, and training goes on without.

    Args:
        path: The file.
        identity: What the training must have in common with one that goes on from the file.
        generator: Source of the order of batches.
    """

    def __init__(self, path: Path, identity: str, generator: torch.Generator | None) -> None:
        self.path = path
        self.identity = identity
        self.generator = generator
        self._works = True

    def find(self) -> Path | None:
        """Return the file if there is one that this training can go on from.

        Raises:
            DataError: It is damaged, or of another training.
        """
        if not self.path.is_file():
            return None
        try:
            # Tensors and plain containers only: nothing in the file is run.
            found = torch.load(self.path, map_location="cpu", weights_only=True)["identity"]
        except Exception as error:
            raise DataError(
                f"{self.path}: damaged, or not a checkpoint of mmgraph ({error}); delete it to "
                "train from the beginning"
            ) from error
        if found != self.identity:
            raise DataError(
                f"{self.path}: is of a training with other rows, labels or settings; delete it, "
                "or choose another checkpoint_dir"
            )
        return self.path

    # After the other callbacks' `on_train_epoch_end`, which change what is kept.
    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Write the file."""
        assert isinstance(module, TrainingModule)
        if not self._works or module.broken:
            return
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(beside)
            os.replace(beside, self.path)
        except OSError as error:
            self._works = False
            with suppress(OSError):
                beside.unlink()
            logger.warning("no checkpoint can be written, training goes on without: %s", error)

    def on_save_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep what decides the epochs to come, besides what Lightning keeps."""
        checkpoint["identity"] = self.identity
        checkpoint["random"] = torch.get_rng_state()
        checkpoint["random_cuda"] = torch.cuda.get_rng_state_all()
        if self.generator is not None:
            checkpoint["random_order"] = self.generator.get_state()

    def on_load_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Draw from now on what would have been drawn."""
        torch.set_rng_state(checkpoint["random"].cpu())
        if len(checkpoint["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in checkpoint["random_cuda"]])
        if self.generator is not None:
            self.generator.set_state(checkpoint["random_order"].cpu())


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
        logger.warning("interrupted: stopping after this batch, keeping the best weights so far")
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
            # the batch whose loss is not finite, which is said in better words
            ".*`training_step` returned `None`.*",
        ):
            warnings.filterwarnings("ignore", message=message)
        for each in loggers:
            each.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)


def _logger(settings: TrainingSettings) -> Logger | bool:
    if settings.log_dir is None:
        return False
    kind = CSVLogger if settings.logs == "csv" else TensorBoardLogger
    return kind(str(settings.log_dir), name="")


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


def train(
    model: MultimodalModel,
    training: DataLoader[int],
    validation: DataLoader[int] | None,
    settings: TrainingSettings,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Train the fused part of a model in place, and leave it with its best weights on the CPU.

    Args:
        model: The model, untrained.
        training: Batches to learn from.
        validation: Held-out batches that choose the best epoch.
        settings: How to train.
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
    if settings.progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10, leave=False))
    with _quiet(), kept_memory():
        trainer = L.Trainer(
            accelerator=settings.device,
            devices=1,
            max_epochs=settings.epochs,
            callbacks=callbacks,
            logger=_logger(settings),
            enable_progress_bar=settings.progress,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            gradient_clip_val=settings.gradient_clip,
            log_every_n_steps=1,
        )

        interrupted = False

        def stop() -> None:
            nonlocal interrupted
            trainer.should_stop = interrupted = True

        with stop_on_interrupt(stop):
            trainer.fit(module, training, validation, ckpt_path=begun, weights_only=True)
    best.restore(module)
    model.to("cpu").eval()
    if module.broken:
        if best.state is None:
            raise FloatingPointError(module.broken)
        logger.warning("%s. Training stopped, the best weights so far are kept", module.broken)
        interrupted = True
    return TrainingResult(history.entries, interrupted)
