import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import DataError
from mmgraph.explain.samples import read_samples
from mmgraph.explain.shapley import Shapley, exact_shapley, sampled_shapley


def game(seed, players):
    """Return a random game with pairs, of which the last player has no part."""
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.randn(players, players, generator=generator)
    pairs[-1] = pairs[:, -1] = 0

    def worth(kept):
        there = kept.float()
        return torch.einsum("cp,pq,cq->c", there, pairs, there)

    return worth, pairs


@given(st.integers(0, 2**31), st.integers(1, 6))
def test_pairs_share_what_they_make(seed, players):
    worth, pairs = game(seed, players)
    # A pair's worth goes half to each; what a player makes alone is its own.
    expected = ((pairs + pairs.T).sum(1) / 2).double()
    torch.testing.assert_close(exact_shapley(worth, players), expected, atol=1e-4, rtol=0)
    everyone = torch.ones(1, players, dtype=torch.bool)
    for orders in (1, 4):
        sampled = sampled_shapley(worth, players, orders=orders, seed=seed % 1000)
        torch.testing.assert_close(sampled.sum(), worth(everyone)[0].double(), atol=1e-4, rtol=0)
        assert abs(float(sampled[-1])) < 1e-6
        # An order and its reverse are exact for games of pairs.
        torch.testing.assert_close(sampled, expected, atol=1e-4, rtol=0)


def test_three_players_by_hand():
    # 12 if the first two are there, 6 more with the third.
    def worth(kept):
        return 12.0 * (kept[:, 0] & kept[:, 1]) + 6.0 * kept.all(1)

    assert exact_shapley(worth, 3).tolist() == pytest.approx([8, 8, 2])
    many = sampled_shapley(worth, 3, orders=4000, seed=0)
    torch.testing.assert_close(many, torch.tensor([8.0, 8.0, 2.0]).double(), atol=0.3, rtol=0)


@pytest.mark.parametrize("players", ["items", "modalities"])
def test_items_and_modalities(mixed, fitted, players):
    sample = read_samples(fitted, mixed[0].iloc[[2]])[0]
    found = Shapley(players=players).attribute(sample, 1)
    everything = float(sample.logits[1])
    assert float(found.scores.sum()) == pytest.approx(everything - found.base, abs=1e-4)
    units = torch.tensor([modality == "photos" for modality, _ in sample.unit_items])
    first = torch.tensor([each == ("photos", 0) for each in sample.unit_items])
    photos = found.scores[first if players == "items" else units]
    assert len(photos.unique()) == 1
    if players == "modalities":
        gone = sample.subsets(torch.stack([units, ~units]))[:, 1]
        # The value lies between what a modality does alone and what it does at last, or it
        # interacts with others; with two sets of players and one game both count the same.
        names = torch.tensor([sample.counts[m] > 0 for m in sample.counts])
        assert names.sum() > 2
        assert torch.isfinite(gone).all()


def test_unknown_players():
    explainer = Shapley()
    object.__setattr__(explainer, "players", "words")  # past the check of types in tests
    with pytest.raises(DataError, match="expected players"):
        explainer.__post_init__()
