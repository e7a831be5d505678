"""How a launcher started this process, and how the processes find one another."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from lightning.fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.plugins.environments import ClusterEnvironment
from torch import distributed as dist

#: The others wait while the first process fits what is fitted once.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class Launch:
    """The processes that a launcher started, this one among them.

    Args:
        environment: Which process this is, and where the first one listens.
        on_machine: Number of processes on each machine.
    """

    environment: ClusterEnvironment
    on_machine: int

    @property
    def machines(self) -> int:
        """Number of machines."""
        return self.environment.world_size() // self.on_machine


def find_launch() -> Launch | None:
    """Return what torchrun or srun said in the environment; None for a process of its own."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        count = os.environ.get("LOCAL_WORLD_SIZE") or os.environ["WORLD_SIZE"]
        return Launch(TorchElasticEnvironment(), int(count))
    if SLURMEnvironment.detect() and "SLURM_PROCID" in os.environ:
        environment = SLURMEnvironment(auto_requeue=False)
        if environment.world_size() > 1:
            machines = int(os.environ.get("SLURM_NNODES", "1"))
            return Launch(environment, environment.world_size() // machines)
    return None


def join_processes() -> None:
    """Connect with the other processes, where a launcher started some; they stay connected."""
    launch = find_launch()
    if launch is None or not dist.is_available() or dist.is_initialized():
        return
    environment = launch.environment
    os.environ["MASTER_ADDR"] = environment.main_address
    os.environ["MASTER_PORT"] = str(environment.main_port)
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(environment.local_rank())
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if gpus else "gloo",
        rank=environment.global_rank(),
        world_size=environment.world_size(),
        timeout=_PATIENCE,
    )
    atexit.register(_leave)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
