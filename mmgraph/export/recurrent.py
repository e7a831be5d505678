"""Recurrent layers in programs, for sequences of any length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._decomp import decomposition_table


@contextmanager
def any_length() -> Iterator[None]:
    """Within the block, recurrent layers are traced as one operation each.

    Torch otherwise traces GRU and LSTM step by step, which fixes the number of steps. The
    operations themselves take any number, so only the shape of what they return is told.
    """
    with ExitStack() as stack:
        for operator, shapes in (
            (torch.ops.aten.gru.input, _gru_shapes),
            (torch.ops.aten.lstm.input, _lstm_shapes),
        ):
            keys = ("CompositeImplicitAutograd", "Autograd")
            told = {getattr(torch._C.DispatchKey, key): shapes for key in keys}
            stack.enter_context(mock.patch.dict(operator.py_kernels, told))
            stack.enter_context(mock.patch.dict(decomposition_table, {operator: shapes}))
            operator._dispatch_cache.clear()
            stack.callback(operator._dispatch_cache.clear)
        yield


def _gru_shapes(x: Tensor, state: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return x.new_empty(*x.shape[:2], state.shape[2]), torch.empty_like(state)


def _lstm_shapes(x: Tensor, states: list[Tensor], *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    out, state = _gru_shapes(x, states[0])
    return out, state, torch.empty_like(states[1])
