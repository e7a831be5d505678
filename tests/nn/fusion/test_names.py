"""Fusions, convolutions and readouts by name, and fusions with options."""

import copy
import inspect
import re

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv, HGTConv, LEConv, SAGEConv, TransformerConv

from mmgraph.graph.relations import Chain, WithPosition
from mmgraph.message_passing.convs.names import CONVS, find_conv
from mmgraph.nn.fusion import (
    FUSIONS,
    ConcatFusion,
    FusionChoice,
    GraphFusion,
    LateFusion,
    find_fusion,
)
from mmgraph.nn.readout import READOUTS, Readout, make_readout
from mmgraph.testing import random_nodes

MODALITIES = {"image": {}, "text": {}}


class Largest(nn.Module):
    """A readout of the user's."""

    def __init__(self, channels):
        super().__init__()
        self.readout = Readout("max", channels)

    def forward(self, nodes):
        return self.readout(nodes)


def make_batch():
    torch.manual_seed(0)
    return {name: random_nodes([[2], [], [3]], 8) for name in MODALITIES}


@pytest.mark.parametrize("name", FUSIONS)
def test_a_name_a_class_and_a_choice_are_the_same(name):
    kind = FUSIONS[name]
    choices = [find_fusion(each) for each in (name, kind, kind.options(), FusionChoice(kind))]
    assert choices == [choices[0]] * 4
    assert type(choices[0](MODALITIES, 8)) is kind


@pytest.mark.parametrize("name", CONVS)
def test_every_convolution_by_name(name):
    fusion = GraphFusion(MODALITIES, 8, conv=name).eval()
    assert fusion(make_batch()).shape == (3, 8)


def test_convolutions_are_those_of_pyg():
    assert isinstance(find_conv("gat")(8, 8), GATConv)
    assert isinstance(GraphFusion(MODALITIES, 8, conv="hgt").gnn.layers[0].conv, HGTConv)
    assert find_conv(GATConv) is GATConv


@pytest.mark.parametrize("name", READOUTS)
def test_readouts_by_name_and_by_class(name):
    assert make_readout(name, 8).kind == name
    by_class = ConcatFusion(MODALITIES, 8, readout=lambda channels: Readout(name, channels))
    assert {each.kind for each in by_class.readouts.values()} == {name}


@pytest.mark.parametrize("kind", FUSIONS.values())
def test_every_fusion_takes_a_readout_of_ones_own(kind):
    fusion = kind(MODALITIES, 8, readout=Largest)
    assert len([each for each in fusion.modules() if isinstance(each, Largest)]) == 2
    assert fusion(make_batch()).shape[0] == 3


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: find_fusion("concatt"), "no fusion 'concatt'; did you mean 'concat'? There are:"),
        (lambda: find_fusion("weighted_sum"), "did you mean 'weighted-sum'?"),
        (lambda: find_fusion("Late"), "did you mean 'late'?"),
        (lambda: find_fusion("xyz"), "no fusion 'xyz'; there are: graph, concat,"),
        (lambda: find_fusion(None), "fusion: expected one of graph, concat,"),
        (lambda: find_fusion(ConcatFusion(["a"], 4)), "a class of mmgraph.nn, or"),
        (lambda: find_conv("gatt"), "no convolution 'gatt'; did you mean 'gat"),
        (lambda: find_conv(3), "conv: expected one of transformer, gat,"),
        (lambda: find_conv(nn.Linear(2, 2)), "a function of (in_channels, out_channels)"),
        (lambda: GraphFusion.options(conv="sagee"), "did you mean 'sage'?"),
        (lambda: GraphFusion.options(execution="densely"), "one of 'auto', 'dense', 'sparse', got"),
        (lambda: GraphFusion.options(readout="maxx"), "no readout 'maxx'; did you mean 'max'?"),
        (lambda: ConcatFusion.options(readout=3), "readout: expected one of mean, max,"),
        (lambda: ConcatFusion.options(num_layers=2), "ConcatFusion does not take num_layers="),
        (lambda: ConcatFusion.options(dropuot=0.1), "did you mean 'dropout'?"),
        (lambda: ConcatFusion.options(channels=8), "ConcatFusion does not take channels="),
    ],
)
def test_unknown_names_list_what_there_is(ask, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ask()


def test_what_is_chosen_is_passed_on_whatever_its_value():
    def fusion(modalities, channels, *, dropout=0.5):
        return ConcatFusion(modalities, channels, dropout=dropout)

    assert FusionChoice(fusion)(MODALITIES, 8).mlp[-1].p == 0.5
    assert FusionChoice(fusion, {"dropout": 0.2})(MODALITIES, 8).mlp[-1].p == 0.2
    with pytest.raises(ValueError, match="does not take dropout="):
        FusionChoice(lambda modalities, channels: None, {"dropout": 0.2})


def test_choices_are_values():
    given = {"dropout": 0.3}
    choice = FusionChoice(ConcatFusion, given)
    given["dropout"] = 0.9
    assert choice.options == {"dropout": 0.3}
    assert choice.changed(readout="mean").options == {"dropout": 0.3, "readout": "mean"}
    assert choice.options == {"dropout": 0.3}
    assert copy.deepcopy(choice) == choice
    assert eval(repr(choice)) == choice
    assert choice.parameters() == {"readout": "attention", "dropout": 0.3}


def test_options_another_fusion_takes_as_well():
    graph = GraphFusion.options(num_layers=3, dropout=0.4)
    assert graph.taken_by(ConcatFusion) == ConcatFusion.options(dropout=0.4)


@pytest.mark.parametrize("kind", FUSIONS.values())
def test_every_option_is_documented(kind):
    for name in inspect.signature(kind).parameters:
        assert re.search(rf"^ +{name}: ", kind.__doc__, re.MULTILINE), name


def edge_conv(in_channels, out_channels, edge_dim):
    return TransformerConv(in_channels, out_channels, edge_dim=edge_dim)


def test_what_options_make_is_tried_before_modalities_are_known():
    state = torch.get_rng_state()
    GraphFusion.options(conv="gat").try_at(8)
    GraphFusion.options(conv=edge_conv).try_at(8)  # all relations may have features
    relations = {("text", "next", "text"): WithPosition(Chain())}
    GraphFusion.options(conv=edge_conv, relations=relations).try_at(8)
    ConcatFusion.options(dropout=0.1).try_at(8)
    FusionChoice(lambda modalities, channels: None).try_at(8)
    assert torch.equal(torch.get_rng_state(), state)
    for options in ({"conv": GATConv}, {"conv": LEConv, "execution": "dense"}):
        with pytest.raises(ValueError, match=r"add_self_loops=False|LEConv has no dense form"):
            GraphFusion.options(**options).try_at(8)
    with pytest.raises(ValueError, match="1 features of each edge"):
        GraphFusion.options(conv=SAGEConv, relations=relations).try_at(8)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (LateFusion, {"dropout": "0.2"}),
        (GraphFusion, {"num_layers": 1.5}),
        (LateFusion, {"weighting": "learnd"}),
        (GraphFusion, {"execution": "dens"}),
    ],
)
def test_options_of_other_types_are_refused_when_they_are_chosen(kind, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected {name} to be "):
        kind.options(**options)
