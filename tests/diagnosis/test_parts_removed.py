"""What each part of a model is worth: the model's own score with the part and without it."""

import numpy as np
import pytest
import torch

from mmgraph import diagnose


@pytest.fixture(scope="module")
def task(making):
    make_table, fit = making
    frame, word, high = make_table(120, seed=3)
    label = np.char.add(np.where(word, "yes", "no"), np.where(high, " high", " low"))
    model = fit(frame[:60], label[:60], epochs=1)
    model.model_.weights = torch.tensor([0.7, 0.4])
    model.model_.neighbours.weight = torch.tensor([0.0, 0.3, 0.3, 0.9])
    model.model_.linear.pool[3] = torch.tensor([0.2, 0.5, 0.6])
    return model, frame[60:], label[60:]


@pytest.fixture(scope="module")
def diagnosis(task):
    return diagnose(*task, emap_rows=8, permutations=1, draws=20)


def score_with(task, part, value):
    model, frame, label = task
    network = model.model_
    module, name = {
        "graph": (network, "weights"),
        "neighbours": (network.neighbours, "weight"),
        "linear": (network.linear, "pool"),
    }[part]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module._buffers, name, value)
        return model.score(frame, label)


def test_each_loss_is_that_of_the_model_whose_weight_is_0(task, diagnosis):
    model = task[0]
    whole = diagnosis.get("score").value
    pool = model.model_.linear.pool
    without = {
        ("graph_removed", None): ("graph", torch.tensor([0.7, 0.0])),
        ("neighbours_removed", None): ("neighbours", torch.zeros(4)),
        ("linear_removed", None): ("linear", pool * torch.tensor([0.0, 1.0, 1.0])),
        ("own_removed", "word"): ("linear", pool * torch.tensor([1.0, 0.0, 1.0])),
        ("own_removed", "vector"): ("linear", pool * torch.tensor([1.0, 1.0, 0.0])),
    }
    for (name, modality), (part, value) in without.items():
        measure = diagnosis.get(name, modality)
        assert measure.value == pytest.approx(whole - score_with(task, part, value), abs=1e-6)


def test_the_vote_is_scored_by_itself(task, diagnosis):
    model, frame, label = task
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(model.model_._buffers, "weights", torch.tensor([1.0, 0.0]))
        patch.setitem(model.model_.linear._buffers, "pool", torch.zeros(4, 3))
        expected = model.score(frame, label)
    assert diagnosis.get("vote").value == pytest.approx(expected)
    assert expected > 0.6


def test_pieces_are_the_whole(task):
    from mmgraph.diagnosis.encoded import EncodedRows

    model, frame, _ = task
    with torch.inference_mode():
        rows = EncodedRows.of(model.fitted_, frame)
        whole = rows.as_they_are()
        total = torch.stack(list(rows.pieces(whole).values())).sum(0)
        torch.testing.assert_close(total, rows.logits(whole))
        nothing = torch.full_like(whole, rows.missing)
        piece = next(iter(rows.pieces(whole).values()))
        prior = model.model_.task.prior.expand_as(piece)
        torch.testing.assert_close(rows.without(nothing, piece), prior)


def test_words_and_picture_name_the_parts(diagnosis):
    said = str(diagnosis)
    assert "Without one of its parts the model loses: " in said
    for part in ("the linear model", "its linear model of word alone", "the vote of", "the graph"):
        assert part in said
    figure = diagnosis.plot()
    labels = [
        text.get_text().replace("\n", " ")
        for part in figure.subfigs[0].axes
        for text in part.get_yticklabels()
    ]
    assert {"without neighbours", "without graph", "its neighbours' vote"} <= set(labels)
    assert "own_removed" in diagnosis.to_frame()["measure"].tolist()


def test_a_model_of_one_part_has_none_to_lose(making):
    make_table, fit = making
    frame, word, _ = make_table(60, seed=4)
    model = fit(frame[:40], np.where(word, "yes", "no")[:40], epochs=1, linear=False)
    found = diagnose(model, frame[40:], np.where(word, "yes", "no")[40:], emap_rows=4, draws=5)
    removed = {each.name for each in found.measures if each.name.endswith("_removed")}
    assert removed <= {"edges_removed"}
    assert "Without one of its parts" not in str(found)
