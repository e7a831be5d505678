"""Which convolutions have a dense form."""

from __future__ import annotations

from typing import Literal

from torch import nn

from mmgraph.message_passing.base import DenseForm
from mmgraph.message_passing.convs.gat import DenseGAT
from mmgraph.message_passing.convs.gatv2 import DenseGATv2
from mmgraph.message_passing.convs.gin import DenseGIN
from mmgraph.message_passing.convs.graph_conv import DenseGraphConv
from mmgraph.message_passing.convs.hgt import DenseHGT
from mmgraph.message_passing.convs.sage import DenseSAGE
from mmgraph.message_passing.convs.transformer import DenseTransformer
from mmgraph.system.plugins import find_plugins

Execution = Literal["auto", "dense", "sparse"]

_FORMS: dict[type, DenseForm | DenseHGT] = {
    form.operator: form
    for form in (
        DenseSAGE(),
        DenseGraphConv(),
        DenseGIN(),
        DenseTransformer(),
        DenseGAT(),
        DenseGATv2(),
        DenseHGT(),
    )
}


def why_not_dense(conv: nn.Module) -> str | None:
    """Say why a convolution runs on PyG's sparse code, or None when it runs densely.

    Example:
        >>> from torch_geometric.nn import LEConv, SAGEConv
        >>> why_not_dense(SAGEConv(8, 8))
        >>> why_not_dense(LEConv(8, 8)).partition(" (")[0]
        'LEConv has no dense form'
    """
    # A subclass may compute something else, so it does not count.
    form = _find_form(type(conv))
    if form is None:
        known = ", ".join(operator.__name__ for operator in _FORMS)
        return f"{type(conv).__name__} has no dense form (there are: {known})"
    reason = form.reason(conv)
    return reason and f"{type(conv).__name__}: {reason}"


def dense_form(conv: nn.Module, execution: Execution = "auto") -> DenseForm | DenseHGT | None:
    """Return the dense form to run a convolution by, or None if PyG's code is to run it.

    Raises:
        ValueError: `execution="dense"`, and there is none; the message says why.
    """
    if execution == "sparse":
        return None
    reason = why_not_dense(conv)
    if execution == "dense" and reason:
        raise ValueError(f'cannot run with execution="dense": {reason}')
    return None if reason else _find_form(type(conv))


def _find_form(operator: type) -> DenseForm | DenseHGT | None:
    """Return mmgraph's form of an operator, or that of a plug-in."""
    if operator in _FORMS:
        return _FORMS[operator]
    kinds = find_plugins(DenseForm).values()
    return next((kind() for kind in kinds if kind.operator is operator), None)
