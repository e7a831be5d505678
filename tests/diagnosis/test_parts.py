"""The pieces of a diagnosis by themselves, against numbers worked out by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch_geometric.nn import SAGEConv

from mmgraph import Custom, GraphFusion, Nodes
from mmgraph.diagnosis import Diagnosis, Measure, additive_projection
from mmgraph.diagnosis.edges import fuse_with_strangers, fuse_without_cross_edges
from mmgraph.diagnosis.projection import largest_prime
from mmgraph.diagnosis.scores import R2, Resampling
from mmgraph.graph.relations import Chain, Complete, WithPosition
from mmgraph.message_passing.convs.names import transformer_conv
from mmgraph.nn.tasks import Regression


def test_projection_by_hand():
    # Rows: the first modality's sample; columns: the second one's. Means of rows 2, 4, 9, of
    # columns 4, 6, 5, of all 5.
    table = torch.tensor([[1.0, 2.0, 3.0], [2.0, 7.0, 3.0], [9.0, 9.0, 9.0]]).unsqueeze(2)
    projected = additive_projection(lambda rows: table[rows[:, 0], rows[:, 1]], 3, 2)
    torch.testing.assert_close(projected.flatten(), torch.tensor([1.0, 5.0, 9.0]))


def test_projection_leaves_additive_logits_alone():
    parts = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0))

    def predict(rows):
        return sum(part[own] for part, own in zip(parts, rows.T, strict=True)) + 1.5

    torch.testing.assert_close(additive_projection(predict, 7, 3, seed=1), parts.sum(0) + 1.5)


def test_projection_of_three_averages_pairs_away():
    # The product of two modalities with mean zero has no linear model, whatever the third is.
    x = torch.randn(3, 11, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    x = x - x.mean(1, keepdim=True)

    def predict(rows):
        return (x[0][rows[:, 0]] * x[1][rows[:, 1]] + x[2][rows[:, 2]]).unsqueeze(1)

    projected = additive_projection(predict, 11, 3)
    # Averages of the third modality are estimates: its rows meet 11 of 121 pairs each.
    assert (projected[:, 0] - x[2]).abs().mean() < 0.4
    assert projected.mean().abs() < 1e-6


def test_projection_of_three_needs_a_prime():
    with pytest.raises(ValueError, match="a prime number of rows, 3 or more, got 9"):
        additive_projection(lambda rows: rows.float(), 9, 3)
    assert [largest_prime(n) for n in (2, 4, 10, 97)] == [2, 3, 7, 97]


def make_nodes(seed, counts=(3, 0, 2)):
    random = torch.Generator().manual_seed(seed)
    sample = torch.repeat_interleave(torch.tensor(counts))
    x = torch.randn(len(sample), 8, generator=random)
    return Nodes.from_flat(x, sample=sample, batch_size=len(counts))


CROSS = {
    "plain": Complete(),
    "featured": WithPosition(Complete(), distance=2),
}


@pytest.mark.parametrize("conv", [transformer_conv, SAGEConv], ids=["dense", "sage"])
@pytest.mark.parametrize("execution", ["auto", "sparse"])
@pytest.mark.parametrize("cross", CROSS)
def test_removed_edges_are_empty_relations(cross, execution, conv):
    if cross == "featured" and conv is SAGEConv:
        pytest.skip("takes no features of edges")
    across = CROSS[cross]
    relations = {
        ("image", "next", "image"): Chain(),
        ("image", "to", "text"): across,
        ("text", "to", "image"): across,
    }
    empty = Custom(
        lambda source, target: torch.zeros(1, 1, 1, dtype=torch.bool),
        features=None if not across.edge_dim else across.edge_features,
        edge_dim=across.edge_dim,
    )
    options = {"conv": conv, "execution": execution, "dropout": 0.0}
    names = {"image": {}, "text": {}}
    torch.manual_seed(0)
    full = GraphFusion(names, 8, relations=relations, **options).eval()
    none = GraphFusion(
        names,
        8,
        relations={kind: empty if "to" in kind else each for kind, each in relations.items()},
        **options,
    ).eval()
    none.load_state_dict(full.state_dict())
    nodes = {"image": make_nodes(1), "text": make_nodes(2, (2, 2, 0))}
    removed = fuse_without_cross_edges(full, nodes)
    torch.testing.assert_close(removed, none(nodes))
    assert (removed - full(nodes)).abs().max() > 1e-3


@pytest.mark.parametrize("global_node", [False, True])
def test_strangers_are_heard_only_along_cross_edges(global_node):
    torch.manual_seed(0)
    fusion = GraphFusion({"image": {}, "text": {}}, 8, global_node=global_node).eval()
    nodes = {"image": make_nodes(1), "text": make_nodes(2)}
    same = fuse_with_strangers(fusion, nodes, nodes)
    torch.testing.assert_close(same, fusion(nodes))
    others = {"image": make_nodes(3), "text": make_nodes(4)}
    strange = fuse_with_strangers(fusion, nodes, others)
    # The middle sample has no nodes, and neither has its stranger.
    apart = (strange - same).abs().amax(1)
    assert apart[[0, 2]].min() > 1e-3
    torch.testing.assert_close(strange[1], same[1])


def test_variance_explained_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    truth = random.normal(size=(30, 2)) * [1, 50] + [1e4, -3]
    predicted = truth + random.normal(size=(30, 2)) * [0.5, 20]
    task = Regression(2)
    score = R2(task, truth)
    numbers = score.measure(torch.from_numpy(predicted))
    scores = Resampling(score, 30, draws=3, seed=1)(numbers)
    assert scores[0] == pytest.approx(r2_score(truth, predicted))
    drawn = np.random.default_rng(1).multinomial(30, np.full(30, 1 / 30), 3)
    chosen = np.repeat(np.arange(30), drawn[2])
    assert scores[3] == pytest.approx(r2_score(truth[chosen], predicted[chosen]))


def test_variance_of_constants():
    score = R2(Regression(1), np.full((4, 1), 7.0))
    resample = Resampling(score, 4, draws=2)
    assert resample(score.measure(torch.full((4, 1), 7.0))).tolist() == [1, 1, 1]
    assert resample(score.measure(torch.full((4, 1), 8.0))).tolist() == [0, 0, 0]


def make_diagnosis(**changed):
    """Return made-up measures of a model that texts alone would do as well for."""
    values = {
        ("score", None): (0.8, 0.01),
        ("nothing", None): (0.1, 0.01),
        ("emap_rows", None): (0.8, 0.01),
        ("emap", None): (0.798, 0.01),
        ("interaction", None): (0.002, 0.005),
        ("edges_removed", None): (0.03, 0.01),
        ("edges_shuffled", None): (0.04, 0.01),
    }
    for name, share in (("text", 0.5), ("image", 0.2)):
        values |= {
            ("alone", name): (0.1 + share, 0.02),
            ("lead", name): (0.7 - share, 0.02),
            ("hidden", name): (share / 2, 0.01),
            ("permuted", name): (share, 0.02),
            ("shapley", name): (share, 0.01),
        }
    for key, value in changed.items():
        name, _, modality = key.partition("__")
        values[name, modality or None] = value
    measures = [Measure(*key, *value, rows=500) for key, value in values.items()]
    return Diagnosis("accuracy", True, ("image", "text"), tuple(measures))


def test_verdict_says_what_is_clear():
    verdict = make_diagnosis().verdict.split("\n")
    assert verdict[0].startswith("Accuracy 0.800 ± 0.010 on 500 rows, 0.100 with every modality")
    assert verdict[1].startswith("text: it adds 25.0 ± 1.0 points to the rest; alone it has 0.600")
    assert verdict[2].startswith("image: it adds 10.0 ± 1.0 points")
    assert verdict[3].startswith("Nearly all of the model's accuracy is additive")
    assert verdict[4].startswith("The edges between modalities are worth 3.0 ± 1.0")
    assert len(verdict) == 5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"hidden__image": (0.012, 0.008)},
            "image: no gain from it beside the rest could be",
        ),
        ({"hidden__image": (0.012, 0.008)}, "at most about 2.8 points"),
        ({"hidden__image": (-0.05, 0.01)}, "image: it costs 5.0 ± 1.0 points beside the rest"),
        ({"interaction": (0.01, 0.02)}, "No interaction between modalities could be shown"),
        ({"interaction": (0.02, 0.002)}, "additive, a little is interaction"),
        ({"interaction": (0.2, 0.01)}, "Part of what the model learnt is interaction"),
        ({"interaction": (0.5, 0.01)}, "Most of what the model learnt is interaction"),
        ({"interaction": (-0.05, 0.01)}, "of interaction does harm"),
        ({"interaction": (0.0, 0.0)}, "Nearly all of the model's accuracy is additive"),
        ({"edges_removed": (0.01, 0.01)}, "loses nothing that could be shown (1.0 ± 1.0 points"),
        ({"edges_removed": (0.0, 0.0)}, "(0.0 ± 0.0 points, so at most about 0.6 points)"),
        ({"edges_removed": (-0.05, 0.01)}, "the trained model is 5.0 ± 1.0 points better"),
        ({"lead__text": (-0.05, 0.01)}, "Warning: the fusion loses to one modality: text alone"),
        ({"lead__text": (-0.05, 0.01)}, "is 5.0 ± 1.0 points better"),
        ({"lead__text": (0.01, 0.01)}, "Warning: the model could not be shown to beat text alone"),
    ],
)
def test_verdict_claims_no_more_than_the_errors_allow(changed, said):
    assert said in make_diagnosis(**changed).verdict
