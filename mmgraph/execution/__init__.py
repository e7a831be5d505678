"""Dense forms of PyG's convolutions: the same function and weights, executed without edges."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.execution.base import DenseForm
from mmgraph.execution.gat import DenseGAT
from mmgraph.execution.gatv2 import DenseGATv2
from mmgraph.execution.sage import DenseSAGE
from mmgraph.execution.transformer import DenseTransformer
from mmgraph.relations import Stencil

__all__ = ["DenseForm", "dense_form", "run_dense", "run_near", "why_not_dense"]

_FORMS: dict[type, DenseForm] = {
    form.operator: form for form in (DenseSAGE(), DenseTransformer(), DenseGAT(), DenseGATv2())
}


def dense_form(conv: nn.Module) -> DenseForm | None:
    """Return the dense form of a PyG convolution with its options, or None without one."""
    return None if why_not_dense(conv) else _FORMS[type(conv)]


def why_not_dense(conv: nn.Module) -> str | None:
    """Say why a convolution runs on PyG's sparse code, or None when it runs densely.

    Example:
        >>> from torch_geometric.nn import GINConv
        >>> why_not_dense(GINConv(nn.Linear(8, 8)))
        'GINConv has no dense form (there are: SAGEConv, TransformerConv, GATConv, GATv2Conv)'
    """
    # A subclass may compute something else, so it does not count.
    form = _FORMS.get(type(conv))
    if form is None:
        known = ", ".join(operator.__name__ for operator in _FORMS)
        return f"{type(conv).__name__} has no dense form (there are: {known})"
    reason = form.reason(conv)
    return reason and f"{type(conv).__name__}: {reason}"


def run_dense(
    conv: nn.Module,
    source: Float[Tensor, "batch source in_source"],
    target: Float[Tensor, "batch target in_target"],
    reach: Bool[Tensor, "batch #target source"],
) -> Float[Tensor, "batch target out"]:
    """Run a PyG convolution on padded nodes.

    Args:
        conv: The convolution, which owns the weights.
        source: Padded features of the source nodes.
        target: Padded features of the target nodes; padded rows give finite nonsense.
        reach: True where a target hears a source, as made by `Relation.reach`.

    Raises:
        ValueError: The convolution has no dense form; the message says why.
    """
    form = _form_of(conv)
    if source.shape[1] == 0:
        # One node nobody hears: attention needs a column, and every weight a gradient.
        source, reach = F.pad(source, (0, 0, 0, 1)), F.pad(reach, (0, 1))
    return form.forward(conv, source, target, reach)


def run_near(
    conv: nn.Module,
    source: Float[Tensor, "batch nodes in_source"],
    target: Float[Tensor, "batch nodes in_target"],
    near: Stencil,
) -> Float[Tensor, "batch nodes out"]:
    """Run a PyG convolution on padded nodes that hear the nodes next to them.

    Args:
        conv: The convolution, which owns the weights.
        source: Padded features of the nodes, as sources.
        target: Padded features of the same nodes, as targets.
        near: The neighbours of each node, as made by `Relation.stencil`.

    Raises:
        ValueError: The convolution has no dense form; the message says why.
    """
    return _form_of(conv).forward_near(conv, source, target, near)


def _form_of(conv: nn.Module) -> DenseForm:
    form = dense_form(conv)
    if form is None:
        raise ValueError(f"cannot run densely: {why_not_dense(conv)}")
    return form
