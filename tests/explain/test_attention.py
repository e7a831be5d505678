import numpy as np
import pytest
import torch

from mmgraph.explain.attention import attention_of, layer_matrices, recording
from mmgraph.explain.relevance import AttentionGradient, propagate
from mmgraph.explain.rollout import AttentionRollout, readout_weights, rollout
from mmgraph.explain.samples import read_samples


def test_rollout_by_hand():
    # 0 receives 1 and 2; 1 receives 0 along two relations, which count the same; 2 receives no one.
    first = torch.tensor([[0.0, 0.75, 0.25], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    second = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    # Layer 2 from the readout (1/2, 1/2, 0): each keeps a half, and hands on a half.
    # 0: 1/4; 1: 1/4 + 1/4; 2: 1/4.
    # Layer 1: 0 keeps 1/8 and gets 1/2 of node 1's 1/2; 1 keeps 1/4 and gets 3/8 of 1/4;
    # 2 keeps 1/4 and gets 1/8 of 1/4.
    expected = [1 / 8 + 1 / 4, 1 / 4 + 3 / 32, 1 / 4 + 1 / 32]
    found = rollout([first, second], torch.tensor([0.5, 0.5, 0.0]))
    assert found.tolist() == pytest.approx(expected)
    assert float(found.sum()) == pytest.approx(1)


def test_propagation_by_hand():
    first = torch.tensor([[0.0, 0.5], [0.0, 0.0]])
    second = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    # (I + second) then (I + first): 1 hands 2 to 0, which hands half of its 3 to 1.
    assert propagate([first, second], torch.tensor([1.0, 2.0])).tolist() == [3.0, 3.5]


@pytest.fixture(scope="module")
def sample(mixed, deep):
    return read_samples(deep, mixed[0].iloc[[9]])[0]


def test_matrices_hold_all_relations(sample):
    weights = attention_of(sample)
    layers = layer_matrices(sample, weights)
    assert len(layers) == 2
    received = {each.edge_type: int(each.edge_index.shape[1] > 0) for each in weights}
    present = [name for name, count in sample.counts.items() if count]
    begin = 0
    for name in present:
        relations = sum(received[kind] for kind in received if kind[2] == name)
        row = layers[0][begin : begin + sample.counts[name]]
        # Weights of a target sum to 1 for each relation along which it receives anything; an edge
        # within the modality may be lacking for single nodes.
        assert float(row.sum(1).max()) == pytest.approx(relations, abs=1e-4)
        begin += sample.counts[name]


def test_rollout_of_a_model_is_that_of_its_parts(sample):
    """Compute everything once more, path by path, from the weights as they are listed."""
    begin, total = {}, 0
    for name, count in sample.counts.items():
        begin[name], total = total, total + count
    reach = np.eye(total)
    for layer in (0, 1):
        received = np.zeros((total, total))
        for each in (each for each in attention_of(sample) if each.layer == layer):
            for (source, target), weight in zip(
                each.edge_index.T.tolist(), each.weight.mean(1).tolist(), strict=True
            ):
                at = begin[each.edge_type[2]] + target, begin[each.edge_type[0]] + source
                received[at] += weight
        for node in range(total):
            received[node] = (
                received[node] / received[node].sum()
                if received[node].any()
                else np.eye(total)[node]
            )
        reach = (0.5 * np.eye(total) + 0.5 * received) @ reach
    expected = readout_weights(sample).numpy() @ reach
    got = rollout(layer_matrices(sample, attention_of(sample)), readout_weights(sample))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)
    assert expected.sum() == pytest.approx(1, abs=1e-5)


def test_readout_gives_all_modalities_the_same(sample):
    shares = readout_weights(sample).split([count for count in sample.counts.values() if count])
    modalities = len(shares)
    assert [float(share.sum()) for share in shares] == pytest.approx([1 / modalities] * modalities)


def test_recorded_weights_are_those_of_the_engine(sample):
    gnn = sample.model.fusion.gnn
    with recording(gnn) as found:
        gnn(sample.graph)
    expected = {(each.layer, each.edge_type): each for each in attention_of(sample)}
    assert len(found) == len(expected)
    for each in found:
        same = expected[each.layer, each.edge_type]
        assert torch.equal(each.edge_index, same.edge_index)
        torch.testing.assert_close(each.weight.detach(), same.weight, atol=1e-5, rtol=0)


@pytest.mark.parametrize("explainer", [AttentionRollout(), AttentionGradient()])
def test_scores_sum_to_the_difference(sample, explainer):
    found = explainer.attribute(sample, 1)
    total = float(sample.logits[1]) - found.base
    assert float(found.scores.sum()) == pytest.approx(total, abs=1e-4)
