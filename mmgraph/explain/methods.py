"""The methods by name."""

from __future__ import annotations

from typing import Literal

from mmgraph.errors import DataError
from mmgraph.explain.base import Explainer
from mmgraph.explain.counterfactual import Counterfactual
from mmgraph.explain.gradient import GradientInput
from mmgraph.explain.integrated import IntegratedGradients
from mmgraph.explain.occlusion import Occlusion
from mmgraph.explain.pyg import PyGExplainer
from mmgraph.explain.relevance import AttentionGradient
from mmgraph.explain.rollout import AttentionRollout
from mmgraph.explain.shapley import Shapley
from mmgraph.system.plugins import find_plugins

#: The method used where none is named: the best areas on openclipart's validation rows, see
#: docs/explanations.md.
DEFAULT = "integrated_gradients"

Method = Literal[
    "attention_gradient",
    "attention_rollout",
    "counterfactual",
    "gnn_explainer",
    "gradient",
    "integrated_gradients",
    "occlusion",
    "shapley",
]

EXPLAINERS: dict[str, type[Explainer]] = {
    each.name: each
    for each in (
        AttentionGradient,
        AttentionRollout,
        Counterfactual,
        GradientInput,
        IntegratedGradients,
        Occlusion,
        PyGExplainer,
        Shapley,
    )
}


def find_explainer(method: str | Explainer) -> Explainer:
    """Return the explainer of a name with its defaults, or the one given; plug-ins included.

    Raises:
        DataError: There is no such method.

    Example:
        >>> find_explainer("occlusion")
        Occlusion()
    """
    if isinstance(method, Explainer):
        return method
    plugins = find_plugins(Explainer).values()
    known = {each.name: each for each in plugins} | EXPLAINERS
    if method not in known:
        raise DataError(f"expected a method of {sorted(known)}, got {method!r}")
    return known[method]()
