"""Programs before they are traced: the same numbers as the model, whatever a batch lacks."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv, GATv2Conv, GINConv, HGTConv, LEConv, SAGEConv

from mmgraph import (
    Audio,
    Features,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Nearest,
    Tabular,
    Text,
    WithPosition,
)
from mmgraph.errors import ExportError
from mmgraph.export.program import Program
from mmgraph.graph.relations import Chain, Complete
from mmgraph.message_passing.convs.names import transformer_conv
from mmgraph.nn import fusion

EXACT = 1e-5


def test_all_modalities(classifier, rows, differ):
    assert differ(classifier, rows) < EXACT


def test_several_items_and_lengths_unlike_the_training_rows(classifier, rows, differ):
    new = rows.copy()
    new.at[1, "text"] = [" ".join(["blue cat"] * 40), "red"]
    new.at[2, "image"] = [rows["image"][1], rows["image"][2]]
    new.at[5, "v"] = np.ones((30, 4), np.float32)
    new.at[6, "kind"] = "never seen"
    assert differ(classifier, new) < EXACT


def test_labels_and_numbers(fit, rows, differ):
    modalities = [Text("text", features=None), Tabular(["size", "kind"])]
    labels = [["red", "blue"][: n % 3] for n in range(len(rows))]
    assert differ(fit(modalities, labels), rows) < EXACT
    numbers = np.arange(len(rows) * 2.0).reshape(-1, 2)
    model = fit(modalities, numbers, MultimodalGraphRegressor, linear=False, absent_nodes=True)
    assert differ(model, rows) < EXACT * numbers.std()


CONVS = {
    "sage": lambda i, o: SAGEConv(i, o, aggr="max"),
    "gat": lambda i, o: GATConv(i, o // 2, heads=2, add_self_loops=False),
    "gatv2": lambda i, o: GATv2Conv(i, o // 2, heads=2, add_self_loops=False),
    "gin": lambda i, o: GINConv(nn.Linear(i, o)),
    "hgt": lambda i, o, metadata: HGTConv(i, o, metadata, heads=2),
}


@pytest.mark.parametrize("name", CONVS)
def test_convolutions(name, fit, rows, differ):
    modalities = [Text("text", features=None), Features("v", rnn="lstm")]
    model = fit(modalities, conv=CONVS[name], linear=False, readout="set2set")
    assert differ(model, rows) < EXACT


@pytest.mark.parametrize("name", [each for each in fusion.__all__ if each.endswith("Fusion")])
def test_fusions(name, fit, rows, differ):
    if name == "Fusion":
        pytest.skip("the base class")
    options = {"fusion": getattr(fusion, name), "num_layers": None}  # not all have layers
    model = fit([Features("v"), Tabular(["size"])], linear=False, **options)
    assert differ(model, rows) < EXACT


def test_relations(fit, rows, differ):
    relations = {
        ("text", "near", "text"): Nearest(3),
        ("text", "next", "text"): WithPosition(Chain(2)),
        ("v", "to", "text"): Complete(),
        ("text", "to", "v"): Complete(within="item"),
    }
    modalities = [Text("text", features=None), Features("v")]
    model = fit(modalities, relations=relations, conv=transformer_conv, linear=False)
    assert differ(model, rows) < EXACT


def test_nothing_of_a_row_goes_with_a_program(classifier):
    text = classifier.modalities_[1]
    items = text.collate(text.transform([["secret words here"]]))
    filler = Program(classifier.model_, {"text": items}).fillers["text"]
    for key in ("ids", "characters", "words"):
        assert items.data[key].any()
        assert not filler.data[key].any()
    # How long things are must stay.
    assert filler.data["words_length"].equal(items.data["words_length"])


def test_a_convolution_without_a_dense_form_is_refused(fit):
    model = fit([Features("v")], conv=LEConv, linear=False)
    with pytest.raises(ExportError, match=r"LEConv has no dense form.*fit with a convolution"):
        Program(model.model_, {})


def test_the_model_itself_stays_as_it_was(classifier):
    before = {name: value.clone() for name, value in classifier.model_.state_dict().items()}
    Program(classifier.model_, {})
    after = classifier.model_.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(weight.requires_grad for weight in classifier.model_.head.parameters())


def test_sounds(differ):
    sounds = [(np.sin(np.arange(800 + 400 * n) * 0.3), 8000) for n in range(20)]
    frame = pd.DataFrame({"sound": pd.Series(sounds, dtype=object)})
    frame.loc[::4, "sound"] = None
    model = MultimodalGraphClassifier(
        [Audio("sound", rate=8000)],
        channels=8,
        num_layers=1,
        epochs=1,
        validation=0.0,
        verbose=False,
    )
    assert differ(model.fit(frame, ["low", "high"] * 10), frame) < EXACT


def test_neighbours_of_all_kinds_of_features(fit, rows, unlike, differ):
    modalities = [Text("text", features=None), Tabular(["size", "kind"]), Features("v")]
    model = fit(modalities)
    neighbours = model.model_.neighbours
    neighbours.weight = torch.linspace(0, 0.7, 8)
    assert any(len(kinds) > 1 for kinds in neighbours.kinds)
    assert differ(model, unlike) < 1e-5
    for count in (1, len(neighbours.target) + 5):
        neighbours.count = count
        assert differ(model, rows) < 1e-5
    labels = [[{"red"}, {"red", "cat"}, set()][n % 3] for n in range(len(rows))]
    labeller = fit(modalities[:2], labels)
    labeller.model_.neighbours.weight = torch.tensor([0.0, 0.3, 0.4, 0.5])
    assert differ(labeller, unlike) < 1e-5
