import math

import pytest
import torch

from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.neighbours.model import Neighbours, shares_of
from mmgraph.nn.neighbours.similarity import NEVER, RowVectors
from mmgraph.nn.neighbours.vectors import UnitVectors
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def knowing(task, target, vectors=(EAST, NORTH), count=50):
    """Neighbours that know some rows of one modality, and count for rows that have it."""
    task.fit(target)
    neighbours = Neighbours([[0]], task, count=count)
    real = torch.ones(len(vectors), 1, dtype=torch.bool)
    neighbours.add(RowVectors((torch.tensor(vectors),), real), target)
    neighbours.sharpness = torch.tensor([2.0])
    neighbours.weight = torch.tensor([0.0, 1.0])
    return neighbours


def asking(*vectors):
    return RowVectors((torch.tensor(vectors),), torch.ones(len(vectors), 1, dtype=torch.bool))


def test_vote_by_hand():
    share = math.exp(2) / (math.exp(2) + 1)
    neighbours = knowing(Multiclass(2), torch.tensor([0, 1]))
    found = neighbours.find(asking(EAST))
    assert found.row.tolist() == [[0, 1]]
    assert found.share[0].tolist() == pytest.approx([share, 1 - share])
    # A fiftieth of the prior, one half for each class.
    expected = [math.log(0.98 * each + 0.01) for each in (share, 1 - share)]
    assert neighbours.logits(found)[0].tolist() == pytest.approx(expected)


def test_votes_on_labels_and_numbers_by_hand():
    share = math.exp(2) / (math.exp(2) + 1)
    labels = knowing(Multilabel(2), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    # Priors count one more row with and one without: 3 / 4 and 2 / 4.
    likely = [0.98 + 0.02 * 0.75, 0.98 * (1 - share) + 0.01]
    assert labels.combine(asking(EAST)).sigmoid()[0].tolist() == pytest.approx(likely)
    task = Regression(1)
    numbers = knowing(task, torch.tensor([[3.0], [5.0]]))
    assert float(task.activate(numbers.combine(asking(EAST)))) == pytest.approx(5 - 2 * share)


def test_only_the_nearest_vote():
    neighbours = knowing(Multiclass(2), torch.tensor([0, 1]), count=1)
    assert neighbours.find(asking(NORTH)).row.tolist() == [[1]]


def test_weight_of_the_vote_goes_by_what_a_row_has():
    neighbours = knowing(Multiclass(2), torch.tensor([0, 1]))
    whole = neighbours.combine(asking(EAST, NORTH))
    neighbours.weight = torch.tensor([0.0, 0.25])
    torch.testing.assert_close(neighbours.combine(asking(EAST, NORTH)), whole / 4)
    neighbours.weight = torch.zeros(2)
    assert neighbours.combine(asking(EAST, NORTH)).tolist() == [[0, 0], [0, 0]]


def test_rows_like_none_share_nothing():
    alike = torch.tensor([[NEVER, NEVER], [1.0, NEVER]])
    assert shares_of(alike).tolist() == [[0, 0], [1, 0]]


def test_further_rows_vote_at_once():
    neighbours = knowing(Multiclass(2), torch.tensor([0, 1]))
    before = neighbours.combine(asking(EAST)).softmax(1)
    neighbours.add(asking(EAST, EAST), torch.tensor([1, 1]))
    after = neighbours.combine(asking(EAST)).softmax(1)
    assert after[0, 1] > before[0, 1] + 0.3


@pytest.mark.parametrize("sparse", [False, True])
def test_vectors_have_length_1_and_come_again_from_a_state(sparse):
    x = torch.randn(30, 12, generator=torch.Generator().manual_seed(0))
    real = torch.arange(30) % 5 > 0
    x = x * real.unsqueeze(1)
    x = x.to_sparse() if sparse else x
    vectors = UnitVectors(4)
    vectors.fit([x], real)
    found = vectors([x])
    assert found.shape == (30, 4)
    torch.testing.assert_close(found[real].norm(dim=1), torch.ones(24))
    again = UnitVectors(4)
    again.load_state_dict(vectors.state_dict())
    torch.testing.assert_close(again([x]), found)


def test_components_are_those_of_the_standardised_features():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=generator) * torch.tensor([9.0, 1, 1, 1, 1, 1])
    x[:, 2] = x[:, 1] + 0.01 * x[:, 2]  # the only features that go together
    vectors = UnitVectors(1)
    vectors.fit([x], torch.ones(200, dtype=torch.bool))
    basis = vectors.basis[:, 0].abs() * x.std(0)
    assert set(basis.topk(2).indices.tolist()) == {1, 2}


def test_saved_neighbours_predict_the_same():
    task = Multiclass(2)
    features = ScaledFeatures(
        [torch.randn(20, 8, generator=torch.Generator().manual_seed(0))],
        torch.ones(20, 1, dtype=torch.bool),
    )
    target = torch.arange(20) % 2
    task.fit(target)
    neighbours = Neighbours([[0]], task)
    neighbours.learn(features, target)
    neighbours.weight = torch.tensor([0.0, 0.5])
    again = Neighbours([[0]], task)
    again.load_state_dict(neighbours.state_dict())
    torch.testing.assert_close(again(features), neighbours(features))
    assert again.vectors_0.dtype == torch.float16
