"""Several processes that fit one model together: who is who, and what they tell each other.

A launcher (torchrun, srun) starts the same script once a process. All of them read the same rows
and take the same steps; each computes its part of every batch. Everything in here does
nothing in a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from jaxtyping import Float
from torch import Tensor
from torch import distributed as dist

T = TypeVar("T")


def world_size() -> int:
    """Return the number of processes that have joined."""
    return dist.get_world_size() if _joined() else 1


def rank() -> int:
    """Return which of the processes this is, from 0."""
    return dist.get_rank() if _joined() else 0


def is_first() -> bool:
    """Say whether this is the process that writes files, joined to the others or not yet."""
    return (rank() if _joined() else int(os.environ.get("RANK", "0"))) == 0


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def total(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return the sum over all processes, the same to the last bit in each of them."""
    if world_size() == 1:
        return values
    values = values.clone()
    dist.all_reduce(values)
    return values


def gather_objects(values: Sequence[T]) -> list[T]:
    """Return the values of all processes, one process after the other."""
    if world_size() == 1:
        return list(values)
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, list(values))
    return [value for part in found for value in part]


def from_first(compute: Callable[[], T]) -> T:
    """Return what the first process computes, in all of them; the others wait for it.

    What it raises is raised in all of them, so that none waits in vain.
    """
    if world_size() == 1:
        return compute()
    told: list[Any] = [None, None]
    if rank() == 0:
        try:
            told[0] = compute()
        except Exception as error:
            told[1] = error
    dist.broadcast_object_list(told)
    if told[1] is not None:
        raise told[1]
    return cast("T", told[0])


@contextmanager
def first_of_machine_first() -> Iterator[None]:
    """Let one process of each machine go through the block before the others of that machine.

    What it leaves in the cache on disk, the others find there. Where it fails, they go on as well,
    and meet the same error rather than wait for it.
    """
    if world_size() == 1:
        yield
        return
    later = int(os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID") or rank()) > 0
    if later:
        dist.barrier()
    try:
        yield
    finally:
        if not later:
            dist.barrier()
