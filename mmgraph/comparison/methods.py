"""What can be compared: fusions by their names, estimators, and functions that make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmgraph.comparison.describe import describe_value
from mmgraph.errors import DataError, unknown_name
from mmgraph.estimator import MultimodalEstimator
from mmgraph.estimator.arguments import SHORTCUTS
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.fusion.names import fusions

#: Name of the graph with the linear model beside it: the estimator as it comes.
DEFAULT = "mmgraph"

#: A name, an estimator that was not fitted, or a function of the seed that makes one.
MethodLike = Any


@dataclass(frozen=True, eq=False)
class Method:
    """A way to predict, which makes a new estimator for each seed.

    Args:
        name: What tables call it.
        make: Maps a seed to an estimator that was not fitted.
        seeded: Whether the seed changes anything; other methods run once a fold.
    """

    name: str
    make: Callable[[int], Any]
    seeded: bool = True

    def describe(self, seed: int) -> Any:
        """Return what tells the estimator of a seed from others, as JSON."""
        return describe_value(self.make(seed))


def read_methods(
    given: Sequence[str] | Mapping[str, MethodLike], template: MultimodalEstimator
) -> list[Method]:
    """Return the methods of some names, or of estimators and functions by name.

    Args:
        given: Names of fusions, or what makes estimators by names of one's own.
        template: Estimator whose settings the named methods share.

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
    return [_read_method(name, value, template) for name, value in pairs]


def _read_method(name: str, value: MethodLike, template: MultimodalEstimator) -> Method:
    if isinstance(value, str):
        return Method(name, _named(value, template))
    if hasattr(value, "fit") and hasattr(value, "get_params") and not isinstance(value, type):
        return Method(name, lambda seed: _seeded(value, seed), "random_state" in value.get_params())
    if callable(value):
        return Method(name, value)
    raise DataError(
        f"methods: expected for {name!r} the name of a fusion, an estimator, or a function of the "
        f"seed that makes one, got {value!r}"
    )


def _named(name: str, template: MultimodalEstimator) -> Callable[[int], MultimodalEstimator]:
    known: dict[str, type[Fusion]] = {DEFAULT: GraphFusion, **fusions()}
    if name not in known:
        raise DataError(f"methods: {unknown_name('method', name, known)}")
    # What the template says of its fusion is for others as far as they have something of the kind.
    changed: dict[str, Any] = dict.fromkeys(SHORTCUTS["fusion"])
    changed["fusion"] = template.chosen_fusion.taken_by(known[name])
    if name == DEFAULT:
        changed["linear"] = True
    return lambda seed: _seeded(template, seed, **changed)


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
        return int(estimator.num_parameters_)
    if isinstance(estimator, MultimodalEstimator):
        return sum(each.numel() for each in estimator.model_.parameters() if each.requires_grad)
    if hasattr(estimator, "steps"):
        counts = [count_parameters(step) for _, step in estimator.steps]
        return sum(filter(None, counts)) if any(counts) else None
    if hasattr(estimator, "coef_"):
        return int(estimator.coef_.size + getattr(estimator.intercept_, "size", 1))
    return None
