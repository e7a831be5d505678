"""Attention over neighbours by compiled kernels, as functions of autograd."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch_geometric.nn import MessagePassing

from mmgraph.message_passing.edges.edges import DenseEdges
from mmgraph.message_passing.edges.neighbours import Neighbours

#: Products of an edge and a channel for which a second thread is worth its start.
_WORTH_A_THREAD = 2**18


def fusable(conv: MessagePassing, x: Tensor, edges: DenseEdges) -> Neighbours | None:
    """Return the lists for a kernel to go through, or None where no kernel does the convolution.

    Kernels take single and double precision on CPUs, without edge features and without dropout of
    the weights. Where a program is traced, and without numba, there are none.
    """
    taken = (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and conv.lin_edge is None
        and not (conv.training and conv.dropout)
        and not torch.compiler.is_compiling()
        and _kernels() is not None
    )
    return edges.neighbours if taken else None


def sum_attention(
    source: Float[Tensor, "source heads"],
    target: Float[Tensor, "target heads"],
    value: Float[Tensor, "source heads channels"],
    slope: float,
    neighbours: Neighbours,
) -> Float[Tensor, "target heads channels"]:
    r"""Return :math:`\sum_j \mathrm{softmax}_j (\mathrm{LeakyReLU}(s_j + t_i)) \, v_j`."""
    return _Attention.apply("sum", neighbours, slope, source, target, value)


def leaky_attention(
    left: Float[Tensor, "source heads channels"],
    right: Float[Tensor, "target heads channels"],
    att: Float[Tensor, "heads channels"],
    slope: float,
    neighbours: Neighbours,
) -> Float[Tensor, "target heads channels"]:
    r"""Return :math:`\sum_j \mathrm{softmax}_j (a^T \mathrm{LeakyReLU}(l_j + r_i)) \, l_j`."""
    return _Attention.apply("leaky", neighbours, slope, left, right, att)


class _Attention(Function):
    """Runs the kernels of one kind. What receives nothing gets 0."""

    @staticmethod
    def forward(
        ctx: Any, kind: str, neighbours: Neighbours, slope: float, *inputs: Tensor
    ) -> Tensor:
        heads, channels = inputs[0].shape[1], inputs[2].shape[-1]
        out = inputs[2].new_empty(len(neighbours.start), heads, channels)
        logs = out.new_empty(len(out), heads)
        ctx.kind, ctx.neighbours, ctx.slope = kind, neighbours, slope
        ctx.save_for_backward(*inputs, out, logs)
        _run(f"{kind}_forward", neighbours, slope, inputs, (out, logs))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, out, logs = ctx.saved_tensors
        leaky = ctx.kind == "leaky"
        like = (inputs[0], *inputs[:2]) if leaky else inputs
        grads = tuple(x.new_zeros(x.shape) for x in like)
        results = out, logs, grad.contiguous()
        _run(f"{ctx.kind}_backward", ctx.neighbours, ctx.slope, inputs, results, grads)
        if not leaky:
            return None, None, None, *grads
        left, right, att = inputs
        to_value, to_left, to_right = grads
        to_att = (to_left * left).sum(0) + (to_right * right).sum(0)
        return None, None, None, to_value.addcmul_(to_left, att), to_right.mul_(att), to_att


def _run(
    name: str,
    neighbours: Neighbours,
    slope: float,
    inputs: Sequence[Tensor],
    results: Sequence[Tensor],
    grads: Sequence[Tensor] = (),
) -> None:
    """Call a kernel for all targets, in as many threads as torch uses."""
    kernel = getattr(_kernels(), name)
    tables, columns = zip(*map(_table, inputs), strict=True)
    out = results[0].numpy()
    arrays = [out.dtype.type(slope), *(x.numpy() for x in results)]
    if grads:
        arrays.append(tuple(x.numpy() for x in grads))

    def call(span: tuple[int, int]) -> None:
        kernel(neighbours.lists, span, *tables, columns, *arrays)

    threads = torch.get_num_threads()
    work = neighbours.edges * out.shape[1] * out.shape[2]
    spans = list(neighbours.spans(min(threads, 1 + work // _WORTH_A_THREAD)))
    run = map if len(spans) == 1 else _pool(threads, os.getpid()).map
    list(run(call, spans))


def _table(x: Tensor) -> tuple[np.ndarray, int]:
    """Return a matrix whose rows hold those of a tensor, and the column from which on.

    What came of a joint linear map is a range of columns; it is read where it stands.
    """
    flat = x.detach().flatten(1)
    width, stride = flat.shape[1], flat.stride(0)
    if flat.numel() and flat.stride(1) == 1 and width <= stride:
        column = int(flat.storage_offset()) % stride
        start = flat.storage_offset() - column
        end = (start + len(flat) * stride) * flat.element_size()
        if column + width <= stride and end <= flat.untyped_storage().nbytes():
            table = flat.as_strided((len(flat), stride), (stride, 1), start)
            return table.numpy(), column
    return flat.contiguous().numpy(), 0


@cache
def _kernels() -> ModuleType | None:
    """Return the kernels, or None without numba."""
    try:
        from mmgraph.message_passing import kernels
    except ImportError:
        return None
    return kernels


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Return the threads of this process; a forked one has none of its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="mmgraph")
