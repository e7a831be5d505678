"""The operators a program of a stranger may use.

A program file names its operators. Torch's own reader takes any function that can be reached from
`torch` or `operator` for one, `os.system` among them, and not all of its real operators check
their tensors. Admitted is torch's core set (https://pytorch.org/docs/stable/torch.compiler_ir.html)
and what networks are written in before they are brought into it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import torch

from mmgraph.errors import DataError

_ATEN = re.compile(r"torch\.ops\.aten\.([a-zA-Z0-9]\w*|_\w+)\.(\w+)")

#: Operators of numbers: of sizes, which are Python's here.
_PLAIN: dict[str, Callable[..., Any]] = {
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in (
            *("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "getitem"),
            *("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "not_"),
        )
    },
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")},
    **{
        f"torch.sym_{name}": getattr(torch, f"sym_{name}")
        for name in ("max", "min", "int", "float", "not", "ite", "sum")
    },
}

#: Beyond the core set, without a name's last underscore, which says that it works in place.
_NAMES = """
__and__ __iand__ __ior__ __ixor__ __or__ __xor__ _assert_scalar _assert_tensor_metadata
_convolution _log_softmax _native_batch_norm_legit_no_training _softmax _to_copy _unsafe_view
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
adaptive_max_pool2d affine_grid_generator all aminmax any arange argsort argwhere atleast_1d
atleast_2d avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bernoulli bilinear bincount
bitwise_and block_diag broadcast_tensors broadcast_to bucketize cartesian_prod cdist celu chunk
clamp_max clamp_min clip clone col2im column_stack concat concatenate constant_pad_nd contiguous
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution copy
cosine_similarity count_nonzero cross cummax cummin cumprod cumsum detach diag diag_embed
diagonal dist div divide dot dropout einsum embedding empty empty_like equal erf exp2 expand
expand_as eye feature_dropout fill flatten flip floor_divide fmod frac full full_like gather
gelu glu greater greater_equal grid_sampler group_norm gru gru_cell hardshrink hardsigmoid
hardswish hardtanh hstack hypot im2col index_add index_copy index_fill index_reduce inner
instance_norm is_nonzero isclose isfinite isinf isnan item layer_norm leaky_relu lerp less
less_equal lgamma lift_fresh lift_fresh_copy linalg_norm linalg_vector_norm linear linspace
log10 log2 log_sigmoid log_softmax logaddexp logcumsumexp logical_and logical_or logit logsumexp
lstm lstm_cell mH mT masked_fill masked_scatter masked_select matmul max_pool1d max_pool2d
max_pool3d maximum mean median meshgrid minimum mish moveaxis movedim mse_loss multiply mv
nan_to_num nanmedian nansum narrow negative new_empty new_full new_ones new_zeros nonzero norm
normal not_equal nuclear_norm numpy_T one_hot ones ones_like outer pad pairwise_distance permute
pixel_shuffle pixel_unshuffle positive prelu prod quantile ravel reflection_pad1d
reflection_pad2d relu6 remainder renorm repeat repeat_interleave replication_pad1d
replication_pad2d reshape reshape_as rms_norm rnn_relu rnn_tanh roll rot90 rrelu rsub
scaled_dot_product_attention scatter_reduce searchsorted select selu sgn sigmoid silu slice
softmax softplus softshrink split split_with_sizes square squeeze stack std std_mean sub
subtract sum swapaxes swapdims sym_constrain_range sym_constrain_range_for_size sym_numel
sym_size sym_storage_offset sym_stride t take take_along_dim tensor_split tile to trace
transpose trapezoid tril tril_indices triu triu_indices true_divide trunc type_as unbind
unflatten unfold unsafe_chunk unsafe_split upsample_bicubic2d upsample_bilinear2d
upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_trilinear3d var var_mean vdot
view view_as vstack where xlogy zero zeros zeros_like
"""
_ADMITTED = frozenset(_NAMES.split())


def find_operator(target: str) -> Callable[..., Any]:
    """Return an operator by its name in a program file, such as "torch.ops.aten.add.Tensor".

    Raises:
        DataError: It is not admitted, or this version of torch has no such operator.
    """
    if target in _PLAIN:
        return _PLAIN[target]
    found = _ATEN.fullmatch(target)
    name, overload = found.groups() if found else ("", "")
    packet = getattr(torch.ops.aten, name, None) if _is_admitted(name) else None
    if packet is None or overload not in packet.overloads() or "out" in overload.split("_"):
        raise DataError(
            f"uses the operator {target!r:.100}, which is none of those known to be safe; load it "
            "with trusted=True if you trust whoever made it"
        )
    resolved: Callable[..., Any] = getattr(packet, overload)
    return resolved


def _is_admitted(name: str) -> bool:
    base = name if name.startswith("__") else name.removesuffix("_")
    return base in _ADMITTED or _is_core(base)


def _is_core(name: str) -> bool:
    packet = getattr(torch.ops.aten, name, None) if name else None
    if packet is None or not isinstance(packet, torch._ops.OpOverloadPacket):
        return False
    return any(torch.Tag.core in getattr(packet, each).tags for each in packet.overloads())
