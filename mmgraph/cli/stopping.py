"""Commands that are told to stop, and clean up first."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Within the block, SIGTERM ends the process as an error does: drafts are removed before.

    The exit code is 143, as of a process that SIGTERM killed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_IGN)  # once told is enough
        if os.getpid() != owner:  # a fork has nothing of its own to clean up
            os._exit(128 + number)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
