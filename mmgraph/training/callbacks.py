"""What is kept of each epoch: its metrics, and the best weights so far."""

from __future__ import annotations

import logging
import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from mmgraph.training.module import TrainingModule

logger = logging.getLogger("mmgraph")

#: A loss above the best by no more than this share is a plateau, on which training goes on.
PLATEAU = 0.01


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
        if trainer.progress_bar_callback is None:  # in notebooks, pipes and logs of clusters
            shown = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in metrics.items()]
            last = trainer.max_epochs
            logger.info("epoch %d/%s: %s", trainer.current_epoch + 1, last, ", ".join(shown))

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"entries": self.entries}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.entries = list(state_dict["entries"])


class BestWeights(Callback):
    """Keeps the weights with the lowest held-out loss in memory and restores them at the end.

    Training stops after `patience` epochs that were clearly worse without a lower one between
    them, and at Ctrl-C; a second Ctrl-C interrupts at once.
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
        self.waited += float(loss) > self.best + PLATEAU * abs(self.best)
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
