"""What an explainer promises."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from mmgraph.estimator import MultimodalEstimator, MultimodalGraphClassifier
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.units import Sample
from mmgraph.modalities.features import Features
from mmgraph.testing.expect import equal, expect

if TYPE_CHECKING:
    import pandas as pd

#: How far scores may sum to something else than the logit less the base, relative to it.
_SUM = 0.01


def check_explainer(
    explainer: Explainer, estimator: MultimodalEstimator | None = None, rows: Any = None
) -> None:
    """Check that an explainer keeps what `Explainer` promises.

    It has a name, and gives each unit of a row one finite score; scores sum to the logit less
    the base where it names one; edges have one importance each; another run gives the same, and
    another output something else; a row that lacks a modality is explained as well; and the
    model stays as it was.

    Args:
        explainer: The explainer.
        estimator: A fitted estimator of two outputs or more that it suits; None: a small graph
            with a linear model.
        rows: Rows for it to explain.

    Raises:
        AssertionError: A promise is broken; the message says which and how to mend it.

    Example:
        >>> from mmgraph.explain import Occlusion
        >>> check_explainer(Occlusion())
    """
    _check_class(explainer)
    with torch.random.fork_rng(devices=[]):
        if estimator is None:
            table = _make_table()
            estimator, rows = _fit(table), table.iloc[[0, 3, 4]]
        expect(rows is not None, "check_explainer: give rows for the estimator to explain")
        before = _state(estimator)
        _explain(explainer, estimator, rows)
        for name, now in _state(estimator).items():
            expect(
                equal(before[name], now),
                f"the model's {name} changed; take gradients by torch.autograd.grad, and remove "
                "hooks, or work on a copy",
            )


def _check_class(explainer: Explainer) -> None:
    cls = type(explainer)
    expect(isinstance(explainer, Explainer), f"{cls.__name__} is no subclass of Explainer")
    name = getattr(cls, "name", None)
    expect(
        isinstance(name, str) and bool(name),
        f'{cls.__name__}.name is {name!r}, expected what `method=` calls it; set name = "..." in '
        "the class",
    )
    expect(
        isinstance(cls.signed, bool),
        f"{cls.__name__}.signed is {cls.signed!r}, expected True, or False where scores only tell "
        "how much units matter",
    )
    expect(
        dataclasses.is_dataclass(explainer) or not vars(explainer),
        f"{cls.__name__} has settings and is no dataclass; add @dataclass(frozen=True), and name "
        "them as its fields",
    )


def _make_table() -> pd.DataFrame:
    import pandas as pd

    random = np.random.default_rng(0)
    steps = [random.normal(size=(2 + row % 3, 3)) + row % 2 for row in range(12)]
    vector = [random.normal(size=2) - row % 2 if row % 4 != 3 else None for row in range(12)]
    return pd.DataFrame({"steps": steps, "vector": vector})


def _fit(table: pd.DataFrame) -> MultimodalEstimator:
    return MultimodalGraphClassifier(
        [Features("steps"), Features("vector")],
        channels=8,
        num_layers=1,
        epochs=3,
        validation=0.0,
        verbose=False,
    ).fit(table, np.array(["one", "other"])[np.arange(len(table)) % 2])


@dataclass(frozen=True)
class _Watched(Explainer):
    """An explainer of which every answer is looked at."""

    name: ClassVar[str] = "watched"
    inner: Explainer

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return what the explainer says, after a look at it."""
        found: Any = self.inner.attribute(sample, target)
        _check_attribution(self.inner, sample, target, found)
        again = self.inner.attribute(sample, target)
        same = torch.allclose(found.scores, again.scores, atol=1e-5, rtol=1e-3)
        expect(same, "the same row and output have other scores in another run; fix a seed")
        attribution: Attribution = found
        return attribution


def _explain(explainer: Explainer, estimator: MultimodalEstimator, rows: Any) -> None:
    outputs = list(getattr(estimator, "classes_", range(estimator.model_.task.outputs)))
    watched = _Watched(explainer)
    with torch.no_grad():  # as servers call it
        one, other = (estimator.explain(rows, method=watched, target=each) for each in outputs[:2])
    differ = any(not np.allclose(a.scores, b.scores) for a, b in zip(one, other, strict=True))
    expect(
        differ or not explainer.signed,
        "two outputs have the same scores; explain the output of number `target`, or say "
        "signed = False",
    )
    for explanation in estimator.explain(rows, method=explainer):
        expect(
            explanation.method == type(explainer).name,
            f"explanations are of the method {explanation.method!r}, not {type(explainer).name!r}",
        )


def _check_attribution(explainer: Explainer, sample: Sample, target: int, found: Any) -> None:
    expect(
        isinstance(found, Attribution),
        f"attribute returns {type(found).__name__}; return an Attribution",
    )
    shape = tuple(found.scores.shape)
    expect(
        shape == (sample.units,),
        f"scores have the shape {shape}, expected one for each of {sample.units} units",
    )
    expect(not found.scores.requires_grad, "scores carry gradients; return scores.detach()")
    expect(bool(found.scores.isfinite().all()), "scores are not finite")
    expect(
        explainer.signed or bool((found.scores >= 0).all()),
        "scores are negative, but signed is False; say signed = True, or give sizes",
    )
    if found.base is not None:
        total = float(sample.logits[target]) - found.base
        error = abs(float(found.scores.sum()) - total)
        expect(
            math.isfinite(error) and error <= _SUM * max(1.0, abs(total)),
            f"scores sum to {float(found.scores.sum()):.4f}, expected the logit less the base, "
            f"{total:.4f}; leave base=None where they are not meant to",
        )
    _check_edges(sample, found)


def _check_edges(sample: Sample, found: Attribution) -> None:
    if found.edges is None:
        return
    graph = sample.graph
    if graph is None:
        raise AssertionError("the model has no graph, but edges are scored; leave edges=None")
    wanted = {kind: (edges.shape[1],) for kind, edges in graph.edge_index_dict().items()}
    given = {kind: tuple(scores.shape) for kind, scores in found.edges.items()}
    wrong = {kind: shape for kind, shape in given.items() if shape != wanted.get(kind)}
    expect(
        not wrong,
        f"edges have the shapes {wrong}, expected one importance for each edge of "
        "graph.edge_index_dict()",
    )


def _state(estimator: MultimodalEstimator) -> dict[str, Any]:
    """Return copies of all that an explainer must leave as it was."""
    model = estimator.model_
    return {
        "weights": {name: value.clone() for name, value in model.state_dict().items()},
        "training mode": [module.training for module in model.modules()],
        "requires_grad": [each.requires_grad for each in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "hooks": [_hooks(module) for module in model.modules()],
        "execution": [getattr(module, "execution", None) for module in model.modules()],
    }


def _hooks(module: torch.nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_message_forward_hooks")
    return sum(len(getattr(module, kind, ())) for kind in kinds)
