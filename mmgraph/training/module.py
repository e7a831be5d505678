"""What Lightning trains: the fused part of a model, its loss and its optimiser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmgraph.data import Batch
from mmgraph.nn.model import MultimodalModel

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
