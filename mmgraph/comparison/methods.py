"""What can be compared: fusions and baselines by name, estimators, and functions that make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmgraph.comparison.baselines.choice import make_pooled
from mmgraph.comparison.baselines.estimator import NAMES
from mmgraph.comparison.method import Method
from mmgraph.errors import DataError, unknown_name
from mmgraph.estimator import MultimodalEstimator
from mmgraph.estimator.arguments import SHORTCUTS
from mmgraph.kinds import TaskKind
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.fusion.names import fusions

#: Name of the estimator with its default parts: graph, linear model and neighbours.
DEFAULT = "mmgraph"

#: mmgraph with all its parts, and without some of them: what each changes of the template.
OWN: dict[str, dict[str, Any]] = {
    DEFAULT: {"graph": "auto", "linear": True, "neighbours": True},
    "graph+linear": {"graph": "auto", "linear": True, "neighbours": False},
    "linear+neighbours": {"graph": False, "linear": True, "neighbours": True},
    "linear": {"graph": False, "linear": True, "neighbours": False},
}
#: A name, an estimator that was not fitted, or a function of the seed that makes one.
MethodLike = Any


def read_methods(
    given: Sequence[str] | Mapping[str, MethodLike],
    template: MultimodalEstimator,
    kind: TaskKind = "multiclass",
) -> list[Method]:
    """Return the methods of some names, or of estimators and functions by name.

    Args:
        given: Names of methods, or what makes estimators by the caller's own names.
        template: Estimator whose settings the named methods share.
        kind: "multiclass", "multilabel" or "regression", which baselines must know.

    Raises:
        DataError: A name is unknown or there twice, or a value makes no estimator.
    """
    if isinstance(given, str):
        raise DataError(f"methods: expected a list of names, got {given!r}; write [{given!r}]")
    pairs = list(given.items()) if isinstance(given, Mapping) else [(name, name) for name in given]
    names = [name for name, _ in pairs]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"methods: {repeated[0]!r} is there twice; give one another name")
    return [_read_method(name, value, template, kind) for name, value in pairs]


def _read_method(
    name: str, value: MethodLike, template: MultimodalEstimator, kind: TaskKind
) -> Method:
    if isinstance(value, str):
        return _named(name, value, template, kind)
    if hasattr(value, "fit") and hasattr(value, "get_params") and not isinstance(value, type):
        return Method(name, lambda seed: _seeded(value, seed), "random_state" in value.get_params())
    if callable(value):
        return Method(name, value)
    raise DataError(
        f"methods: expected for {name!r} the name of a method, an estimator, or a function of the "
        f"seed that makes one, got {value!r}"
    )


def _named(name: str, known_as: str, template: MultimodalEstimator, kind: TaskKind) -> Method:
    """Return a method that is known by its name, under another one if need be."""
    known: dict[str, type[Fusion]] = {**dict.fromkeys(OWN, GraphFusion), **fusions()}
    if known_as in NAMES:
        pooled = make_pooled(known_as, template.modalities or [], kind)
        return replace(pooled, name=name)
    if known_as not in known:
        raise DataError(f"methods: {unknown_name('method', known_as, [*known, *NAMES])}")
    # What the template says of its fusion is for others as far as they have something of the kind.
    changed: dict[str, Any] = dict.fromkeys(SHORTCUTS["fusion"])
    changed["fusion"] = template.chosen_fusion.taken_by(known[known_as])
    if known_as in OWN:
        changed |= OWN[known_as]
        if not changed["graph"]:
            changed["fusion"] = "graph"  # of which nothing is trained
    return Method(name, lambda seed: _seeded(template, seed, **changed))


def _seeded(estimator: Any, seed: int, **changed: Any) -> Any:
    """Return a copy that was not fitted, with the seed where it takes one."""
    from sklearn.base import clone

    copy = clone(estimator)
    if "random_state" in copy.get_params():
        changed["random_state"] = seed
    return copy.set_params(**changed)


def count_parameters(estimator: Any) -> int | None:
    """Return how many numbers were fitted: trained weights, and coefficients of scikit-learn.

    None where nothing is known of the estimator.
    """
    if hasattr(estimator, "num_parameters_"):
        fitted = estimator.num_parameters_
        return None if fitted is None else int(fitted)
    if isinstance(estimator, MultimodalEstimator):
        return sum(each.numel() for each in estimator.model_.parameters() if each.requires_grad)
    if hasattr(estimator, "steps"):
        counts = [count_parameters(step) for _, step in estimator.steps]
        return sum(filter(None, counts)) if any(counts) else None
    if hasattr(estimator, "coef_"):
        return int(estimator.coef_.size + getattr(estimator.intercept_, "size", 1))
    return None
