import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as PILImage

from mmgraph import (
    DataError,
    Features,
    Image,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Text,
    load,
)
from mmgraph.data.dataset import read_batches
from mmgraph.explain import Explanation, to_html
from mmgraph.explain.base import faded_base
from mmgraph.explain.methods import find_explainer
from mmgraph.explain.samples import explain_sample, read_samples

ROWS = 90
COMPLETE = ("integrated_gradients", "shapley", "attention_rollout", "attention_gradient")


def fit(frame, kind=MultimodalGraphClassifier, y="label", **options):
    """Return a model whose neighbours count, whatever the rows said of them."""
    options = {"channels": 8, "epochs": 1, "refit": False, **options}
    if options.get("graph", True):  # without a graph, layers play no part
        options["num_layers"] = 1
    modalities = [Features("vectors"), Text("words", features=None)]
    model = kind(modalities, verbose=False, **options).fit(frame, y)
    neighbours = model.model_.neighbours
    neighbours.weight = torch.tensor([0.0, 0.2, 0.4, 0.6])
    neighbours.count = 7
    model.known_rows_ = _kept(model, frame)
    if model.model_.weights[1] == 0 and options.get("graph", True):
        model.model_.weights = torch.tensor([0.9, 0.3])
    return model


def _kept(model, frame):
    from mmgraph.estimator.keeping import keep_rows

    return keep_rows(model.model_, model.modalities_, frame)


@pytest.fixture(scope="module")
def frame():
    """Several vectors and words a row, either of which some rows lack."""
    random = np.random.default_rng(0)
    label = np.arange(ROWS) % 3
    centres = random.normal(size=(3, 5))
    words = np.array(["red warm", "blue cold", "green mild"])
    table = pd.DataFrame(
        {
            "vectors": [random.normal(centres[each], size=(2, 5)) for each in label],
            "words": [f"{words[each]} thing {random.integers(9)}" for each in label],
            "label": np.array(["a", "b", "c"])[label],
        },
        index=[f"r{number}" for number in range(ROWS)],
    ).astype({"vectors": object, "words": object})
    table.loc[table.index[::10], "vectors"] = None
    table.loc[table.index[5::10], "words"] = None
    return table


@pytest.fixture(scope="module")
def model(frame):
    return fit(frame)


@pytest.fixture(scope="module")
def cheap(frame):
    return fit(frame, graph=False)


@pytest.fixture
def rows(frame):
    """Three rows: one lacks the vectors, one the words."""
    return frame.iloc[[10, 15, 17]].drop(columns="label")


def test_gates_of_one_change_nothing_and_the_parts_are_the_whole(model, rows):
    for sample in read_samples(model, rows):
        gate = torch.ones(1, sample.units)
        torch.testing.assert_close(sample.faded(gate)[0], sample.logits, atol=1e-5, rtol=0)
        for target in range(3):
            parts = sample.parts(target)
            assert list(parts) == ["linear", "neighbours", "graph"]
            assert sum(parts.values()) == pytest.approx(float(sample.logits[target]), abs=1e-5)


def test_the_vote_is_what_is_lost_without_neighbours(model, rows):
    without = copy.deepcopy(model.fitted_.network)
    without.neighbours = None
    for sample in read_samples(model, rows):
        with torch.no_grad():
            rest = without.task.relevant(without(sample.batch))[0]
        torch.testing.assert_close(sample.vote.logits, sample.logits - rest, atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", COMPLETE)
def test_scores_sum_to_what_the_inputs_changed_vote_included(model, rows, method):
    for found in model.explain(rows, method=method):
        assert found.parts["neighbours"]
        assert found.scores.sum() == pytest.approx(found.value - found.base, rel=0.01, abs=2e-3)


def test_the_base_knows_nothing_of_the_row(cheap, frame):
    whole = frame.dropna().iloc[:6]
    bases = [faded_base(sample, 1) for sample in read_samples(cheap, whole)]
    assert bases == pytest.approx([bases[0]] * 6, abs=1e-5)


def test_occlusion_sees_other_neighbours(model, frame):
    row = frame.iloc[[17]]
    (found,) = model.explain(row, method="occlusion", target="c")
    less = row.copy()
    less.at["r17", "vectors"] = row["vectors"].iloc[0][1:]
    (sample,), (other,) = read_samples(model, row), read_samples(model, less)
    expected = float(sample.logits[2] - other.logits[2])
    assert found.nodes[0].score == pytest.approx(expected, abs=1e-5)


def test_influence_is_that_of_a_model_that_never_knew_the_row(model, rows):
    for sample, found in zip(
        read_samples(model, rows), model.explain(rows, target="b"), strict=True
    ):
        assert len(found.neighbours) == 7
        for number, each in enumerate(found.neighbours):
            network = copy.deepcopy(model.model_)
            known = network.neighbours
            stays = torch.arange(len(known.target)) != sample.vote.row[number]
            for name in ("has", "target", "vectors_0", "vectors_1"):
                setattr(known, name, getattr(known, name)[stays])
            with torch.no_grad():
                without = network.task.relevant(network(sample.batch))[0, 1]
            assert each.influence == pytest.approx(float(sample.logits[1] - without), abs=1e-5)


def test_without_any_other_row_the_vote_is_the_prior(model, rows):
    network = copy.deepcopy(model.model_)
    known = network.neighbours
    for name in ("has", "target", "vectors_0", "vectors_1", "place"):
        setattr(known, name, getattr(known, name)[1:2])
    sample = read_samples(model, rows)[2]
    sample.model = network
    (one,) = explain_sample(sample, find_explainer("occlusion"), target=0).neighbours
    prior = network.task.relevant(network.task.prior.unsqueeze(0))[0, 0]
    weight = float(network.weights[0] * known.weight[3])
    vote = float(sample.vote.logits[0])
    assert one.influence == pytest.approx(vote - weight * float(prior), abs=1e-5)


def test_neighbours_are_the_training_rows_as_the_user_knows_them(model, frame, rows):
    for found in model.explain(rows):
        assert sum(each.share for each in found.neighbours) == pytest.approx(1, abs=1e-5)
        assert [each.share for each in found.neighbours] == sorted(
            (each.share for each in found.neighbours), reverse=True
        )
        for each in found.neighbours:
            row = frame.loc[each.row.strip("'")]
            assert each.truth == [row["label"]]
            said = {item.modality: item.text for item in each.inputs}
            assert said.get("words") == row["words"]
        deciding = [abs(each.influence) for each in found.deciding]
        assert len(deciding) == 5
        assert deciding == sorted(deciding, reverse=True)
        assert deciding[0] == max(abs(each.influence) for each in found.neighbours)


def test_a_row_is_its_own_neighbour_where_it_was_trained_on(model, frame):
    whole = frame.dropna().iloc[[3]]
    (found,) = model.explain(whole)
    assert found.neighbours[0].row == repr(whole.index[0])


def test_rows_read_again_are_what_the_model_knows(model, frame):
    network = model.model_
    (batch,) = read_batches(model.modalities_, frame, len(frame))
    with torch.no_grad():
        again = network.neighbours.vectors(network.linear.read(batch.items))
    known = network.neighbours.rows()
    places = network.neighbours.place
    assert known.has.tolist() == again.has[places].tolist()
    for number, (x, y) in enumerate(zip(known.vectors, again.vectors, strict=True)):
        real = known.has[:, number]
        torch.testing.assert_close(x[real], y[places][real], atol=2e-3, rtol=0)


def test_words_name_rows_and_parts(model, rows):
    found = model.explain(rows)[0]
    said = str(found)
    assert f"row 'r10': {found.outputs[found.target]} {max(found.predicted):.1%}" in said
    assert f"neighbours {found.parts['neighbours']:+.3g}" in said
    for each in found.deciding:
        assert f"row {each.row}: {each.said}, {each.share:.1%} of the vote" in said


def test_frame_of_neighbours(model, rows, cheap):
    found = model.explain(rows)[1]
    table = found.neighbours_to_frame()
    assert table["row"].tolist() == [each.row for each in found.neighbours]
    assert table["share"].sum() == pytest.approx(1, abs=1e-5)
    assert {"truth", "influence", "words"} <= set(table)
    nothing = Explanation.from_json(found.to_json() | {"neighbours": []})
    assert nothing.neighbours_to_frame().columns.tolist() == ["row", "truth", "share", "influence"]


def test_json_and_page_hold_the_rows_that_decided(model, rows, tmp_path):
    found = model.explain(rows)
    described = found[0].to_json()
    assert len(described["neighbours"]) == 7
    assert sum(bool(each["inputs"]) for each in described["neighbours"]) == 5
    again = Explanation.from_json(json.loads(json.dumps(described)))
    assert [each.row for each in again.deciding] == [each.row for each in found[0].deciding]
    for part in ("neighbours", "parts"):
        assert again.to_json()[part] == described[part]
    to_html(found, tmp_path / "why.html")
    page = (tmp_path / "why.html").read_text("utf-8")
    for each in found[0].deciding:
        assert each.row in page


def test_a_row_without_input_has_no_neighbours(model, rows):
    with pytest.warns(UserWarning, match="no input"):
        model.predict(rows.assign(vectors=None, words=None))
    (found, *_) = model.explain(rows.assign(vectors=None, words=None))
    assert found.neighbours == []
    assert found.parts == {}


def test_a_vote_without_weight_names_nobody(model, rows, monkeypatch):
    monkeypatch.setitem(model.model_.neighbours._buffers, "weight", torch.tensor([0, 0, 0, 0.5]))
    lacking, _, whole = model.explain(rows)
    assert lacking.neighbours == []
    assert "neighbours" not in lacking.parts
    assert whole.neighbours


def test_saved_models_name_their_rows(model, rows, tmp_path):
    model.save(tmp_path / "model.mmgraph")
    model.save(tmp_path / "model")
    expected = [each.to_json() for each in model.explain(rows)]
    for name in ("model", "model.mmgraph"):
        again = load(tmp_path / name)
        again.model_.neighbours.count = model.model_.neighbours.count
        found = [each.to_json() for each in again.explain(rows)]
        for one, other in zip(found, expected, strict=True):
            assert [each["row"] for each in one["neighbours"]] == [
                each["row"] for each in other["neighbours"]
            ]
            assert [each["inputs"] for each in one["neighbours"]] == [
                each["inputs"] for each in other["neighbours"]
            ]


def test_names_of_rows_can_be_deleted_from_a_saved_model(model, rows, frame, tmp_path):
    model.save(tmp_path / "model")
    (tmp_path / "model" / "training_rows.json").unlink()
    (found, *_) = load(tmp_path / "model").explain(rows)
    places = [int(each.row) for each in found.neighbours]
    assert [frame["label"].iloc[place] for place in places] == [
        each.truth[0] for each in found.neighbours
    ]
    assert not any(each.inputs for each in found.neighbours)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"names": [1]}', '{"names": ["a"], "texts": {"words": []}, "pictures": {}}'],
)
def test_damaged_names_are_refused(model, tmp_path, content):
    model.save(tmp_path / "model")
    (tmp_path / "model" / "training_rows.json").write_text(content)
    with pytest.raises(DataError, match=r"training_rows\.json: damaged"):
        load(tmp_path / "model")


def test_numbers_and_labels_of_neighbours(frame, rows):
    frame = frame.iloc[:30].drop(columns="label")
    number = np.arange(len(frame)) * 1.0e6
    regressor = fit(frame, MultimodalGraphRegressor, number, graph=False)
    *_, found = regressor.explain(rows)
    for each in found.neighbours:
        assert each.truth == pytest.approx([number[int(each.row.strip("r'"))]], rel=1e-6)
    assert found.deciding[0].said == f"{found.deciding[0].truth[0]:.6g}"
    assert found.scores.sum() == pytest.approx(found.value - found.base, abs=1e-3)
    kinds = [{"even"}, {"odd", "high"}, set()]
    labels = [kinds[row % 3] for row in range(len(frame))]
    labeller = fit(frame, MultimodalGraphClassifier, labels, graph=False)
    *_, found = labeller.explain(rows, target="odd")
    for each in found.neighbours:
        assert set(each.truth) == labels[int(each.row.strip("r'"))]
    assert found.scores.sum() == pytest.approx(found.value - found.base, abs=1e-3)


def test_pictures_of_a_saved_model_are_opened_below_the_working_folder_only(tmp_path, monkeypatch):
    from mmgraph.data.known_rows import KnownRows

    for folder in ("inside", "outside"):
        (tmp_path / folder).mkdir()
        PILImage.new("RGB", (8, 4)).save(tmp_path / folder / "a.png")
    (tmp_path / "inside" / "link.png").symlink_to(tmp_path / "outside" / "a.png")
    monkeypatch.chdir(tmp_path / "inside")
    paths = [
        "a.png",
        str(tmp_path / "inside" / "a.png"),
        str(tmp_path / "outside" / "a.png"),
        "../outside/a.png",
        "link.png",
        "gone.png",
        "\0",
    ]
    image = Image("image", backbone=None)
    here = KnownRows(list("abcdefg"), pictures={"image": paths})
    assert [here.picture(image, row) is not None for row in range(7)] == [*[True] * 5, False, False]
    loaded = KnownRows.from_json(json.loads(json.dumps(here.to_json())))
    assert [loaded.picture(image, row) is not None for row in range(7)] == [
        *(True, True, False, False, False, False, False)
    ]
    rooted = Image("image", backbone=None, root=tmp_path / "outside")
    assert loaded.picture(rooted, 0) is None
    assert here.picture(rooted, 0) == "a.png"


def test_what_is_kept_of_rows(tmp_path):
    from mmgraph import Tabular
    from mmgraph.data.known_rows import KnownRows

    frame = pd.DataFrame(
        {
            "image": ["a.png", "https://example.org/a.png", "data:image/png;base64,AA", None],
            "text": ["x" * 200, "two\nlines", None, ""],
            "price": [1, None, 2, 3],
        },
        index=["p", "q", "r", "s"],
    )
    modalities = [Image("image", backbone=None), Text("text", features=None), Tabular(["price"])]
    kept = KnownRows.of(modalities, frame)
    assert kept.names == ["'p'", "'q'", "'r'", "'s'"]
    assert kept.pictures == {"image": ["a.png", None, None, None]}
    assert kept.texts["text"][:2] == ["x" * 79 + "…", "two lines"]
    assert kept.texts["tabular"] == ["price = 1.0", None, "price = 2.0", "price = 3.0"]
    both = kept.join(kept.take([1]))
    assert len(both) == len(both.texts["text"]) == len(both.pictures["image"]) == 5
    assert both.names[-1] == "'q'"


def test_pictures_stand_below_the_explanation(make_explanation):
    from pathlib import Path

    found = Explanation.from_json(Path(__file__).with_name("example.json"))
    figure = found.plot()
    said = [each.get_text() for each in [*figure.axes[0].texts, *figure.texts]]
    assert "tools" in said
    assert "60.0%, +0.25" in said
    assert any("neighbours +0.9" in each for each in said)
    assert len(figure.axes[0].images) == 2
    alone = Explanation.from_json(found.to_json() | {"neighbours": [], "parts": {}}).plot()
    assert figure.get_size_inches()[1] > alone.get_size_inches()[1] + 1
    assert math.isclose(figure.get_size_inches()[0], alone.get_size_inches()[0])
