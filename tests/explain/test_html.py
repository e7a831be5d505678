import base64
import io
import json
import pickle
import re
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage

from mmgraph import Audio, DataError
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.html import make_page, to_html
from mmgraph.explain.lazy_edges import LazyEdges
from mmgraph.explain.packed_edges import quantise
from mmgraph.explain.packing import pack
from mmgraph.explain.record import ItemInput, NodeScore
from mmgraph.modalities.base import Place

EVIL = "a </script><img src=x onerror=alert(1)> <!--<script> {{data}} \u2028 & cat"


def read_data(page):
    """Return what the page's script would read."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def read_numbers(data, number, kind):
    return np.frombuffer(base64.b64decode(data["blobs"][number]), kind)


def test_page_holds_everything_and_asks_for_nothing(make_explanation, tmp_path):
    explanation = make_explanation("a red cat sits here")
    to_html(explanation, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page == make_page([explanation])
    assert not re.search(r"""(src|href)\s*=\s*["']""", page)
    assert "http://" not in page
    assert "https://" not in page
    (sample,) = read_data(page)["samples"]
    assert sample["inputs"][0]["image"].startswith("data:image/jpeg;base64,")
    assert sample["inputs"][1]["text"] == "a red cat sits here"
    assert sample["views"][0]["outputs"][0] == ["animals", 0.7, True]


def test_text_is_inert(make_explanation):
    page = make_page(make_explanation(EVIL, row=EVIL, method=EVIL))
    clean = make_page(make_explanation("cat"))
    assert page.count("<script") == clean.count("<script") == 2
    assert "<img" not in page
    assert "<!--" not in page
    data = read_data(page)
    assert data["samples"][0]["inputs"][1]["text"] == EVIL
    assert data["samples"][0]["row"] == EVIL


def test_pictures_that_are_not_embedded_are_left_out(make_explanation, monkeypatch):
    described = make_explanation("cat").to_json()
    described["inputs"][0]["image"] = "https://example.org/spy.png"
    explanation = Explanation.from_json(described)
    monkeypatch.setattr(ItemInput, "picture", lambda self: PILImage.new("RGB", (1, 1)))
    assert "example.org" not in make_page(explanation)
    assert pack([explanation])["samples"][0]["inputs"][0]["image"] is None


def test_weights_are_kept_to_a_step(make_explanation):
    explanation = make_explanation("a red cat", heads=3)
    data = pack([explanation])
    for packed, edges in zip(
        data["samples"][0]["views"][0]["edges"], explanation.edges, strict=True
    ):
        weight = read_numbers(data, packed["weight"], np.uint8).reshape(-1, 3)
        step = (packed["high"] - packed["low"]) / 255
        np.testing.assert_allclose(
            packed["low"] + weight * step, edges.weight, atol=step / 2 + 1e-9
        )
        np.testing.assert_array_equal(read_numbers(data, packed["source"], "<u2"), edges.source)
        np.testing.assert_array_equal(read_numbers(data, packed["target"], "<u2"), edges.target)
        assert packed["relation"] == list(edges.relation)
    # Both layers have the same edges, which are written once.
    assert len(data["blobs"]) == len(set(data["blobs"])) == 6 + 6


@pytest.mark.parametrize(
    ("weight", "low", "high"), [([[-1.0], [0.5]], -1.0, 0.5), ([[0.0]], 0, 0), ([[2.0]], 0, 2)]
)
def test_range_of_weights_holds_zero(weight, low, high):
    found = quantise(np.array(weight))
    assert found[:2] == (low, high)
    assert found[2].max() in (0, 255)


def test_methods_of_a_row_share_its_inputs(make_explanation):
    one = make_explanation("a red cat", row="7")
    two = make_explanation("a red cat", row="7", method="occlusion")
    other = make_explanation("a dog", row="7")  # the same name for another row
    data = pack([one, two, other])
    assert [len(sample["views"]) for sample in data["samples"]] == [2, 1]
    assert make_page([one, two]).count("data:image/jpeg") == 1
    assert len(pack([one, two])["blobs"]) == len(pack([one])["blobs"])


def test_of_many_outputs_the_probable_and_the_explained_are_listed(make_explanation):
    described = make_explanation("cat").to_json()
    described["outputs"] = [f"class {number}" for number in range(50)]
    described["predicted"] = [0.0] * 47 + [0.2, 0.5, 0.3]
    described["target"] = 30
    view = pack([Explanation.from_json(described)])["samples"][0]["views"][0]
    assert [each[0] for each in view["outputs"][:3]] == ["class 48", "class 49", "class 47"]
    assert view["outputs"][-1] == ["class 30", 0.0, True]
    assert (len(view["outputs"]), view["more"], view["target"]) == (8, 42, "class 30")


def test_notebooks_get_a_frame_that_is_closed(make_explanation):
    frame = make_explanation('say "cat" & <b>')._repr_html_()
    assert frame.startswith('<iframe srcdoc="')
    assert frame.count('"') == 8  # those of four attributes
    assert frame.count("<") == 2
    assert 'sandbox="allow-scripts allow-downloads"' in frame


def test_nothing_to_show():
    with pytest.raises(DataError, match="one explanation or more for a page, got none"):
        make_page([])


def test_a_hundred_samples_stay_small(make_explanation):
    text = " ".join(["some words that go with a picture"] * 6)  # 42 words
    many = [make_explanation(text, row=str(row), seed=row) for row in range(4)]
    assert len(make_page(many)) * 25 < 15e6


def test_training_rows_are_inert_and_their_pictures_are_embedded_once():
    found = Explanation.from_json(Path(__file__).with_name("example.json"))
    described = found.to_json()
    described["neighbours"][1]["inputs"] = [
        {**described["neighbours"][0]["inputs"][0], "image": "https://example.org/spy.png"}
    ]
    evil = described["neighbours"][1]
    evil["row"] = evil["truth"][0] = EVIL
    explanations = [Explanation.from_json(described)] * 2
    page = make_page(explanations)
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "example.org" not in page
    (sample,) = read_data(page)["samples"]
    first, second = sample["views"][0]["neighbours"]
    assert (first["row"], first["said"], first["image"]) == (EVIL, EVIL, None)  # most influence
    assert second["texts"] == ["a dog</script><img onerror=alert(2)>"]
    blobs = read_data(page)["blobs"]
    assert blobs[second["image"]].startswith("data:image/jpeg;base64,")
    assert sample["views"][1]["neighbours"] == [first, second]
    assert sample["views"][0]["parts"] == {"linear": 1.1, "neighbours": 0.9, "graph": -0.2}


def test_words_stand_for_their_pieces():
    nodes = [
        NodeScore("text", "text", 0, index, Place(label, span=span), score)
        for index, (label, span, score) in enumerate(
            [("un", (0.0, 2.0), 0.5), ("seen", (2.0, 6.0), -0.125), ("cat", (7.0, 10.0), 0.25)]
        )
    ]
    inputs = [ItemInput("text", "text", 0, text="unseen cat")]
    found = Explanation("0", "x", "multiclass", ["a"], [1.0], 0, 1.0, 0.0, True, nodes, (), inputs)
    (sample,) = pack([found])["samples"]
    assert [each[3:] for each in sample["views"][0]["nodes"]] == [
        ["unseen", None, [0.0, 6.0], 0.375, True, 2],
        ["cat", None, [7.0, 10.0], 0.25, True, 1],
    ]


def test_samples_say_what_is_right_and_stand_beside_those_like_them(make_explanation):
    vectors = np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.8, 0.3], [0, 0, 1.0]])
    made = [
        replace(
            make_explanation("a cat", row="a"),
            truth=("animals",),
            decided=("animals" if row else "tools",),
            vector=vector,
        )
        for row, vector in enumerate(vectors)
    ]
    made = [replace(each, row=f"{row // 2}") for row, each in enumerate(made)]
    other = replace(made[0], inputs=[], row="0")
    data = pack([*made[:1], other])
    assert [sample["key"] for sample in data["samples"]] == ["0", "0~2"]
    assert data["axes"] is None  # two rows make no map
    data = pack([replace(each, row=str(row)) for row, each in enumerate(made)])
    assert [sample["right"] for sample in data["samples"]] == [False, True, True, True, True]
    assert [sample["near"][0] for sample in data["samples"]] == [1, 0, 3, 2, 3]
    points = np.array([sample["point"] for sample in data["samples"]])
    assert (points.min(), points.max()) == (0, 1)
    assert "variance" in data["axes"][0]


def test_very_many_weights_are_those_of_wrong_predictions(make_explanation, monkeypatch):
    right = replace(make_explanation("a cat", row="0"), truth=("animals",), decided=("animals",))
    wrong = replace(make_explanation("a dog", row="1", seed=1), truth=("tools",))
    wrong = replace(wrong, decided=("animals",))
    monkeypatch.setattr("mmgraph.explain.packed_edges._MOST_CHARACTERS", 1000)
    first, second = pack([right, wrong])["samples"]
    assert first["views"][0]["edges"] is None
    assert len(second["views"][0]["edges"]) == len(wrong.edges)


def test_weights_are_computed_once_somebody_looks():
    asked = []
    edges = LazyEdges(lambda: asked.append(1) or [])
    assert not asked
    assert list(edges) == [] == pickle.loads(pickle.dumps(edges))
    assert len(edges) == 0
    assert asked == [1]


def test_sounds_can_be_played_as_far_as_there_is_room(make_explanation, monkeypatch):
    tone = np.sin(np.arange(4000))
    clip = ItemInput("audio", "audio", 0, raw=(tone, 8000), reader=Audio("audio", rate=8000))
    explanation = replace(make_explanation("a cat"), inputs=[clip])
    (sample,) = pack([explanation])["samples"]
    sound = sample["inputs"][0]["sound"]
    assert (sound["seconds"], max(sound["outline"])) == (0.5, 100)
    uri = pack([explanation])["blobs"][sound["uri"]]
    with wave.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 4000)
    monkeypatch.setattr("mmgraph.explain.packing._MOST_SOUND", 100)
    (sample,) = pack([explanation])["samples"]
    assert sample["inputs"][0]["sound"]["uri"] is None
