"""Features that a thread computes while further inputs are decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
from torch import Tensor

#: Batches that may wait to be computed; more would only take memory.
_WAITING = 2

Inputs = dict[bytes, Tensor]
Found = dict[bytes, np.ndarray]


class Ahead:
    """Collects inputs into batches, and has each computed while the next ones are made.

    Decoding images and a network's products both leave Python's lock, so that they run at the
    same time. What is computed is handed on in the caller's own thread.

    Args:
        compute: Maps a batch of inputs, by the hashes of their contents, to features.
        size: Inputs of a batch.
        keep: Called with the features of each batch, in order; None: nothing is.

    Example:
        >>> import torch
        >>> def double(inputs):
        ...     return {key: 2 * x.numpy() for key, x in inputs.items()}
        >>> with Ahead(double, size=2) as ahead:
        ...     for key in (b"a", b"b", b"c"):
        ...         ahead.add(key, torch.ones(1))
        >>> {key: x.tolist() for key, x in ahead.features.items()}
        {b'a': [2.0], b'b': [2.0], b'c': [2.0]}
    """

    def __init__(
        self,
        compute: Callable[[Inputs], Found],
        *,
        size: int,
        keep: Callable[[Found], None] | None = None,
    ) -> None:
        self.features: Found = {}
        self._compute, self._size, self._keep = compute, size, keep
        self._inputs: Inputs = {}
        self._waiting: deque[Future[Found]] = deque()
        self._seen: set[bytes] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mmgraph")

    def __contains__(self, key: bytes) -> bool:
        return key in self._seen

    def add(self, key: bytes, inputs: Tensor) -> None:
        """Add inputs; where a whole batch of them has come together, it is computed."""
        self._seen.add(key)
        self._inputs[key] = inputs
        if len(self._inputs) == self._size:
            self._begin()
            while len(self._waiting) > _WAITING:
                self._finish()

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._begin()
                while self._waiting:
                    self._finish()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        if self._inputs:
            self._waiting.append(self._thread.submit(self._compute, self._inputs))
        self._inputs = {}

    def _finish(self) -> None:
        found = self._waiting.popleft().result()
        if self._keep is not None:
            self._keep(found)
        self.features |= found
