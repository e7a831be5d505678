import torch

from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.model import MultimodalClassifier


def test_balance_trusts_the_better_part():
    torch.manual_seed(0)
    target = torch.randint(0, 3, (300,))
    good = 3 * torch.nn.functional.one_hot(target, 3) + torch.randn(300, 3)
    useless, wrong = 3 * torch.randn(300, 3), -good
    model = MultimodalClassifier({}, GraphFusion({"text": {}}, 8), 3)
    assert model.weights.tolist() == [1, 1]
    model.balance(good, useless, target)
    assert model.weights[0] > 0.8
    assert model.weights[1] < 0.2
    model.balance(wrong, good, target)
    assert model.weights[0] == 0
    assert model.weights[1] > 0.3
