"""Every formula with small fixed weights, against numbers worked out by hand.

Readouts are sums, so that the vector of a modality with one node is that node. GELU(10) is 10.
"""

import math

import pytest
import torch
from torch import nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion import (
    BilinearFusion,
    BottleneckFusion,
    ConcatFusion,
    CrossAttentionFusion,
    FiLMFusion,
    GatedFusion,
    LateFusion,
    LowRankFusion,
    TensorFusion,
    WeightedSumFusion,
)
from mmgraph.nn.fusion.attention import NodeAttention

GELU_OF_1 = 0.8413447
BOTH = ["image", "text"]


def make_nodes(*samples):
    """Nodes of samples that are lists of node features."""
    sample = torch.repeat_interleave(torch.tensor([len(nodes) for nodes in samples]))
    rows = [node for nodes in samples for node in nodes]
    return Nodes.from_flat(torch.tensor(rows), sample=sample, batch_size=len(samples))


def make_batch(image, text):
    """One node in each modality; a sample with both, one with the text alone, one with none."""
    return {"image": make_nodes([image], [], []), "text": make_nodes([text], [text], [])}


def set_linear(linear, weight, bias=None):
    assert linear.weight.shape == torch.tensor(weight).shape
    linear.weight.data = torch.tensor(weight)
    if linear.bias is not None:
        linear.bias.data = torch.zeros(len(weight)) if bias is None else torch.tensor(bias)


def expect(result, rows, tolerance=1e-5):
    torch.testing.assert_close(result, torch.tensor(rows), atol=tolerance, rtol=tolerance)


def test_concatenation():
    fusion = ConcatFusion(BOTH, 1, readout="sum").eval()
    set_linear(fusion.mlp[0], [[1.0, 10.0]], [-5.0])
    # 20 + 10 · 30 - 5; zeros in the image's place; zeros in both places, and GELU(-5) is 0.
    expect(fusion(make_batch([20.0], [30.0])), [[315.0], [295.0], [0.0]])


def test_weighted_sum():
    fusion = WeightedSumFusion(BOTH, 1, readout="sum").eval()
    for lin in fusion.lins.values():
        set_linear(lin, [[1.0]])
    fusion.weight.data = torch.tensor([3.0, 1.0]).log()
    # Three quarters of 4 and one of 8; text alone; nothing.
    expect(fusion(make_batch([4.0], [8.0])), [[5.0], [8.0], [0.0]])


@pytest.mark.parametrize(("weighting", "shares"), [("mean", (1, 1)), ("learned", (3, 1))])
def test_late_fusion(weighting, shares):
    fusion = LateFusion(BOTH, 1, readout="sum", weighting=weighting).eval()
    for mlp in fusion.mlps.values():
        set_linear(mlp[0], [[1.0]])
    if weighting == "learned":
        fusion.weight.data = torch.tensor([3.0, 1.0]).log()
    image, text = (share / sum(shares) for share in shares)
    both = [10.0 * image, image, GELU_OF_1 * text, text]
    expect(
        fusion(make_batch([10.0], [1.0])), [both, [0.0, 0.0, GELU_OF_1, 1.0], [0.0, 0.0, 0.0, 0.0]]
    )


def test_late_fusion_averages_the_logits_of_a_head_a_modality():
    torch.manual_seed(0)
    fusion, head = LateFusion(BOTH, 4).eval(), nn.Linear(2 * 5, 3)
    torch.nn.init.normal_(head.bias)
    batch = make_batch([0.5, -1.0, 2.0, 0.0], [1.0, 1.0, -1.0, 3.0])
    logits = {}
    for name, (weight, bias) in zip(
        BOTH, ((w[:, :4], w[:, 4]) for w in head.weight.split(5, dim=1)), strict=True
    ):
        features = fusion.mlps[name](fusion.readouts[name](batch[name]))
        logits[name] = features @ weight.T + bias + head.bias
    expected = [(logits["image"][0] + logits["text"][0]) / 2, logits["text"][1], head.bias]
    torch.testing.assert_close(head(fusion(batch)), torch.stack(expected))


def test_gated_multimodal_unit():
    fusion = GatedFusion(BOTH, 1, readout="sum").eval()
    for lin in fusion.lins.values():
        set_linear(lin, [[1.0]])
    image, text = math.atanh(0.5), math.atanh(0.8)
    # The image's gate sees the image, and is σ(log 3) = 3/4 with it; the text's gate sees both,
    # and is σ(log 3 - log 9) = 1/4 with the image, σ(-log 9) = 1/10 without.
    log3 = math.log(3)
    set_linear(fusion.gate, [[log3 / image, 0.0], [log3 / image, -2 * log3 / text]])
    expect(fusion(make_batch([image], [text])), [[0.75 * 0.5 + 0.25 * 0.8], [0.1 * 0.8], [0.0]])


def test_tensor_fusion():
    fusion = TensorFusion(BOTH, 1, readout="sum", size=1).eval()
    for lin in fusion.lins.values():
        set_linear(lin, [[1.0]], [5.0])  # of which nothing is seen where a modality is missing
    set_linear(fusion.mlp[0], [[1.0, 10.0, 100.0, 1000.0]])
    # The tensor is [image · text, image, text, 1].
    expect(
        fusion(make_batch([15.0], [25.0])),
        [[20.0 * 30 + 10 * 20 + 100 * 30 + 1000], [100.0 * 30 + 1000], [1000.0]],
    )


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, 63), (2, 10), (3, 4), (4, 3), (9, 1)],  # 64, 11², 5³, 4⁴ features; 2⁹ is the least
)
def test_tensor_is_no_wider_than_a_concatenation(count, size):
    assert TensorFusion([f"m{number}" for number in range(count)], 64).size == size


def test_low_rank_fusion():
    fusion = LowRankFusion(BOTH, 1, readout="sum", rank=2).eval()
    set_linear(fusion.factors["image"], [[1.0], [2.0]], [1.0, -1.0])
    set_linear(fusion.factors["text"], [[1.0], [-1.0]], [2.0, 1.0])
    fusion.bias.data = torch.tensor([0.5])
    # (3 + 1)(5 + 2) + (6 - 1)(-5 + 1); (1)(5 + 2) + (-1)(-5 + 1); (1)(2) + (-1)(1).
    expect(fusion(make_batch([3.0], [5.0])), [[8.5], [11.5], [1.5]])


def test_low_rank_fusion_is_tensor_fusion_with_a_tensor_of_low_rank():
    torch.manual_seed(0)
    names = ["image", "text", "audio"]
    fusion = LowRankFusion(names, 4, readout="sum", rank=3).eval()
    nodes = {name: make_nodes([torch.randn(4).tolist()]) for name in names}
    w = [  # [rank, channels out, channels in and 1]
        torch.cat([factor.weight, factor.bias.unsqueeze(1)], 1).view(3, 4, 5)
        for factor in fusion.factors.values()
    ]
    tensor = torch.einsum("roi,roj,rok->oijk", *w)
    z = [torch.cat([each.x[0, 0], torch.ones(1)]) for each in nodes.values()]
    torch.testing.assert_close(fusion(nodes)[0], torch.einsum("oijk,i,j,k->o", tensor, *z))


@pytest.mark.parametrize("names", [["image"], BOTH, [*BOTH, "audio", "table"]], ids=len)
def test_low_rank_fusion_starts_from_one(names):
    fusion = LowRankFusion(names, 4).eval()
    expect(fusion(dict.fromkeys(names, make_nodes([], [[0.0] * 4])))[:1], [[1.0] * 4])


def test_bilinear_fusion():
    fusion = BilinearFusion(BOTH, 2, readout="sum", factors=2).eval()
    set_linear(fusion.lins["image"], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    set_linear(
        fusion.lins["text"], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 0.0, 0.0, -9.0]
    )
    # Products (2 · 3, 1 · 10, 2 · 3, -1 · 1), sums (16, 5), of length √21 once rooted;
    # the text alone (3, 10, 3, 1), sums (13, 4), of length √17.
    expect(
        fusion(make_batch([2.0, 1.0], [3.0, 10.0])),
        [
            [math.sqrt(2 * 16 / 21), math.sqrt(2 * 5 / 21)],
            [math.sqrt(2 * 13 / 17), math.sqrt(2 * 4 / 17)],
            [0.0, 0.0],
        ],
        tolerance=1e-4,
    )


def test_bilinear_fusion_keeps_signs():
    fusion = BilinearFusion(["text"], 2, readout="sum", factors=1).eval()
    set_linear(fusion.lins["text"], [[1.0, 0.0], [0.0, 1.0]])
    # Roots (-3, 4), of length 5.
    result = fusion({"text": make_nodes([[-9.0, 16.0]])})
    expect(result, [[-math.sqrt(2) * 3 / 5, math.sqrt(2) * 4 / 5]], tolerance=1e-4)


def test_feature_wise_linear_modulation():
    fusion = FiLMFusion(BOTH, 2, readout="sum").eval()
    fusion.concat.mlp = nn.Identity()
    # Of the text's mean (2, 4), γ is (1, 0) and β is (0, 1); the image says nothing.
    set_linear(fusion.lins["text__image"], [[0.5, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.25]])
    set_linear(fusion.lins["image__text"], [[0.0, 0.0]] * 4)
    image, text = [[1.0, 3.0]], [[1.0, 5.0], [3.0, 3.0]]
    nodes = {"image": make_nodes(image, image, []), "text": make_nodes(text, [], [])}
    # norm((1, 3)) = (-1, 1), modulated (-2, 2); norm((1, 5)) = (-1, 1), norm((3, 3)) = (0, 0);
    # GELU(-a) = GELU(a) - a.
    gelu_of_2 = 1.9544997
    changed = [1 + gelu_of_2 - 2, 3 + gelu_of_2]
    as_it_is = [1 + GELU_OF_1 - 1, 3 + GELU_OF_1]
    words = [4 + GELU_OF_1 - 1, 8 + GELU_OF_1]
    expected = [[*changed, *words], [*as_it_is, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    expect(fusion(nodes), expected, tolerance=1e-4)


#: What (1, -1) receives messages from (-1, 1) and (1, -1): logits ∓√2, and values opposite to each
#: other.
HEARD = 2 / (1 + math.exp(-2 * math.sqrt(2))) - 1
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]


def set_attention(attention, query=IDENTITY):
    set_linear(attention.lin_query, query)
    for linear in (attention.lin_key, attention.lin_value, attention.lin_out):
        set_linear(linear, IDENTITY)


def test_attention():
    attention = NodeAttention(2, 1, 0.0)
    set_attention(attention)
    target = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])
    source = make_nodes([[0.0, 1.0], [1.0, 0.0]], [])
    attention.lin_value.bias.data = torch.tensor([0.0, 7.0])
    expect(
        attention(target, source.x, source.mask),
        [[[HEARD, 7 - HEARD]], [[0.0, 0.0]]],
        tolerance=1e-4,
    )


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    ours, theirs = NodeAttention(8, 4, 0.0), nn.MultiheadAttention(8, 4, batch_first=True)
    parts = (ours.lin_query, ours.lin_key, ours.lin_value)
    theirs.in_proj_weight.data = torch.cat([part.weight for part in parts])
    theirs.in_proj_bias.data = torch.cat(
        [torch.zeros(8) if part.bias is None else part.bias for part in parts]
    )
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.lin_out.weight, torch.zeros(8)
    target, source = torch.randn(3, 5, 8), torch.randn(3, 4, 8)
    mask = torch.tensor([4, 1, 2]).unsqueeze(1) > torch.arange(4)
    norm = nn.LayerNorm(8)
    query, key = norm(target), norm(source)
    expected = theirs(query, key, key, key_padding_mask=~mask)[0]
    torch.testing.assert_close(ours(target, source, mask), expected)


def test_attention_refuses_channels_that_heads_do_not_divide():
    for kind in (CrossAttentionFusion, BottleneckFusion):
        with pytest.raises(ValueError, match=r"4 heads need .* multiple of 4, got 10"):
            kind(BOTH, 10)


def test_attention_drops_a_channel_for_all_nodes_of_a_sample():
    torch.manual_seed(0)
    x, mask = torch.randn(6, 5, 8), torch.ones(6, 5, dtype=torch.bool)
    dropped = NodeAttention(8, 4, 0.5)(x, x, mask) == 0
    assert torch.equal(dropped.any(1), dropped.all(1))
    assert 0 < dropped.float().mean() < 1
    assert not torch.equal(dropped[0], dropped[1])


@pytest.mark.parametrize("num_layers", [1, 2])
def test_cross_attention(num_layers):
    fusion = CrossAttentionFusion(BOTH, 2, readout="sum", num_layers=num_layers, heads=1).eval()
    fusion.concat.mlp = nn.Identity()
    for layer in fusion.layers:
        for attention in layer.attentions.values():
            set_attention(attention)
        for feed_forward in layer.feed_forwards.values():
            set_linear(feed_forward[3], [[0.0] * 4] * 2)
    image, text = [[1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]
    nodes = {"image": make_nodes(image, []), "text": make_nodes(text, text)}
    # Once normed, the image stays (1, -1), and receives messages from the texts as they were at
    # first; each text receives norm(image) = (1, -1). Without an image, the texts stay as they are.
    received = num_layers * HEARD
    both = [1 + received, -received, 1 + 2.0 * num_layers, 1 - 2.0 * num_layers]
    expect(fusion(nodes), [both, [0.0, 0.0, 1.0, 1.0]], tolerance=1e-4)


def test_feed_forward_follows_attention():
    fusion = CrossAttentionFusion(["text"], 2, readout="sum", num_layers=1, heads=1).eval()
    fusion.concat.mlp = nn.Identity()
    first, second = fusion.layers[0].feed_forwards["text"][1::2]
    set_linear(first, [[1.0, 0.0]] + [[0.0, 0.0]] * 3)
    set_linear(second, [[0.0] * 4, [10.0, 0.0, 0.0, 0.0]])
    # norm((5, 3)) = (1, -1).
    result = fusion({"text": make_nodes([[5.0, 3.0]])})
    expect(result, [[5.0, 3 + 10 * GELU_OF_1]], tolerance=1e-4)


def test_attention_bottleneck():
    fusion = BottleneckFusion(BOTH, 2, readout="sum", heads=1, tokens=1).eval()
    fusion.concat.mlp = nn.Identity()
    fusion.tokens.data = torch.tensor([[1.0, 0.0]])
    for layer in fusion.layers:
        for block in layer.values():
            set_attention(block.attention, query=[[0.0, 0.0]] * 2)  # an even mean
            set_linear(block.feed_forward[3], [[0.0] * 4] * 2)
    image, text = [[1.0, 0.0]], [[0.0, 1.0]] * 5
    nodes = {"image": make_nodes(image, [], []), "text": make_nodes(text, text, [])}
    # First layer. The image and its token receive (1, -1); both are (2, -1) then. Each text and
    # their token receive (1 - 5)/6 · (1, -1): texts (-2/3, 5/3), token (1/3, 2/3).
    # Second layer. With the image, the token is (7/6, -1/6), normed (1, -1), and all receive
    # messages from the same as before. Without, it is (1/3, 2/3), normed (-1, 1), as are the texts.
    with_image = [3.0, -2.0, 5 * (-2 / 3 - 2 / 3), 5 * (5 / 3 + 2 / 3)]
    without = [0.0, 0.0, 5 * (-2 / 3 - 1), 5 * (5 / 3 + 1)]
    expect(fusion(nodes), [with_image, without, [0.0] * 4], tolerance=3e-3)


def test_modalities_meet_in_the_second_layer_of_a_bottleneck():
    torch.manual_seed(0)
    nodes = {name: make_nodes(torch.randn(3, 8).tolist()) for name in BOTH}
    other = {**nodes, "image": make_nodes(torch.randn(3, 8).tolist())}
    for num_layers, met in ((1, False), (2, True)):
        fusion = BottleneckFusion(BOTH, 8, num_layers=num_layers).eval()
        fusion.concat.mlp = nn.Identity()
        of_text = [fusion(each)[0, 8:] for each in (nodes, other)]
        assert torch.equal(*of_text) is not met
