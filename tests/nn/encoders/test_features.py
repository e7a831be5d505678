import pytest
import torch
from torch.nn import functional as F

from mmgraph.graph.items import Items
from mmgraph.nn.encoders.features import VectorEncoder


def items(x, length, sample, batch_size):
    return Items({"features": x}, torch.tensor(length), torch.tensor(sample), batch_size)


def test_linear_map_by_hand():
    x = torch.randn(3, 5)
    encoder = VectorEncoder(5, 8)
    nodes = encoder(items(x, [1, 2], [0, 2], 3))
    expected = F.layer_norm(x @ encoder.project.weight.T + encoder.project.bias, (8,))
    torch.testing.assert_close(nodes.flat(), expected)
    assert nodes.mask.tolist() == [[True, False], [False, False], [True, True]]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_sequences_are_read_one_by_one(cell):
    torch.manual_seed(0)
    x = torch.randn(5, 4)
    encoder = VectorEncoder(4, 8, cell=cell)
    both = encoder(items(x, [2, 3], [0, 0], 1)).flat()
    first, second = (encoder(items(part, [len(part)], [0], 1)).flat() for part in (x[:2], x[2:]))
    torch.testing.assert_close(both, torch.cat([first, second]))
    assert both.shape == (5, 8)
    turned = encoder(items(x[:2].flip(0), [2], [0], 1)).flat().flip(0)
    assert not torch.allclose(turned, first)
