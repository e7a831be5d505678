"""Keep freed memory within the process while training on a Linux CPU."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

#: Numbers of mallopt's parameters in glibc's malloc.h, and their documented defaults.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_DEFAULTS = {_TRIM_THRESHOLD: 128 * 1024, _TOP_PAD: 128 * 1024, _MMAP_THRESHOLD: 128 * 1024}
_KEEP = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 * 2**20, _MMAP_THRESHOLD: 2**30}


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within the block, glibc keeps large freed blocks instead of giving them to the kernel.

    Every tensor of more than a few hundred kilobytes is otherwise mapped afresh, and the
    kernel's zeroing of its pages can take as long as the computation. Afterwards the defaults
    hold again and what is unused is returned. Does nothing without glibc, and nothing where
    the user has set `MALLOC_` variables.
    """
    if platform.libc_ver()[0] != "glibc" or any(key.startswith("MALLOC_") for key in os.environ):
        yield
        return
    libc = ctypes.CDLL(None)
    for parameter, value in _KEEP.items():
        libc.mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, value in _DEFAULTS.items():
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)
