"""How true explanations are: what happens when the units they name are taken away, or kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.explain.base import Explainer
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.function_model import FunctionModel
from mmgraph.explain.methods import find_explainer
from mmgraph.explain.samples import explain_sample, find_output, output_names, read_rows
from mmgraph.explain.unit_row import UnitRow
from mmgraph.fitted import Fitted, fitted_model
from mmgraph.tables.opening import read_frame

if TYPE_CHECKING:
    import pandas as pd

#: Most points of a curve, the two ends included.
_POINTS = 11

#: Random orders that each explanation is compared with.
_RANDOM_ORDERS = 8

#: Shares of the units that comprehensiveness and sufficiency take the mean over.
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)

#: Share of the units that fidelity takes for the explanation.
_EXPLANATION = 0.2

#: For each metric, whether more is better.
HIGHER_IS_BETTER = {
    "deletion": False,
    "insertion": True,
    "comprehensiveness": True,
    "sufficiency": False,
    "fidelity_plus": True,
    "fidelity_minus": False,
}


@dataclass(frozen=True, eq=False)
class Curves:
    """What the model says of the target while units go, or come, in order of their scores.

    Args:
        share: Share of the units that are gone, or there.
        deletion: Value of the target with that share taken away, highest scores first.
        insertion: Value of the target with that share alone, highest scores first.
    """

    share: Float[np.ndarray, "points"]
    deletion: Float[np.ndarray, "points"]
    insertion: Float[np.ndarray, "points"]


def curves(sample: UnitRow, target: int, scores: Float[Tensor, "units"]) -> Curves:
    """Return the deletion and the insertion curve of one row.

    From https://arxiv.org/abs/1806.07421. The value is the probability of a class or label; for
    numbers it is the value in standard deviations of the training targets.
    """
    order = _order(scores)
    counts = _counts(sample.units)
    value = _values(sample, target, _first(order, counts))
    return Curves(counts.numpy() / sample.units, value[0].numpy(), value[1].numpy())


def measure(sample: UnitRow, explanations: Sequence[Explanation]) -> list[dict[str, float]]:
    r"""Return how true explanations of one output of one row are, by metric.

    - `deletion`, `insertion`: areas below the curves of `curves`. Less, and more, is better.
    - `comprehensiveness` (more is better): mean fall of the target's value without the best 1,
      5, 10, 20 or 50% of the units; `sufficiency` (less is better): mean fall with these alone
      (https://arxiv.org/abs/1911.03429).
    - `fidelity_plus`, `fidelity_minus`: 1 where the prediction of the target is another one
      without the best 20% of the units, and with these alone
      (https://arxiv.org/abs/2206.09677); left out for numbers.

    Each has a mean over random orders of the same row beside it, under its name with `_random`.

    Args:
        sample: The row.
        explanations: Its explanations by several methods, or one.
    """
    if not sample.units:
        return [{} for _ in explanations]
    (target,) = {each.target for each in explanations}
    generator = torch.Generator().manual_seed(0)
    random = [torch.randperm(sample.units, generator=generator) for _ in range(_RANDOM_ORDERS)]
    orders = torch.stack([*(_order(unit_scores(each)) for each in explanations), *random])
    measured = _metrics(sample, target, orders)
    return [
        {
            key: float(value)
            for name, values in measured.items()
            for key, value in (
                (name, values[number]),
                (f"{name}_random", values[len(explanations) :].mean()),
            )
        }
        for number in range(len(explanations))
    ]


def unit_scores(explanation: Explanation) -> Float[Tensor, "units"]:
    """Return the scores of the nodes that stand for inputs."""
    return torch.tensor([node.score for node in explanation.nodes if node.is_input])


def measure_faithfulness(
    estimator: Fitted | FunctionModel, X: Any, explanations: Sequence[Explanation]
) -> list[Explanation]:
    """Return explanations with their faithfulness, see `measure`.

    Args:
        estimator: What was explained: an estimator, its `FittedModel`, or any function.
        X: The rows, in the order of the explanations.
        explanations: What `estimator.explain(X)` returned.

    Raises:
        DataError: A cell cannot be read, or there are not as many explanations as rows.
    """
    frame = read_frame(X)
    if len(frame) != len(explanations):
        raise DataError(
            f"expected an explanation of each of {len(frame)} rows, got {len(explanations)}"
        )
    samples = read_rows(estimator, frame)
    return [
        each.with_faithfulness(measure(sample, [each])[0])
        for sample, each in zip(samples, explanations, strict=True)
    ]


def compare_explainers(
    estimator: Fitted | FunctionModel,
    X: Any,
    *,
    methods: Sequence[str | Explainer],
    target: Any = None,
) -> pd.DataFrame:
    """Return how true several methods are on the same rows.

    Args:
        estimator: A fitted classifier or regressor, its `FittedModel`, or any function.
        X: Rows; those without any input are left out.
        methods: Names of methods, or explainers.
        target: As for `explain`.

    Returns:
        A row for each method and metric: `mean`, `random` (the mean of random orders), and
        `better`, the share of the rows on which the method is better than these (ties count
        half). Fidelities take few values, so that their ties are many.

    Raises:
        DataError: A cell cannot be read, there is no such output, or a method does not suit the
            model.
    """
    import pandas as pd

    explained = estimator if isinstance(estimator, FunctionModel) else fitted_model(estimator)
    samples = read_rows(explained, read_frame(X))
    names, number = output_names(explained), find_output(explained, target)
    measured: list[dict[str, Any]] = []
    explainers = [find_explainer(method) for method in methods]
    for sample in samples:
        if not sample.units:
            continue
        found = [explain_sample(sample, e, target=number, outputs=names) for e in explainers]
        for explanation, result in zip(found, measure(sample, found), strict=True):
            measured += _compared(explanation.method, result)
    frame = pd.DataFrame(measured, columns=["method", "metric", "mean", "random", "better"])
    return frame.groupby(["method", "metric"], sort=False, as_index=False).mean()


def _compared(method: str, measured: dict[str, float]) -> list[dict[str, Any]]:
    """Return each metric of an explanation beside that of random orders."""
    return [
        {
            "method": method,
            "metric": name,
            "mean": measured[name],
            "random": measured[f"{name}_random"],
            "better": _better(name, measured[name], measured[f"{name}_random"]),
        }
        for name in HIGHER_IS_BETTER
        if name in measured
    ]


def _better(metric: str, value: float, random: float) -> float:
    gain = value - random if HIGHER_IS_BETTER[metric] else random - value
    return 0.5 if abs(gain) < 1e-9 else float(gain > 0)


def _order(scores: Float[Tensor, "units"]) -> Int[Tensor, "units"]:
    return scores.argsort(descending=True, stable=True)


def _counts(units: int) -> Int[Tensor, "points"]:
    """Return how many units are gone at each point of a curve."""
    return torch.linspace(0, units, min(units + 1, _POINTS)).round().long()


def _first(
    order: Int[Tensor, "*orders units"], counts: Int[Tensor, "points"]
) -> Bool[Tensor, "*orders points units"]:
    """True for the first so many units of an order, for each count."""
    return order.argsort(-1).unsqueeze(-2) < counts.unsqueeze(1)


def _values(
    sample: UnitRow, target: int, chosen: Bool[Tensor, "*points units"]
) -> Float[Tensor, "2 *points"]:
    """Return the target's value without the chosen units, and with these alone."""
    both = torch.stack([~chosen, chosen])
    logits = sample.subsets(both.flatten(0, -2))
    return _value(sample, logits, target).view(both.shape[:-1])


def _value(
    sample: UnitRow, logits: Float[Tensor, "rows outputs"], target: int
) -> Float[Tensor, "rows"]:
    return sample.task.comparable(logits)[:, target]


def _metrics(
    sample: UnitRow, target: int, orders: Int[Tensor, "orders units"]
) -> dict[str, Float[Tensor, "orders"]]:
    """Return all metrics for each order, from one batch."""
    units = sample.units
    points, shares = _counts(units), torch.tensor(_SHARES)
    best = torch.tensor([max(1, round(_EXPLANATION * units))])
    wanted = torch.cat([points, (shares * units).ceil().long(), best])
    counts, place = wanted.unique(return_inverse=True)
    chosen = _first(orders, counts)
    both = torch.stack([~chosen, chosen])  # [2, orders, counts, units]
    logits = sample.subsets(both.flatten(0, 2)).unflatten(0, both.shape[:3])[:, :, place]
    value = _value(sample, logits.flatten(0, 2), target).view(logits.shape[:3])
    whole = _value(sample, sample.logits.unsqueeze(0), target)
    curve, top, _ = value.split([len(points), len(shares), 1], dim=2)
    area = torch.trapezoid(curve, points / units, dim=2)
    fall = (whole - top).mean(2)
    result = {
        "deletion": area[0],
        "insertion": area[1],
        "comprehensiveness": fall[0],
        "sufficiency": fall[1],
    }
    changed = _changed(sample, logits[:, :, -1], target)
    if changed is not None:
        result |= {"fidelity_plus": changed[0], "fidelity_minus": changed[1]}
    return result


def _changed(
    sample: UnitRow, logits: Float[Tensor, "2 orders outputs"], target: int
) -> Float[Tensor, "2 orders"] | None:
    """Say where a prediction is another one than that of the whole row; None for numbers."""
    changed = sample.task.changed(logits, sample.logits, target)
    return None if changed is None else changed.float()
