import copy
import json
from pathlib import Path

import numpy as np
import pytest

from mmgraph import DataError
from mmgraph.explain.explanation import Explanation

EXAMPLE = Path(__file__).with_name("example.json")


@pytest.fixture
def explanation():
    return Explanation.from_json(EXAMPLE)


def test_json_round_trip(explanation, tmp_path):
    described = explanation.to_json(tmp_path / "again.json")
    assert described == json.loads(EXAMPLE.read_text("utf-8"))
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == described
    assert Explanation.from_json(described).to_json() == described


def test_files_of_before_have_no_interactions(explanation):
    described = explanation.to_json()
    for name in ("interactions", "changes_to", "truth", "decided"):
        del described[name]
    again = Explanation.from_json(described)
    assert again.interactions == {}
    assert again.changes_to is None


def test_json_without_pictures(explanation):
    assert [each["image"] for each in explanation.to_json(pictures=False)["inputs"]] == [None] * 2
    assert explanation.to_json()["inputs"][0]["image"].startswith("data:image/")


def test_frames(explanation):
    frame = explanation.to_frame()
    assert frame["label"].tolist()[4:7] == ["red", "cat", "</script><img onerror=alert(1)>"]
    assert frame.groupby("modality", sort=False)["score"].sum().to_dict() == pytest.approx(
        {"image": 0.7, "text": 1.3, "audio": 0.0}
    )
    assert explanation.modality_scores == pytest.approx({"image": 0.7, "text": 1.3, "audio": 0.0})
    # Exact explanations sum to what the inputs changed.
    assert frame["score"].sum() == pytest.approx(explanation.value - explanation.base)
    edges = explanation.edges_to_frame()
    assert len(edges) == 2 * 3 + 1 * 2
    first = edges.iloc[1]
    assert first[["relation", "layer", "head"]].tolist() == ["image to text", 0, 1]
    assert first[["source_label", "target_label"]].tolist() == ["row 1, column 1", "red"]
    assert first["weight"] == pytest.approx(0.3)


def test_frames_without_edges(explanation):
    described = explanation.to_json() | {"edges": []}
    frame = Explanation.from_json(described).edges_to_frame()
    assert frame.empty
    assert frame.columns.tolist() == explanation.edges_to_frame().columns.tolist()


def test_networkx(explanation):
    graph = explanation.to_networkx()
    assert graph.number_of_nodes() == 8
    assert graph.nodes[5] == {
        "modality": "text",
        "item": 0,
        "index": 1,
        "label": "cat",
        "score": 1.25,
    }
    weights = [data["weight"] for _, _, data in graph.out_edges(0, data=True)]
    np.testing.assert_allclose(weights, [0.5, 0.2])
    assert graph.graph["target"] == "animals"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "expected an explanation"),
        ({"version": 9}, "expected version 1 of the format, got 9"),
        ({"nodes": [{}]}, "no whole explanation.*'box'"),
    ],
)
def test_what_is_no_explanation(explanation, change, message):
    described = copy.deepcopy(explanation.to_json()) | change
    with pytest.raises(DataError, match=message):
        Explanation.from_json(described)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json: expected a file that"):
        Explanation.from_json(tmp_path / "gone.json")
    (tmp_path / "cut.json").write_text('{"format": ')
    with pytest.raises(DataError, match=r"cut\.json: .*cannot be read"):
        Explanation.from_json(tmp_path / "cut.json")
