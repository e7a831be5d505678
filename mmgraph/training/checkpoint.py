"""The state of a training on disk, from which it goes on after a kill."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from mmgraph.errors import DataError
from mmgraph.system import distributed
from mmgraph.system.atomic import written_at_once
from mmgraph.system.pickled import read_pickled
from mmgraph.training.module import TrainingModule

logger = logging.getLogger("mmgraph")


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

        Of several processes the first one looks; all of them read the file.

        Raises:
            DataError: It is damaged, or of another training.
        """
        return distributed.from_first(self._find)

    def _find(self) -> Path | None:
        if not self.path.is_file():
            return None
        try:
            # Tensors and plain containers only: nothing in the file is run.
            found = read_pickled(self.path)["identity"]
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
        if self._works and not module.broken:
            # All processes say what is to be kept, and the first one writes it.
            state = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
            self._works = distributed.from_first(lambda: self._write(state))

    def _write(self, state: dict[str, Any]) -> bool:
        """Write the file, and say whether that worked."""
        try:
            with written_at_once(self.path) as draft:
                torch.save(state, draft)
        # torch raises RuntimeError where a disk is full
        except (OSError, RuntimeError) as error:
            logger.warning("no checkpoint can be written, training goes on without: %s", error)
            return False
        return True

    def on_save_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep what decides the epochs to come, besides what Lightning keeps."""
        checkpoint["identity"] = self.identity
        checkpoint["random"] = distributed.gather_objects([torch.get_rng_state()])
        checkpoint["random_cuda"] = distributed.gather_objects([torch.cuda.get_rng_state_all()])
        if self.generator is not None:
            checkpoint["random_order"] = self.generator.get_state()

    def on_load_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Draw from now on what would have been drawn."""
        process = distributed.rank()
        if len(checkpoint["random"]) == distributed.world_size():
            torch.set_rng_state(checkpoint["random"][process].cpu())
            states = checkpoint["random_cuda"][process]
            if len(states) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all([state.cpu() for state in states])
        if self.generator is not None:
            self.generator.set_state(checkpoint["random_order"].cpu())
