"""Any function of a table is explained like mmgraph's own models."""

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as PILImage
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mmgraph import Audio, DataError, Features, Image, Tabular, Text
from mmgraph.explain import FunctionModel, Shapley, compare_explainers, explain_model
from mmgraph.explain.html import make_page
from mmgraph.modalities.decoding.files import located
from mmgraph.modalities.decoding.image import decode_image

MODALITIES = [Image("photo"), Text("title"), Tabular(["price"])]


def bright(value):
    """Return how bright the upper left corner of a picture is, from 0 to 1."""
    return np.asarray(decode_image(located(value, None)))[0, 0].mean() / 255


def odds(frame):
    """Return the logit of a class: a bright corner, the word "cat", both together, a price."""
    corner = frame["photo"].map(bright).to_numpy(float)
    cats = frame["title"].fillna("").str.count("cat").to_numpy(float)
    dear = (frame["price"].fillna(0) > 3).to_numpy(float)
    return 2 * corner + cats + 3 * corner * cats + 0.5 * dear - 1


def predict(frame):
    p = 1 / (1 + np.exp(-odds(frame)))
    return np.stack([1 - p, p], axis=1)


def picture():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:2, :2] = 255
    return pixels


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "photo": [picture(), picture()],
            "title": ["a cat", None],
            "price": [5.0, None],
            "other": ["x", "y"],
        },
        index=["first", "second"],
    )


def test_scores_sum_to_the_difference_of_logits(rows):
    found = explain_model(predict, rows, MODALITIES, target="yes", outputs=["no", "yes"])
    for each, logit in zip(found, odds(rows), strict=True):
        assert each.value == pytest.approx(logit, abs=1e-9)
        assert each.scores.sum() == pytest.approx(each.value - each.base, abs=1e-9)
    assert [each.row for each in found] == ["'first'", "'second'"]
    assert found[0].outputs == ["no", "yes"]
    assert found[0].predicted == pytest.approx(predict(rows)[0])


def test_units_are_words_regions_and_columns(rows):
    first, second = explain_model(predict, rows, MODALITIES, target=1)
    score = {node.place.label: node.score for node in first.nodes}
    assert len(first.nodes) == 25 + 2 + 1
    assert score["price = 5.0"] == pytest.approx(0.5)
    assert score["a"] == 0
    # Half of what the corner and the word say together is each one's; the base is the mean colour.
    mean = picture().mean() / 255
    gain = 1 - round(255 * mean) / 255
    assert score["row 1, column 1"] == pytest.approx(3.5 * gain)
    assert score["cat"] == pytest.approx(1 + 1.5 + 1.5 * (1 - gain))
    assert {node.modality for node in second.nodes} == {"photo"}
    assert sum(not node.score for node in second.nodes) == 24


def test_modalities_that_interact(rows):
    [first] = explain_model(predict, rows[:1], MODALITIES, target=1)
    gain = 1 - round(255 * picture().mean() / 255) / 255
    assert first.interactions["photo", "title"] == pytest.approx(3 * gain)
    assert first.interactions["title", "tabular"] == pytest.approx(0, abs=1e-9)
    assert "photo with title" in repr(first)
    again = type(first).from_json(first.to_json())
    assert again.interactions["photo", "title"] == pytest.approx(3 * gain, rel=1e-4)
    assert "photo with title" in make_page(first)


def png(pixels):
    file = io.BytesIO()
    PILImage.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def forms(folder):
    """Return the same picture in every form in which cells hold pictures."""
    path = folder / "picture.png"
    path.write_bytes(png(picture()))
    data = base64.b64encode(png(picture())).decode()
    return {
        "array": picture(),
        "bytes": png(picture()),
        "pil": PILImage.fromarray(picture()),
        "path": str(path),
        "Path": Path(path),
        "address": f"data:image/png;base64,{data}",
    }


def test_pictures_keep_their_form(tmp_path, rows):
    expected = None
    for name, value in forms(tmp_path).items():
        seen = []

        def watched(frame, seen=seen):
            seen.extend(map(type, frame["photo"]))
            return predict(frame)

        frame = rows[:1].assign(photo=pd.Series([value], index=rows.index[:1], dtype=object))
        [found] = explain_model(watched, frame, MODALITIES[:2], target=1, method="occlusion")
        scores = found.scores
        expected = scores if expected is None else expected
        assert scores == pytest.approx(expected), name
        assert all(issubclass(kind, type(value)) for kind in seen), name
    assert abs(expected).max() > 0.5


def test_lists_stay_lists(rows):
    seen = []

    def count(frame):
        seen.extend(frame["title"])
        return frame["title"].map(lambda texts: sum("cat" in text for text in texts)).to_numpy()

    frame = pd.DataFrame({"title": [["a cat", "no dog", "cat"]]})
    [found] = explain_model(count, frame, [Text("title")], task="regression")
    assert all(isinstance(each, list) and len(each) == 3 for each in seen)
    items = [node.item for node in found.nodes if abs(node.score) > 1e-9]
    assert items == [0, 2]
    assert found.scores.sum() == pytest.approx(2)


def test_other_kinds_are_there_or_missing():
    def there(frame):
        return frame["clip"].notna() * 1.0 + 2.0 * frame["vector"].notna()

    frame = pd.DataFrame({"clip": [(np.zeros(9), 8000)], "vector": [[1.0, 2.0]]})
    [found] = explain_model(there, frame, [Audio("clip"), Features("vector")])
    assert found.scores.tolist() == [1, 2]


def test_background_stands_in_for_columns(rows):
    background = pd.DataFrame({"price": [1, 2, 9, 9], "kind": ["a", "b", "b", None]})

    def number(frame):
        assert frame["price"].notna().all()
        assert frame["price"].dtype == rows["price"].dtype
        return frame["price"] + 10 * (frame["kind"] == "b")

    frame = rows[:1].assign(kind="a")
    modality = [Tabular(["price", "kind"])]
    [found] = explain_model(number, frame, modality, background=background)
    assert found.task == "regression"
    assert found.scores.tolist() == pytest.approx([5 - 6, -10])
    with pytest.raises(DataError, match="background: expected the column 'kind'"):
        explain_model(number, frame, modality, background=background[["price"]])


@pytest.mark.parametrize("values", [[True], [3], [2.5], ["a"], [pd.Timestamp("2026-01-01")]])
def test_columns_without_background_are_missing(values):
    seen = []

    def there(frame):
        seen.extend(frame["x"].isna())
        return frame["x"].notna() * 2.0

    frame = pd.DataFrame({"x": values})
    [found] = explain_model(there, frame, [Tabular(["x"])])
    assert found.scores.tolist() == [2]
    assert set(seen) == {True, False}


def test_counterfactual_is_a_set_that_changes_the_prediction(rows):
    [found] = explain_model(
        predict, rows[:1], MODALITIES, method="counterfactual", outputs=["no", "yes"]
    )
    taken = {node.place.label for node in found.nodes if node.score}
    assert found.outputs[found.changes_to] == "no"
    assert "without what follows: no" in repr(found)
    left = rows[:1].copy()
    for label in taken:
        if label.startswith("row 1, column 1"):
            photo = picture()
            photo[:2, :2] = round(photo.mean())
            left["photo"] = [photo]
        elif label.startswith("price"):
            left["price"] = np.nan
        else:
            left["title"] = left["title"].str.replace(label, "")
    assert predict(left)[0, 1] < 0.5 < predict(rows)[0, 1]


def test_no_counterfactual_where_nothing_changes():
    frame = pd.DataFrame({"title": ["a cat"]})
    same = lambda frame: np.tile([0.2, 0.8], (len(frame), 1))  # noqa: E731
    [found] = explain_model(same, frame, [Text("title")], method="counterfactual")
    assert found.changes_to is None
    assert not found.scores.any()
    numbers = lambda frame: np.ones(len(frame))  # noqa: E731
    with pytest.raises(DataError, match="got numbers"):
        explain_model(numbers, frame, [Text("title")], method="counterfactual")


def test_a_row_without_units_has_no_scores():
    frame = pd.DataFrame({"title": [None]})
    found = explain_model(lambda f: np.full((len(f), 2), 0.5), frame, [Text("title")])
    assert not found[0].nodes


@pytest.fixture(scope="module")
def pipeline():
    """Return a pipeline of words and colours, and the rows that it learnt."""
    random = np.random.default_rng(0)
    label = np.array(["cold", "warm"])[np.arange(40) % 2]
    photos = []
    for each in label:
        photo = random.integers(0, 256, (12, 12, 3), np.uint8)
        photo[:6, :, 0 if each == "warm" else 2] = 255
        photos.append(photo)
    frame = pd.DataFrame(
        {
            "photo": photos,
            "title": [f"{'sun' if y == 'warm' else 'ice'} number {n}" for n, y in enumerate(label)],
        }
    )

    def colours(column):
        return np.stack([photo.mean(axis=(0, 1)) / 255 for photo in column.iloc[:, 0]])

    features = ColumnTransformer(
        [("w", TfidfVectorizer(), "title"), ("c", FunctionTransformer(colours), ["photo"])]
    )
    return make_pipeline(features, LogisticRegression(C=10)).fit(frame, label), frame


def test_pipelines(pipeline):
    model, frame = pipeline
    frame = frame[:4]
    modalities = [Image("photo"), Text("title")]
    found = explain_model(model.predict_proba, frame, modalities, faithfulness=True)
    empty = frame.assign(
        title="number",
        photo=[
            np.broadcast_to(photo.mean((0, 1)).round(), photo.shape).astype(np.uint8)
            for photo in frame["photo"]
        ],
    )
    for each, whole, none in zip(
        found, model.decision_function(frame), model.decision_function(empty), strict=True
    ):
        assert each.outputs == ["cold", "warm"]
        sign = 1 if each.target else -1
        assert each.value == pytest.approx(sign * whole, abs=1e-6)
        assert each.scores.sum() == pytest.approx(each.value - each.base, abs=1e-6)
        assert each.faithfulness["deletion"] < each.faithfulness["deletion_random"]
        words = {node.place.label: node.score for node in each.nodes if node.kind == "text"}
        assert max(words, key=words.get) in ("sun", "ice")
        assert np.isfinite(none)
    function = FunctionModel(model.predict_proba, modalities)
    table = compare_explainers(function, frame[:2], methods=["occlusion", Shapley(orders=2)])
    assert set(table["method"]) == {"occlusion", "shapley"}


def test_tables_name_their_outputs():
    def said(frame):
        return pd.DataFrame({"low": [0.2] * len(frame), "high": [0.9] * len(frame)})

    [found] = explain_model(said, pd.DataFrame({"t": ["a"]}), [Text("t")])
    assert (found.task, found.outputs, found.target) == ("multilabel", ["low", "high"], 1)


def test_one_probability_is_that_of_the_second_class():
    frame = pd.DataFrame({"t": ["a"]})
    [found] = explain_model(
        lambda f: np.full(len(f), 0.8), frame, [Text("t")], task="multiclass", outputs=["n", "y"]
    )
    assert found.predicted == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (lambda f: np.ones((1, 2)), {}, r"an array \[2, outputs\]"),
        (lambda f: ["a"] * len(f), {}, "expected numbers"),
        (lambda f: np.full(len(f), np.nan), {}, "background="),
        (lambda f: np.full(len(f), 7.0), {"task": "multilabel"}, "from 0 to 1"),
        (lambda f: np.ones(len(f)), {"outputs": ["a", "b"]}, "names of 1 outputs, got 2"),
        (lambda f: np.ones(len(f)), {"method": "gradient"}, "looks into networks"),
        (lambda f: np.ones(len(f)), {"target": "q"}, "target='q'"),
    ],
)
def test_errors(rows, function, options, message):
    with pytest.raises(DataError, match=message):
        explain_model(function, rows, [Text("title")], **options)


def test_errors_of_tables(rows):
    with pytest.raises(DataError, match="expected the column 'names'"):
        explain_model(predict, rows, [Text("names")])
    with pytest.raises(DataError, match="row 'second', column 'photo'"):
        explain_model(
            lambda f: np.ones(len(f)), rows.assign(photo=[picture(), "a.png"]), [Image("photo")]
        )


def test_equal_subsets_are_asked_about_once(rows):
    asked = []

    def counted(frame):
        asked.append(len(frame))
        return predict(frame)

    [row] = FunctionModel(counted, [Text("title")]).rows(rows[:1])
    asked.clear()
    kept = torch.tensor([[True, True], [True, False], [True, True]])
    logits = row.subsets(kept)
    assert asked == [2]
    assert torch.equal(logits[0], logits[2])
    assert not torch.equal(logits[0], logits[1])


def test_files_go_with_the_row(tmp_path, rows):
    paths = set()

    def watched(frame):
        paths.update(map(str, frame["photo"]))
        return predict(frame)

    path = forms(tmp_path)["path"]
    frame = rows[:1].assign(photo=path)
    explain_model(watched, frame, MODALITIES[:1], target=1, method="occlusion")
    assert len(paths) == 26
    assert [each for each in paths if Path(each).exists()] == [path]
