"""Attention over lists of neighbours in machine code, without a number kept for an edge.

Each kernel goes through a range of targets. For one target and head it works out the logits of its
neighbours, their softmax and the weighted sum, all within the processor's cache; the backward
kernels work the weights out again from the logarithm of the softmax's denominator, as
FlashAttention does (https://arxiv.org/abs/2205.14135). Targets that share a list are gone through
four at a time, so that gradients of sources are read and written a quarter as often.

Features of nodes are rows of a table, read from a column on. What targets add to the gradients of
sources belongs to sources of the same samples, so ranges of whole samples may run in threads.

Shapes: `start` and `stop` [targets], `index` [neighbours], results [targets, heads, channels],
logarithms [targets, heads].
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

#: Sums may be taken in any order and products fused; infinity and NaN keep their meaning.
_OPTIONS: Any = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
#: Targets of one list that are gone through together; `_tell` is written for four.
_BLOCK = 4


def _compile(function: Any) -> Any:
    function = inspect.unwrap(function)  # what checks types of shapes cannot be compiled
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder to keep machine code in
        return njit(**_OPTIONS)(function)


@inspect.unwrap
def _exp(x):  # type: ignore[no-untyped-def]
    """Return the exponential of a number that is not above 0."""


@overload(_exp, jit_options=_OPTIONS)
@inspect.unwrap
def _choose_exp(x):  # type: ignore[no-untyped-def]
    # In single precision a polynomial (that of the Cephes library) runs on many numbers at once.
    return _exp_single if x == types.float32 else lambda x: math.exp(x)


@inspect.unwrap
def _exp_single(x):  # type: ignore[no-untyped-def]
    x = max(x, np.float32(-87.0))
    whole = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
    rest = x - whole * np.float32(0.693359375)
    rest = rest - whole * np.float32(-2.12194440e-4)
    y = np.float32(1.9875691500e-4)
    y = y * rest + np.float32(1.3981999507e-3)
    y = y * rest + np.float32(8.3334519073e-3)
    y = y * rest + np.float32(4.1665795894e-2)
    y = y * rest + np.float32(1.6666665459e-1)
    y = y * rest + np.float32(5.0000001201e-1)
    y = y * rest * rest + rest + np.float32(1.0)
    power = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23))
    return y * power.view(np.float32)


@_compile
def _part(table, row, column, channels):  # type: ignore[no-untyped-def]
    """Return channels of a row. An index into such a part needs no check, one into a table does."""
    return table[row, column : column + channels]


@_compile
def _most(start, stop, first, last):  # type: ignore[no-untyped-def]
    """Return the largest number of neighbours within a range of targets."""
    most = 0
    for i in range(first, last):
        most = max(most, stop[i] - start[i])
    return most


@_compile
def _alike(start, stop, i, last):  # type: ignore[no-untyped-def]
    """Return the first target after i that has another list, at most four further on."""
    end = min(i + _BLOCK, last)
    for j in range(i + 1, end):
        if start[j] != start[i] or stop[j] != stop[i]:
            return j
    return end


@_compile
def _softmax(w, n):  # type: ignore[no-untyped-def]
    """Make weights of the first n logits; return the logarithm of the denominator."""
    if n == 0:
        return w.dtype.type(0)
    largest = w[0]
    for k in range(1, n):
        largest = max(largest, w[k])
    total = w.dtype.type(0)
    for k in range(n):
        w[k] = _exp(w[k] - largest)
        total += w[k]
    for k in range(n):
        w[k] /= total
    return largest + math.log(total)


@_compile
def _softmax_backward(w, d, n, log, grad, out):  # type: ignore[no-untyped-def]
    """Make weights of logits in `w`, and the logits' gradients of the weights' in `d`."""
    mean = w.dtype.type(0)
    for c in range(len(out)):
        mean += grad[c] * out[c]
    for k in range(n):
        w[k] = _exp(min(w[k] - log, w.dtype.type(0)))
        d[k] = (d[k] - mean) * w[k]


@_compile
def _hear(w, n, neighbours, value, column, out):  # type: ignore[no-untyped-def]
    """Write the weighted sum of what n neighbours say, four at a time."""
    out[:] = 0
    channels, four = len(out), n - n % 4
    for k in range(0, four, 4):
        a = _part(value, neighbours[k], column, channels)
        b = _part(value, neighbours[k + 1], column, channels)
        c = _part(value, neighbours[k + 2], column, channels)
        d = _part(value, neighbours[k + 3], column, channels)
        wa, wb, wc, wd = w[k], w[k + 1], w[k + 2], w[k + 3]
        for i in range(channels):
            out[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]
    for k in range(four, n):
        a, wa = _part(value, neighbours[k], column, channels), w[k]
        for i in range(channels):
            out[i] += wa * a[i]


@_compile
def _tell(w, grad, first, end, h, neighbours, to_value):  # type: ignore[no-untyped-def]
    """Add to the gradients of what neighbours say, by the weights of targets of one list."""
    if end - first < _BLOCK:
        for m in range(end - first):
            a, weight = grad[first + m, h], w[m]
            for k in range(len(neighbours)):
                told, wa = to_value[neighbours[k], h], weight[k]
                for i in range(len(a)):
                    told[i] += wa * a[i]
        return
    a, b = grad[first, h], grad[first + 1, h]
    c, d = grad[first + 2, h], grad[first + 3, h]
    for k in range(len(neighbours)):
        told = to_value[neighbours[k], h]
        wa, wb, wc, wd = w[0, k], w[1, k], w[2, k], w[3, k]
        for i in range(len(a)):
            told[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]


@_compile
def sum_forward(  # type: ignore[no-untyped-def]
    edges, span, source, target, value, columns, slope, out, logs
):
    """Attention whose logits are the LeakyReLU of a number at each end (GAT)."""
    start, stop, index = edges
    heads, channels = out.shape[1:]
    w = np.empty(_most(start, stop, *span), out.dtype)
    for i in range(*span):
        neighbours = index[start[i] : stop[i]]
        n = len(neighbours)
        for h in range(heads):
            own = target[i, columns[1] + h]
            for k in range(n):
                z = source[neighbours[k], columns[0] + h] + own
                w[k] = z if z > 0 else z * slope
            logs[i, h] = _softmax(w, n)
            _hear(w, n, neighbours, value, columns[2] + h * channels, out[i, h])


@_compile
def sum_backward(  # type: ignore[no-untyped-def]
    edges, span, source, target, value, columns, slope, out, logs, grad, grads
):
    """Add to the gradients of source, target and value."""
    start, stop, index = edges
    to_source, to_target, to_value = grads
    heads, channels = out.shape[1:]
    most = _most(start, stop, *span)
    weights, slants = np.empty((_BLOCK, most), out.dtype), np.empty(most, out.dtype)
    i = span[0]
    while i < span[1]:
        end = _alike(start, stop, i, span[1])
        neighbours = index[start[i] : stop[i]]
        n = len(neighbours)
        for h in range(heads):
            at_s, at_v = columns[0] + h, columns[2] + h * channels
            for t in range(i, end):
                own, number, w, d = grad[t, h], target[t, columns[1] + h], weights[t - i], slants
                for k in range(n):
                    said, product = _part(value, neighbours[k], at_v, channels), out.dtype.type(0)
                    for c in range(channels):
                        product += own[c] * said[c]
                    z = source[neighbours[k], at_s] + number
                    w[k], d[k] = z if z > 0 else z * slope, product
                _softmax_backward(w, d, n, logs[t, h], own, out[t, h])
                total = out.dtype.type(0)
                for k in range(n):
                    e = d[k] if source[neighbours[k], at_s] + number > 0 else d[k] * slope
                    to_source[neighbours[k], h] += e
                    total += e
                to_target[t, h] = total
            _tell(weights, grad, i, end, h, neighbours, to_value)
        i = end


@_compile
def leaky_forward(  # type: ignore[no-untyped-def]
    edges, span, left, right, att, columns, slope, out, logs
):
    """Attention whose logits are a product with the LeakyReLU of a vector at each end (GATv2)."""
    start, stop, index = edges
    heads, channels = out.shape[1:]
    w = np.empty(_most(start, stop, *span), out.dtype)
    for i in range(*span):
        neighbours = index[start[i] : stop[i]]
        n = len(neighbours)
        for h in range(heads):
            at_l, r = (
                columns[0] + h * channels,
                _part(right, i, columns[1] + h * channels, channels),
            )
            a = _part(att, h, columns[2], channels)
            for k in range(n):
                x, total = _part(left, neighbours[k], at_l, channels), out.dtype.type(0)
                for c in range(channels):
                    z = x[c] + r[c]
                    total += a[c] * (z if z > 0 else z * slope)
                w[k] = total
            logs[i, h] = _softmax(w, n)
            _hear(w, n, neighbours, left, at_l, out[i, h])


@_compile
def leaky_backward(  # type: ignore[no-untyped-def]
    edges, span, left, right, att, columns, slope, out, logs, grad, grads
):
    """Add to the gradients of the left end as a value, and of both within the LeakyReLU.

    The last two are those of the sum of both ends, not yet multiplied by `att`.
    """
    start, stop, index = edges
    to_value, to_left, to_right = grads
    heads, channels = out.shape[1:]
    most = _most(start, stop, *span)
    weights, slants = np.empty((_BLOCK, most), out.dtype), np.empty(most, out.dtype)
    i = span[0]
    while i < span[1]:
        end = _alike(start, stop, i, span[1])
        neighbours = index[start[i] : stop[i]]
        n = len(neighbours)
        for h in range(heads):
            at_l, at_r = columns[0] + h * channels, columns[1] + h * channels
            a = _part(att, h, columns[2], channels)
            for t in range(i, end):
                own, r, w, d = grad[t, h], _part(right, t, at_r, channels), weights[t - i], slants
                for k in range(n):
                    x = _part(left, neighbours[k], at_l, channels)
                    total, product = out.dtype.type(0), out.dtype.type(0)
                    for c in range(channels):
                        z = x[c] + r[c]
                        total += a[c] * (z if z > 0 else z * slope)
                        product += own[c] * x[c]
                    w[k], d[k] = total, product
                _softmax_backward(w, d, n, logs[t, h], own, out[t, h])
                to_r = to_right[t, h]
                for k in range(n):
                    x, to_l = _part(left, neighbours[k], at_l, channels), to_left[neighbours[k], h]
                    above, below = d[k], d[k] * slope
                    for c in range(channels):
                        e = above if x[c] + r[c] > 0 else below
                        to_l[c] += e
                        to_r[c] += e
            _tell(weights, grad, i, end, h, neighbours, to_value)
        i = end
