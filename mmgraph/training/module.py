"""What Lightning trains: the fused part of a model, its loss and its optimiser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

import lightning as L
import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmgraph.data.batch import Batch
from mmgraph.nn.model import MultimodalModel
from mmgraph.system import distributed
from mmgraph.training.settings import Training, find_optimizer


class TrainingModule(L.LightningModule):
    """The fused part of a model, its loss and its optimiser."""

    average: AveragedModel

    def __init__(self, model: MultimodalModel, settings: Training) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        #: Why training cannot go on, once it cannot.
        self.broken: str | None = None
        #: The user wants this process to stop; all processes have heard of one that is to.
        self.stop_asked = self.stopped = False
        # The mean over the last steps is what is validated and kept: it errs less than any of
        # them (https://arxiv.org/abs/1803.05407), and its epochs differ less by chance.
        self.average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(settings.averaging), use_buffers=True
        )
        self.average.requires_grad_(False)  # processes add up the gradients of what has some

    def averaged(self) -> MultimodalModel:
        """Return the model with averaged weights."""
        model = self.average.module
        assert isinstance(model, MultimodalModel)
        return model

    def on_train_batch_end(self, outputs: Any, batch: Batch, number: int) -> None:
        """Let the averaged weights follow, once a step."""
        if (number + 1) % self.settings.accumulate == 0:
            self.average.update_parameters(self.model)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of a batch; stop training if that of the step is not finite."""
        self._batch = batch
        with explained_memory(batch):
            loss, finite = self._step(batch, "train", label_smoothing=self.settings.label_smoothing)
        if not finite:
            self.broken = self._explain_loss(batch)
            self.trainer.should_stop = True
        # Processes take the mean of their gradients, and Lightning that of accumulated ones.
        return loss * (distributed.world_size() * self.settings.accumulate)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Compute gradients; learn nothing of a step whose loss is not finite."""
        if self.broken:
            self.zero_grad()
            return
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
        rows = list(zip(batch.names, fine, strict=True)) if batch.counted else []
        rows = distributed.gather_objects(rows)
        names = [name for name, well in rows if not well]
        some = 0 < len(names) < len(rows)
        advice = f"look at their inputs, or {self.slower}" if some else self.slower
        return (
            f"epoch {self.current_epoch + 1}: the loss is not finite for rows "
            f"{_first(names or [name for name, _ in rows])}; {advice}"
        )

    def _step(
        self, batch: Batch, stage: str, *, label_smoothing: float
    ) -> tuple[Float[Tensor, ""], bool]:
        """Return this batch's part of the loss of its step, and whether that is finite.

        Where a step is computed in parts, the parts of its loss add up to what the loss of all
        its rows together would be; and what is logged, and decides, is the same in all processes.
        """
        assert batch.target is not None
        assert batch.step_target is not None
        model = self.model if stage == "train" else self.averaged()
        logits = model.fused_logits(batch.items)
        task = self.model.task
        loss = task.loss(logits, batch.target, label_smoothing=label_smoothing)
        rows = len(batch.step_target)
        share = task.total_weight(batch.target) / task.total_weight(batch.step_target)
        loss = loss * (share * batch.counted)
        with torch.no_grad():
            score = task.score(logits, batch.target)
            score = score * (len(batch.target) / rows * batch.counted)
            asked = torch.full_like(score, self.stop_asked)
            seen = distributed.total(torch.stack([loss, score, asked]).float()).tolist()
        if seen[2]:
            self.trainer.should_stop = self.stopped = True
        turns = self.settings.accumulate if stage == "train" else 1
        self.log_dict(
            {f"{stage}_loss": turns * seen[0], f"{stage}_{task.metric}": turns * seen[1]},
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            batch_size=rows,
        )
        return loss, isfinite(seen[0])

    def configure_optimizers(self) -> Any:
        """Return the optimiser, which leaves biases and norms undecayed, on one cycle."""
        trained = [p for n, p in self.model.named_parameters() if not n.startswith("linear.")]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in trained if p.ndim > 1]},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        settings = self.settings
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer = find_optimizer(settings.optimizer)(
            groups, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=settings.learning_rate,
            total_steps=steps,
            # A rise of exactly one step makes OneCycleLR divide by zero.
            pct_start=0.1 if steps != 10 else 0.2,
            cycle_momentum=not {"momentum", "betas"}.isdisjoint(optimizer.defaults),
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
