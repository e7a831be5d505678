import pytest
import torch

from mmgraph.graph.items import Items
from mmgraph.nn.linear.features import CategoryFeatures, NodeMeanFeatures, NumberFeatures

#: Samples 0 and 2 have items, of one node and of three.
LENGTH, SAMPLE = torch.tensor([1, 3]), torch.tensor([0, 2])


def test_mean_over_nodes_by_hand():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [10.0, 5.0]])
    items = Items({"features": x}, LENGTH, SAMPLE, 4)
    assert NodeMeanFeatures(2)(items).tolist() == [[1, 2], [0, 0], [6, 5], [0, 0]]


def test_long_items_count_more_than_short_ones():
    x = torch.tensor([[1.0], [3.0], [5.0], [7.0]])
    items = Items({"features": x}, torch.tensor([1, 3]), torch.tensor([0, 0]), 1)
    assert NodeMeanFeatures(1)(items).tolist() == [[4]]


def test_numbers_side_by_side():
    data = {
        "column": torch.tensor([1, 0, 1, 1]),
        "number": torch.tensor([[1.0, 2.0], [3.0, 0.0], [5.0, 6.0], [7.0, 8.0]]),
    }
    features = NumberFeatures(2, 2, [0, 2, 3])
    assert features.width == 3
    # The second value of a column is averaged with the first.
    assert features(Items(data, LENGTH, SAMPLE, 3)).tolist() == [[0, 1, 2], [0, 0, 0], [3, 6, 7]]


def test_categories_as_rows_of_length_one():
    data = {"category": torch.tensor([4, 2, 0, 3])}
    x = CategoryFeatures(5)(Items(data, LENGTH, SAMPLE, 3)).to_dense()
    assert x[0].tolist() == [0, 0, 1]
    assert x[1].tolist() == [0, 0, 0]
    assert x[2].tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 0])
    unknown = {"category": torch.tensor([1, 1, 2, 2])}
    x = CategoryFeatures(3)(Items(unknown, LENGTH, SAMPLE, 3)).to_dense()
    assert x.flatten().tolist() == [0, 0, 1]
