"""What makes no convolution is refused when a network is made, in words."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import ChebConv, GATConv, GINConv, HGTConv

from mmgraph.message_passing.gnn import HeteroGNN

KINDS = [("image", "to", "text"), ("text", "next", "text")]


def own_loops(a, b):
    return GATConv(a, b, heads=4, add_self_loops=False)


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        (lambda a, b: a + b, "one that makes 16"),
        (lambda a, b: GINConv, "one that makes <class"),
        (nn.Linear, r"\(\(x_source, x_target\), edge_index\), got Linear, which fails there"),
        (own_loops, r"8 features .* got 32 from GATConv; several heads"),
        (lambda a, b: nn.Bilinear(a, a, b), "got Bilinear, which fails there"),
        (lambda a, b: ChebConv(a, b, K=2), "got ChebConv, which fails there"),
        (lambda a, b, metadata: nn.Linear(a, b), r"\(x_dict, edge_index_dict\), got Linear"),
        (lambda a, b, metadata: None, "one that makes None"),
        (lambda a, b, metadata: HGTConv(a, 2 * b, metadata), "got 16 from HGTConv"),
    ],
)
def test_no_convolution(conv, message):
    with pytest.raises(ValueError, match=rf"conv: expected .*{message}"):
        HeteroGNN(8, KINDS, conv=conv)


def test_features_of_edges_are_part_of_the_call():
    with pytest.raises(ValueError, match=r"edge_index, edge_attr=...\), got GINConv"):
        HeteroGNN(
            *(8, KINDS[1:]),
            edge_dims={KINDS[1]: 2},
            conv=lambda a, b, edge_dim: GINConv(nn.Linear(a, b)),
        )


def test_nothing_is_drawn_or_learnt_from_it():
    def conv(a, b):
        return GINConv(nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.Dropout(0.5)))

    torch.manual_seed(0)
    gnn = HeteroGNN(8, KINDS, conv=conv, num_layers=1)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    for _ in KINDS:
        conv(8, 8)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(each.training for each in gnn.modules())
    counts = [x for name, x in gnn.state_dict().items() if name.endswith("num_batches_tracked")]
    assert counts == [0, 0]
