"""Baselines of all pooled features: what they compute, and that they leave out what they must."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from mmgraph import DataError, Features, Text
from mmgraph.comparison import make_baselines
from mmgraph.comparison.baselines import features as reading
from mmgraph.comparison.baselines import regression
from mmgraph.comparison.baselines.boosting import Boosting
from mmgraph.comparison.baselines.estimator import MOST_ROWS, NAMES, PooledBaseline
from mmgraph.comparison.baselines.joined import LogPool, Stack
from mmgraph.comparison.baselines.part import TrainingRows
from mmgraph.comparison.baselines.regression import Regression
from mmgraph.comparison.baselines.vote import Vote
from mmgraph.kinds import TaskKind
from mmgraph.modalities import Modality
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.tasks import Multiclass, Multilabel
from mmgraph.nn.tasks import Regression as Numbers

ROWS = 60


def training_rows(blocks, target, task, group=None):
    """Rows that have all modalities, one a block."""
    task.fit(target)
    count = len(target)
    features = ScaledFeatures(blocks, torch.ones(count, len(blocks), dtype=torch.bool))
    fold = torch.arange(count) % 5 if group is None else group % 5
    group = torch.arange(count) if group is None else group
    return TrainingRows(features, target, task, fold, group)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def informed(generator):
    """Two blocks that tell two classes apart, noisily, and one that tells nothing."""
    target = torch.arange(ROWS) % 2
    sign = target.unsqueeze(1) - 0.5
    noise = [torch.randn(ROWS, 6, generator=generator) for _ in range(3)]
    blocks = [sign + noise[0], sign + noise[1], noise[2]]
    return training_rows([x / 6**0.5 for x in blocks], target, Multiclass(2, balanced=False))


@pytest.fixture
def table():
    """A table with a missing value of each modality, and a row with nothing."""
    random = np.random.default_rng(0)
    label = np.arange(ROWS) % 3
    x = list(random.normal(size=(ROWS, 4)) + label[:, None])
    words = np.array(["red rose", "green leaf", "blue sky"])[label].astype(object)
    x[3] = words[4] = x[5] = words[5] = None
    return pd.DataFrame({"x": x, "text": words})


MODALITIES = [Features("x"), Text("text", features=None)]
TARGETS = {
    "multiclass": np.array(["a", "b", "c"])[np.arange(ROWS) % 3],
    "multilabel": pd.DataFrame({"a": np.arange(ROWS) % 3 < 1, "b": np.arange(ROWS) % 3 > 0}) * 1,
    "regression": np.arange(ROWS) % 3 + 0.5,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", TaskKind.__args__)
def test_all_kinds_of_targets_with_values_missing(name, kind, table, quick_baselines):
    groups = np.arange(ROWS) // 2
    model = PooledBaseline(name, MODALITIES, kind).fit(table, TARGETS[kind], groups=groups)
    predicted = model.predict(table)
    truth = np.asarray(TARGETS[kind])
    assert predicted.shape == truth.shape
    whole = np.delete(np.arange(ROWS), [3, 4, 5])
    if kind == "regression":
        assert not hasattr(model, "predict_proba")
        assert np.abs(predicted - truth)[whole].mean() < 0.4
        np.testing.assert_allclose(predicted[5], truth.mean(), rtol=1e-5)
        return
    probabilities = model.predict_proba(table)
    assert probabilities.shape == (ROWS, len(model.classes_))
    assert (predicted == truth)[whole].mean() > 0.8
    if kind == "multiclass":
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(probabilities[5], 1 / 3, rtol=1e-5)


def test_it_is_scikit_learns_logistic_regression(informed, monkeypatch):
    monkeypatch.setattr(regression, "choose_strength", lambda gram, rows: 3.0)
    model = Regression([0, 1], [0, 1])
    model.fit(informed)
    x = torch.cat(informed.features.x[:2], 1).numpy()
    # Of two classes, scikit-learn has one weight: the penalty of two opposite ones is half of it.
    theirs = LogisticRegression(C=6.0, tol=1e-8).fit(x, informed.target.numpy())
    ours = model.logits(informed.features).softmax(1)
    np.testing.assert_allclose(ours, theirs.predict_proba(x), atol=2e-3)


def test_it_is_scikit_learns_ridge_regression(generator, monkeypatch):
    monkeypatch.setattr(regression, "choose_strength", lambda gram, rows: 3.0)
    x = torch.randn(ROWS, 5, generator=generator)
    y = (x[:, :1] + torch.randn(ROWS, 1, generator=generator)).double()
    rows = training_rows([x], y, Numbers(1))
    model = Regression([0], [0])
    model.fit(rows)
    standardised = ((y - y.mean()) / y.std(correction=0)).numpy()
    theirs = Ridge(alpha=1 / 6).fit(x.numpy(), standardised)
    np.testing.assert_allclose(
        model.logits(rows.features), theirs.predict(x.numpy()).reshape(-1, 1), atol=1e-3
    )


def test_the_penalty_follows_the_signal(informed, generator):
    noise = Regression([2], [2])
    noise.fit(informed)
    both = Regression([0, 1], [0, 1])
    both.fit(informed)
    assert noise.strength < both.strength


def test_left_out_rows_are_not_fitted_on(generator, quick_baselines):
    """Labels are chance, so what is said of a left-out row cannot know its own."""
    x = torch.randn(ROWS, 200, generator=generator) / 200**0.5
    target = torch.randint(0, 2, (ROWS,), generator=generator)
    parts = [Regression([0], [0]), Boosting(), Vote([[0]]), Vote([[0]], Regression([0], [0]))]
    for part in parts:
        rows = training_rows([x], target, Multiclass(2, balanced=False))
        left = part.fit(rows)()
        assert (left.argmax(1) == target).float().mean() < 0.75, part
        assert rows.task.loss(left, target) > 0.6, part


def test_a_block_of_noise_has_little_weight(informed, quick_baselines):
    blocks = [Regression([kind], [kind]) for kind in range(3)]
    pool = LogPool(blocks)
    pooled = informed.task.loss(pool.fit(informed)(), informed.target)
    said = [each.logits(informed.features).std() for each in blocks]
    heard = pool.weights * torch.stack(said)
    assert heard[2] < 0.5 * heard[:2].min()
    assert (pool.weights >= 0).all()
    single = informed.task.loss(Regression([0], [0]).fit(informed)(), informed.target)
    assert pooled < single
    stacked = informed.task.loss(Stack(blocks).fit(informed)(), informed.target)
    assert stacked < single


def test_neighbours_of_the_same_group_do_not_vote(generator):
    """Each row has a copy in its group, and labels are chance."""
    x = torch.randn(ROWS // 2, 8, generator=generator).repeat_interleave(2, 0)
    target = torch.randint(0, 2, (ROWS // 2,), generator=generator).repeat_interleave(2)
    group = torch.arange(ROWS) // 2
    task = Multiclass(2, balanced=False)
    apart, free = Vote([[0]]), Vote([[0]])
    apart.fit(training_rows([x], target, task, group))
    free.fit(training_rows([x], target, task))
    assert apart.weights[0] < 0.5 * free.weights[0]


def test_labels_that_all_or_no_rows_have(generator):
    x = torch.randn(ROWS, 3, generator=generator)
    target = torch.stack([torch.ones(ROWS), torch.zeros(ROWS), (x[:, 0] > 0).float()], 1)
    model = Boosting()
    rows = training_rows([x], target, Multilabel(3))
    model.fit(rows)
    said = model.logits(rows.features) > 0
    assert (said == target.bool()).float().mean(0)[:2].tolist() == [1, 1]


def test_rows_are_read_once_for_all_baselines(table, quick_baselines):
    reading._readers.clear()
    first, second = (
        PooledBaseline(name, MODALITIES).fit(table, TARGETS["multiclass"]) for name in NAMES[:2]
    )
    assert second.reader_ is first.reader_
    assert first.shared_seconds_ == 0
    assert second.shared_seconds_ == first.reader_.seconds > 0
    changed = table.assign(text="other")
    other = PooledBaseline(NAMES[0], MODALITIES).fit(changed, TARGETS["multiclass"])
    assert other.reader_ is not first.reader_
    assert len(reading._readers) == 2


def test_which_there_are():
    names = [each.name for each in make_baselines([Text("text", features=None)])]
    assert names == ["TF-IDF + LR", *NAMES]
    assert [each.name for each in make_baselines([Features("x")], "regression")] == [*NAMES]


def test_none_where_nothing_is_pooled(caplog):
    class Odd(Features):
        make_pooled_features = Modality.make_pooled_features

    assert make_baselines([Odd("x")]) == []
    assert make_baselines([Features("x")], rows=MOST_ROWS + 1) == []
    assert "left out" in caplog.text
    with pytest.raises(DataError, match="expected a modality with pooled features"):
        PooledBaseline("regression", [Odd("x")]).fit(
            pd.DataFrame({"x": [[1.0], [2.0]]}), ["a", "b"]
        )


def test_mistakes(table, monkeypatch):
    y = TARGETS["multiclass"]
    with pytest.raises(DataError, match="stacking: expected training rows of two groups or more"):
        PooledBaseline("stacking", MODALITIES).fit(table, y, groups=[0] * ROWS)
    with pytest.raises(ValueError, match="there is no baseline 'stacked'; did you mean 'stacking'"):
        PooledBaseline("stacked", MODALITIES).fit(table, y)
    monkeypatch.setattr("mmgraph.comparison.baselines.estimator.MOST_ROWS", 10)
    with pytest.raises(DataError, match=r"expected at most 10 training rows.*got 60"):
        PooledBaseline("boosting", MODALITIES).fit(table, y)
