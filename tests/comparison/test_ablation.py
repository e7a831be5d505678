import pytest
import torch

from mmgraph import Chain, Grid, Nodes
from mmgraph.comparison.ablation import (
    make_ablations,
    shuffled,
    with_shuffled,
    without_across,
    without_within,
)

MODALITIES = {"image": {"grid": Grid(2, 3)}, "text": {"chain": Chain()}}


def nodes(*counts):
    sample = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return Nodes.from_flat(torch.randn(len(sample), 8), sample=sample, batch_size=len(counts))


def test_shuffled_keeps_the_number_of_edges_of_each_sample():
    words = nodes(7, 4, 0, 1)
    right = Chain().adjacency(words, words)
    wrong = shuffled(Chain()).adjacency(words, words)
    assert wrong.sum((1, 2)).tolist() == right.sum((1, 2)).tolist() == [12, 6, 0, 0]
    assert not torch.equal(wrong, right)
    assert not wrong.diagonal(dim1=1, dim2=2).any()


def test_a_sample_is_shuffled_alone_as_in_a_batch():
    words = nodes(7, 4)
    alone = nodes(4)
    together = shuffled(Chain()).adjacency(words, words)[1, :4, :4]
    assert torch.equal(together, shuffled(Chain()).adjacency(alone, alone)[0])


def test_relations_that_are_left():
    def kinds(make):
        return {(start, to) for start, _, to in make(MODALITIES, 8).relations}

    within, across = {(n, n) for n in MODALITIES}, {("image", "text"), ("text", "image")}
    assert kinds(without_across) == within
    assert kinds(without_within) == across
    assert kinds(with_shuffled) == within | across


def test_every_ablation_can_be_trained(frame, make_classifier):
    template = make_classifier(epochs=1, refit=False, linear=False)
    for name, estimator in make_ablations(template).items():
        probability = estimator.fit(frame, frame["label"]).predict_proba(frame[:2])
        assert probability.sum(1) == pytest.approx([1, 1], abs=1e-5), name
