"""Items by hand: three samples, the second without any; items of two, no and three nodes."""

import pytest
import torch

from mmgraph.graph.items import Items, before_end, sample_of_items, sum_at


@pytest.fixture
def items():
    return Items(
        data={"x": torch.arange(10.0).view(5, 2)},
        length=torch.tensor([2, 0, 3]),
        sample=torch.tensor([0, 0, 2]),
        batch_size=3,
    )


def test_counts_by_hand(items):
    assert items.count.tolist() == [2, 0, 1]
    assert items.number.tolist() == [0, 1, 0]
    assert items.nodes_per_sample.tolist() == [2, 0, 3]
    assert items.owner(5).tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("total", [None, 5])
def test_layout_by_hand(items, total):
    layout = {name: x.tolist() for name, x in items.node_layout(total).items()}
    assert layout == {
        "sample": [0, 0, 2, 2, 2],
        "item": [0, 0, 0, 0, 0],
        "index": [0, 1, 0, 1, 2],
    }
    turned = Items({}, torch.tensor([1, 2, 1]), torch.tensor([0, 0, 0]), 1)
    assert turned.node_layout()["item"].tolist() == [0, 1, 1, 2]
    assert turned.node_layout()["index"].tolist() == [0, 0, 1, 0]


def test_nodes_by_hand(items):
    nodes = items.nodes(items.data["x"])
    assert nodes.mask.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert nodes.x[2].tolist() == [[4, 5], [6, 7], [8, 9]]


def test_padding_and_back(items):
    padded = items.pad(items.data["x"])
    assert padded.tolist() == [
        [[0, 1], [2, 3], [0, 0]],
        [[0, 0]] * 3,
        [[4, 5], [6, 7], [8, 9]],
    ]
    assert torch.equal(items.pack(padded), items.data["x"])
    assert torch.equal(items.pack(padded, total=5), items.data["x"])


def test_a_batch_without_items():
    none = torch.zeros(0, dtype=torch.long)
    items = Items({}, none, none, 2)
    assert items.count.tolist() == [0, 0]
    assert {name: x.tolist() for name, x in items.node_layout().items()} == {
        "sample": [],
        "item": [],
        "index": [],
    }


def test_another_device(items):
    there = items.to("meta")
    assert (there.batch_size, there.data["x"].device.type) == (3, "meta")
    assert {there.length.device.type, there.sample.device.type} == {"meta"}


def test_steps_sums_and_samples():
    assert before_end(torch.tensor([2, 0]), 3).tolist() == [[True, True, False], [False] * 3]
    assert sum_at(torch.tensor([1, 2, 3]), torch.tensor([1, 1, 0]), 3).tolist() == [3, 3, 0]
    assert sample_of_items([["a", "b"], [], ["c"]]).tolist() == [0, 0, 2]
