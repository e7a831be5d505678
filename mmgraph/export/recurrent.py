"""Recurrent layers in programs, for sequences of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._subclasses import fake_impls


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
            keys = ("CompositeImplicitAutograd", "Autograd", "Meta")
            told = {getattr(torch._C.DispatchKey, key): shapes for key in keys}
            stack.enter_context(mock.patch.dict(operator.py_kernels, told))
            rule = {operator: partial(_told, shapes)}
            stack.enter_context(mock.patch.dict(fake_impls.op_implementations_dict, rule))
            operator._dispatch_cache.clear()
            stack.callback(operator._dispatch_cache.clear)
        yield


def _told(shapes: Callable[..., Any], mode: Any, _: Any, *args: Any, **options: Any) -> Any:
    with mode:
        return shapes(*args, **options)


def _gru_shapes(x: Tensor, state: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return x.new_empty(*x.shape[:2], state.shape[2]), torch.empty_like(state)


def _lstm_shapes(x: Tensor, states: list[Tensor], *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    out, state = _gru_shapes(x, states[0])
    return out, state, torch.empty_like(states[1])
