import torch
from torch.nn import functional as F

from mmgraph.graph.items import Items
from mmgraph.nn.encoders.tabular import ColumnEncoder


def test_nodes_by_hand():
    encoder = ColumnEncoder(2, 4, width=2, categories=4)
    data = {
        "column": torch.tensor([0, 1, 1]),
        "number": torch.tensor([[0.5, -2.0], [0.0, 0.0], [0.0, 0.0]]),
        "category": torch.tensor([0, 3, 1]),
    }
    nodes = encoder(Items(data, torch.tensor([2, 1]), torch.tensor([0, 1]), 2))
    weight = encoder.weight.weight[0].view(2, 4)
    expected = [
        encoder.bias.weight[0] + 0.5 * weight[0] - 2 * weight[1],
        encoder.bias.weight[1] + encoder.embedding.weight[3],
        encoder.bias.weight[1],  # what is not known is at first only its column
    ]
    torch.testing.assert_close(nodes.flat(), F.layer_norm(torch.stack(expected), (4,)))
    assert nodes.index.tolist() == [[0, 1], [0, 0]]


def test_parts_that_no_column_needs_are_left_out():
    names = [name for name, _ in ColumnEncoder(3, 8, width=0).named_parameters()]
    assert names == ["bias.weight", "norm.weight", "norm.bias"]
