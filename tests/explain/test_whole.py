"""Words and areas in place of pieces and regions."""

import pytest

from mmgraph.explain.record import ExplanationRecord, ItemInput, NodeScore
from mmgraph.explain.whole import whole_parts
from mmgraph.modalities import Place


def text_node(text, start, end, score, item=0):
    place = Place(f"▁{text[start:end]}", span=(float(start), float(end)))
    return NodeScore("title", "text", item, start, place, score)


def record(nodes, texts=()):
    inputs = [ItemInput("title", "text", item, text) for item, text in enumerate(texts)]
    return ExplanationRecord(
        *("0", "test", "multiclass", ["a", "b"], [0.5, 0.5], 0, 0.0, None, True),
        nodes=nodes,
        inputs=inputs,
    )


def parts(*arguments):
    return [(each.modality, each.label, each.score) for each in whole_parts(record(*arguments))]


def test_pieces_become_words():
    text = "unbelievable cats, cats"
    spans = [(0, 2, 1.0), (2, 9, 2.0), (9, 12, -0.5), (13, 17, 0.25), (17, 18, 0.1), (19, 23, 0.3)]
    found = parts([text_node(text, *each) for each in spans], [text])
    assert found == [
        ("title", "unbelievable", 2.5),
        ("title", "cats", 0.3),
        ("title", "cats", 0.25),
        ("title", "▁,", 0.1),
    ]


def test_pieces_of_scripts_without_spaces_stay():
    text = "赤い猫"
    found = parts([text_node(text, 0, 2, 1.0), text_node(text, 2, 3, 0.5)], [text])
    assert [label for _, label, _ in found] == ["▁赤い", "▁猫"]


def test_texts_of_a_row_are_apart():
    found = parts([text_node("red", 0, 3, 1.0), text_node("red", 0, 3, 2.0, item=1)], ["red"] * 2)
    assert found == [("title 2", "red", 2.0), ("title", "red", 1.0)]


def test_regions_become_areas():
    nodes = []
    for number in range(25):
        row, column = divmod(number, 5)
        box = (column / 5, row / 5, (column + 1) / 5, (row + 1) / 5)
        nodes.append(NodeScore("photo", "image", 0, number, Place("region", box=box), 1.0))
    found = {label: score for _, label, score in parts(nodes)}
    assert found["centre"] == 1
    assert found["top left"] == found["bottom right"] == 4
    assert found["middle left"] == found["top centre"] == 2
    assert sum(found.values()) == 25


def test_all_else_stays():
    node = NodeScore("tabular", "column", 0, 0, Place("age = 30"), -1.0)
    assert parts([node]) == [("tabular", "age = 30", pytest.approx(-1.0))]
