import json

import numpy as np
import pandas as pd
import pytest
import torch
from tolerance import SMALL, rounding

from mmgraph import (
    DataError,
    Features,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    diagnose,
    hide,
)
from mmgraph.diagnosis.encoded import EncodedRows
from mmgraph.nn.fusion import ConcatFusion


@pytest.fixture(scope="module")
def additive(additive_task):
    return diagnose(*additive_task, draws=200)


@pytest.fixture(scope="module")
def xor(xor_task):
    return diagnose(*xor_task, emap_rows=40, draws=200)


def test_additive_task_needs_no_interaction(additive_task, additive):
    model, frame, label = additive_task
    score = additive.get("score")
    assert score.value == model.score(frame, label) > 0.95
    assert score.rows == 100
    assert abs(additive.get("interaction").value) <= 0.01
    assert additive.get("emap").rows == 100
    for name in ("word", "vector"):
        assert additive.get("alone", name).value == pytest.approx(0.5, abs=0.1)
        assert additive.get("shapley", name).value == pytest.approx(0.375, abs=0.1)
        assert additive.get("permuted", name).value == pytest.approx(0.5, abs=0.1)
    assert "Nearly all of the model's accuracy is additive" in additive.verdict
    assert "Warning" not in additive.verdict


def test_exclusive_or_is_all_interaction(xor_task, xor):
    model, frame, number = xor_task
    assert xor.get("score").value == pytest.approx(model.score(frame, number), abs=1e-5)
    assert xor.get("score").value > 0.9
    assert xor.get("emap").rows == 40
    assert xor.get("emap").value == pytest.approx(0, abs=0.15)
    assert xor.get("interaction").value > 0.75
    assert xor.get("edges_shuffled").rows == 60
    assert xor.find("linear_model") is None
    assert "Most of what the model learnt is interaction" in xor.verdict


@pytest.mark.parametrize("task", ["additive", "xor"])
def test_shares_sum_to_what_is_gained_over_nothing(task, request):
    diagnosis = request.getfixturevalue(task)
    shares = [diagnosis.get("shapley", name).value for name in diagnosis.modalities]
    gain = diagnosis.get("score").value - diagnosis.get("nothing").value
    assert sum(shares) == pytest.approx(gain, abs=1e-12)


def test_hidden_is_what_is_missing_from_the_table(additive_task, additive):
    model, frame, label = additive_task
    without = hide(frame, "word", 1.0, seed=0)
    assert additive.get("alone", "vector").value == model.score(without, label)
    loss = model.score(frame, label) - model.score(without, label)
    assert additive.get("hidden", "word").value == pytest.approx(loss)


@pytest.mark.filterwarnings("ignore:.*no input in any modality")
def test_rows_put_together_are_rows_of_a_table(additive_task):
    model, frame, _ = additive_task
    frame = hide(hide(frame[:40], "word", 0.3, seed=0), "vector", 0.3, seed=1)
    with torch.inference_mode():
        rows = EncodedRows.of(model.fitted_, frame)
        mixed = torch.stack([torch.arange(40).roll(7), torch.arange(40).flip(0)], dim=1)
        mixed[5] = mixed[6, 0] = rows.missing
        probability = model.model_.task.activate(rows.logits(mixed)).numpy()
    words = [*frame["word"], None]
    vectors = [*frame["vector"], None]
    chosen = {"word": [words[i] for i in mixed[:, 0]], "vector": [vectors[i] for i in mixed[:, 1]]}
    table = pd.DataFrame({name: pd.Series(value, dtype=object) for name, value in chosen.items()})
    np.testing.assert_allclose(probability, model.predict_proba(table), atol=rounding(SMALL))


def test_standard_errors_are_those_of_a_share(additive):
    alone = additive.get("alone", "word")
    expected = (alone.value * (1 - alone.value) / 100) ** 0.5
    assert alone.error == pytest.approx(expected, rel=0.15)
    lead = additive.get("lead", "word")
    assert lead.error == pytest.approx((lead.value * (1 - lead.value) / 100) ** 0.5, rel=0.2)


def test_rows_that_belong_together_tell_less(additive_task, additive):
    model, frame, label = additive_task
    twice = pd.concat([frame, frame], ignore_index=True)
    options = {"draws": 200, "emap_rows": 4, "permutations": 1}
    careless = diagnose(model, twice, [*label, *label], **options)
    careful = diagnose(
        model, twice.assign(pair=[*range(100)] * 2), [*label, *label], groups="pair", **options
    )
    error = additive.get("alone", "word").error
    assert careful.get("alone", "word").error == pytest.approx(error, rel=0.15)
    assert careless.get("alone", "word").error == pytest.approx(error / 2**0.5, rel=0.15)


def test_the_same_seed_finds_the_same(additive_task):
    model, frame, label = additive_task
    options = {"emap_rows": 4, "draws": 20, "permutations": 1}
    one, two, other = (
        diagnose(model, frame[:20], label[:20], seed=seed, **options) for seed in (1, 1, 2)
    )
    assert one == two
    assert one != other


def test_table_and_json(additive):
    table = additive.to_frame()
    assert table.columns.tolist() == ["measure", "modality", "value", "standard_error", "rows"]
    assert set(table["modality"].dropna()) == {"word", "vector"}
    assert table.set_index("measure").loc["emap", "rows"] == 100
    read = json.loads(additive.to_json())
    assert read["score_name"] == "accuracy"
    assert read["verdict"] == additive.verdict == str(additive)
    measure = read["measures"][0]
    assert measure["name"] == "score"
    assert measure["value"] == additive.get("score").value


def test_unknown_measures_are_named(additive):
    with pytest.raises(KeyError, match=r"no measure 'emapp' of the model; there are.*'emap'"):
        additive.get("emapp")


def make_twins(frame):
    """Return a model without edges of two modalities that say the same, and their rows."""
    model = MultimodalGraphClassifier(
        [Features("vector"), Features("again")],
        fusion=ConcatFusion,
        channels=8,
        epochs=1,
        verbose=False,
    )
    return model, frame.assign(again=frame["vector"])


def test_a_fusion_without_edges(additive_task):
    _, frame, label = additive_task
    model, frame = make_twins(frame)
    result = diagnose(model.fit(frame, label), frame, label, emap_rows=10, draws=50)
    assert result.find("edges_removed") is None
    assert "edges" not in result.verdict


def test_numbers_are_scored_by_their_variance_explained(additive_task):
    _, frame, _ = additive_task
    frame = frame.assign(other=frame["vector"].map(lambda each: each[::-1] ** 2))
    frame = frame.assign(third=frame["vector"].map(lambda each: np.ones(2)))
    truth = np.array([1000 + each[0] * 10 for each in frame["vector"]])
    modalities = [Features("vector"), Features("other"), Features("third")]
    model = MultimodalGraphRegressor(
        modalities, fusion=ConcatFusion, channels=8, epochs=1, validation=0.0, verbose=False
    )
    model.fit(frame, truth)
    result = diagnose(model, frame, truth, emap_rows=20, draws=100)
    assert result.score_name == "R²"
    assert result.get("score").value == pytest.approx(model.score(frame, truth), abs=1e-5)
    assert result.get("nothing").value == pytest.approx(0, abs=1e-3)
    assert result.get("emap").rows == 19  # a prime number
    assert result.get("shapley", "third").value == pytest.approx(0, abs=0.05)
    assert "of R²" in result.verdict
    assert "points" not in result.verdict


def test_sets_of_labels_are_right_as_a_whole(additive_task):
    _, frame, label = additive_task
    sets = [set(each.split()) for each in label]
    model, frame = make_twins(frame)
    model.fit(frame, sets)
    result = diagnose(model, frame, sets, emap_rows=4, draws=10)
    assert result.get("score").value == model.score(frame, sets)


def test_unknown_classes_are_never_right(additive_task):
    model, frame, label = additive_task
    truth = ["unheard of", *label[1:]]
    result = diagnose(model, frame, truth, emap_rows=4, draws=10, permutations=1)
    assert result.get("score").value == pytest.approx(model.score(frame, label) - 0.01)


def test_what_cannot_be_diagnosed(additive_task):
    model, frame, label = additive_task
    with pytest.raises(DataError, match="4 rows or more to diagnose, got 2"):
        diagnose(model, frame[:2], label[:2])
    single = MultimodalGraphClassifier([Features("vector")], epochs=1, verbose=False)
    with pytest.raises(DataError, match="two to 8 modalities to diagnose, got 1"):
        diagnose(single.fit(frame, label), frame, label)
    with pytest.raises(DataError, match="y: expected one value for each of 100 rows"):
        diagnose(model, frame, label[:3])
    for option in ("emap_rows", "permutations", "draws"):
        with pytest.raises(DataError, match=f"{option}: expected . or more, got 0"):
            diagnose(model, frame, label, **{option: 0})
    with pytest.raises(DataError, match="groups: expected two groups or more"):
        diagnose(model, frame, label, groups=["one"] * 100)


def test_many_modalities_need_a_row_each_for_the_projection(additive_task):
    _, frame, label = additive_task
    names = list("abcd")
    frame = pd.DataFrame(dict.fromkeys(names, frame["vector"]))
    model = MultimodalGraphClassifier(
        [Features(name) for name in names],
        fusion=ConcatFusion,
        channels=8,
        epochs=1,
        linear=False,
        validation=0.0,
        verbose=False,
    ).fit(frame[:20], label[:20])
    with pytest.raises(DataError, match="expected 5 rows or more to diagnose, got 4"):
        diagnose(model, frame[:4], label[:4])
    with pytest.raises(DataError, match="emap_rows: expected 5 or more for 4 modalities, got 4"):
        diagnose(model, frame, label, emap_rows=4)
    found = diagnose(model, frame[:6], label[:6], permutations=1, draws=10)
    assert found.get("emap").rows == 5
