import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import DataError
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.faithfulness import compare_explainers, curves, measure, measure_faithfulness
from mmgraph.explain.occlusion import Occlusion
from mmgraph.explain.record import NodeScore
from mmgraph.explain.samples import read_samples
from mmgraph.explain.units import Sample
from mmgraph.modalities.base import Place
from mmgraph.nn.tasks import Multiclass, Regression


class Model:
    def __init__(self, task):
        self.task = task


class Weighed(Sample):
    """A row whose units add what they weigh to the logit of the last output."""

    def __init__(self, weight, task):
        self.weight = torch.tensor(weight)
        self.model = Model(task)
        self.logits = self.subsets(torch.ones(1, len(weight), dtype=torch.bool))[0]

    @property
    def units(self):
        return len(self.weight)

    def subsets(self, kept):
        second = kept.float() @ self.weight
        zero = torch.zeros_like(second)
        return torch.stack([zero, second][-self.model.task.outputs :], dim=1)


def explained(scores, target):
    nodes = [NodeScore("text", "text", 0, n, Place(str(n)), s) for n, s in enumerate(scores)]
    return Explanation(
        "0", "x", "multiclass", ["a", "b"], [0.5, 0.5], target, 0.0, None, True, nodes
    )


def test_curves_by_hand():
    row = Weighed([1.0, 4.0, 2.0], Regression(1))
    found = curves(row, 0, torch.tensor([0.1, 0.9, 0.5]))
    np.testing.assert_allclose(found.share, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(found.deletion, [7, 3, 1, 0])
    np.testing.assert_allclose(found.insertion, [0, 4, 6, 7])


def test_measures_by_hand():
    row = Weighed([1.0, 4.0, 2.0], Regression(1))
    found = measure(row, [explained([0.1, 0.9, 0.5], 0)])[0]
    assert found["deletion"] == pytest.approx((7 / 2 + 3 + 1) / 3)
    assert found["insertion"] == pytest.approx((4 + 6 + 7 / 2) / 3)
    # Of three units, up to 20% is one, and 50% are two.
    assert found["comprehensiveness"] == pytest.approx((4 * 4 + 6) / 5)
    assert found["sufficiency"] == pytest.approx((4 * 3 + 1) / 5)
    # Random orders take 7/3 each time, on average.
    assert found["deletion_random"] == pytest.approx(3.5, abs=0.6)
    assert "fidelity_plus" not in found
    worst = measure(row, [explained([-0.1, -0.9, -0.5], 0)])[0]
    assert worst["deletion"] > found["deletion_random"] > found["deletion"]
    assert worst["deletion_random"] == found["deletion_random"]


def test_predictions_that_change():
    row = Weighed([3.0, -1.0, -1.0, 0.5, -1.0], Multiclass(2))
    found = measure(row, [explained([3.0, -1.0, -1.0, 0.5, -1.0], 1)])[0]
    assert found["fidelity_plus"] == 1  # without the first it is another class
    assert found["fidelity_minus"] == 0  # the first alone is enough
    assert 0 < found["fidelity_plus_random"] < 1
    assert found["insertion"] > found["insertion_random"]


def test_many_units_take_few_points():
    row = Weighed([1.0] * 100, Regression(1))
    assert len(curves(row, 0, torch.arange(100.0)).share) == 11
    # All units are alike, so that no order is better than another.
    found = measure(row, [explained([float(n) for n in range(100)], 0)])[0]
    for name in ("deletion", "insertion", "comprehensiveness", "sufficiency"):
        assert found[name] == pytest.approx(found[f"{name}_random"], abs=1e-5)


def test_explanations_carry_it(mixed, small):
    rows = mixed[0].iloc[[12, 5]]
    carried = small.explain(rows, method="occlusion", faithfulness=True)
    later = measure_faithfulness(small, rows, small.explain(rows, method="occlusion"))
    assert carried[0].faithfulness == pytest.approx(later[0].faithfulness)
    assert carried[1].faithfulness == {}  # there is nothing in the row
    assert carried[0].to_json()["faithfulness"].keys() == carried[0].faithfulness.keys()
    with pytest.raises(DataError, match="each of 2 rows, got 1"):
        measure_faithfulness(small, rows, later[:1])


def test_comparison(mixed, small):
    rows = mixed[0].iloc[[12, 5]]
    table = compare_explainers(small, rows, methods=["gradient", Occlusion()])
    assert table.columns.tolist() == ["method", "metric", "mean", "random", "better"]
    assert table["method"].unique().tolist() == ["gradient", "occlusion"]
    assert len(table) == 2 * 6
    samples = [each for each in read_samples(small, rows) if each.units]
    expected = [
        measure(sample, [each])[0]
        for sample, each in zip(
            samples, small.explain(rows.iloc[:1], method="occlusion"), strict=True
        )
    ]
    row = table[(table["method"] == "occlusion") & (table["metric"] == "deletion")].iloc[0]
    assert row["mean"] == pytest.approx(np.mean([each["deletion"] for each in expected]))
    better = np.mean([each["deletion"] < each["deletion_random"] for each in expected])
    assert row["better"] == pytest.approx(better)
    same = table.pivot(index="metric", columns="method", values="random")
    pd.testing.assert_series_equal(same["gradient"], same["occlusion"], check_names=False)
