import jaxtyping
import pytest
import torch

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import (
    Chain,
    Complete,
    Custom,
    EdgeList,
    Grid,
    Nearest,
    OtherItems,
    SameItem,
    WithPosition,
)


def nodes_of(x, *samples):
    sample = torch.tensor(samples or [0] * len(x))
    return Nodes.from_flat(torch.tensor(x), sample=sample, batch_size=int(sample.max()) + 1)


def test_grid(make_nodes, edges):
    # 0 1 2
    # 3 4 5
    nodes = make_nodes([[6]])
    by_side = {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)}
    by_corner = {(0, 4), (1, 3), (1, 5), (2, 4)}
    both_ways = lambda pairs: pairs | {(b, a) for a, b in pairs}  # noqa: E731
    assert set(edges(Grid(2, 3), nodes, nodes)) == both_ways(by_side)
    assert set(edges(Grid(2, 3, 8), nodes, nodes)) == both_ways(by_side | by_corner)


def test_chain(make_nodes, edges):
    nodes = make_nodes([[3, 2], [], [2]])
    assert edges(Chain(), nodes, nodes) == [
        (1, 0), (0, 1), (2, 1), (1, 2), (4, 3), (3, 4), (6, 5), (5, 6),
    ]  # fmt: skip
    assert (0, 2) in edges(Chain(window=2), nodes, nodes)
    assert (2, 3) not in edges(Chain(window=2), nodes, nodes)


def test_chain_one_way(make_nodes, edges):
    nodes = make_nodes([[3, 2]])
    assert edges(Chain(2, "forward"), nodes, nodes) == [(0, 1), (0, 2), (1, 2), (3, 4)]
    assert edges(Chain(2, "backward"), nodes, nodes) == [(1, 0), (2, 0), (2, 1), (4, 3)]


def test_stencils_need_order(make_nodes):
    for relation in (Grid(3, 4), Chain(2), Chain(2, "forward"), WithPosition(Chain(2))):
        ordered, mixed = (make_nodes([[12, 12]], shuffle=shuffle) for shuffle in (False, True))
        assert relation.stencil(ordered, ordered).exists.any()
        assert relation.stencil(mixed, mixed) is None
        assert relation.stencil(ordered, mixed) is None
    assert Complete().stencil(ordered, ordered) is None
    assert Chain(2, "forward").stencil(ordered, ordered).steps == (-2, -1)
    assert Chain(2, "backward").stencil(ordered, ordered).steps == (1, 2)


def test_complete(make_nodes, edges):
    source, target = make_nodes([[1, 1], [1], []]), make_nodes([[1, 1], [], [1]])
    assert edges(Complete(), source, target) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert edges(Complete(within="item"), source, target) == [(0, 0), (1, 1)]
    assert edges(Complete(loops=False), source, source) == [(1, 0), (0, 1)]
    # Between two node types there is no node to be left out.
    assert len(edges(Complete(loops=False), source, target)) == 4


def test_complete_costs_no_mask_per_target(make_nodes):
    source, target = make_nodes([[3], [1]]), make_nodes([[2], [5]])
    assert Complete().reach(source, target).shape == (2, 1, 3)


def test_same_and_other_items(make_nodes, edges):
    nodes = make_nodes([[2, 1], [1]])
    assert edges(SameItem(), nodes, nodes) == [(1, 0), (0, 1)]
    assert edges(SameItem(loops=True), nodes, nodes) == [
        (0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (3, 3),
    ]  # fmt: skip
    assert edges(OtherItems(), nodes, nodes) == [(2, 0), (2, 1), (0, 2), (1, 2)]
    texts = make_nodes([[1, 2], []], seed=1)
    assert edges(SameItem(), nodes, texts) == [(0, 0), (1, 0), (2, 1), (2, 2)]
    assert edges(OtherItems(), nodes, texts) == [(2, 0), (0, 1), (1, 1), (0, 2), (1, 2)]


def test_nearest_by_angle_and_by_distance(edges):
    # Node 2 points where node 0 does, but lies next to node 1.
    nodes = nodes_of([[10.0, 0.0], [1.0, 1.0], [1.0, 0.1]])
    assert edges(Nearest(1), nodes, nodes) == [(2, 0), (2, 1), (0, 2)]
    assert edges(Nearest(1, "euclidean"), nodes, nodes) == [(2, 0), (2, 1), (1, 2)]


def test_nearest_across_types_may_choose_all_the_same(edges):
    words = nodes_of([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], 0, 0, 1)
    regions = nodes_of([[0.9, 0.1], [0.8, -0.1], [0.0, 1.0]], 0, 0, 1)
    # The only word of the second sample is received, however unlike it is.
    assert edges(Nearest(1), words, regions) == [(0, 0), (0, 1), (2, 2)]
    assert edges(Nearest(5), words, regions) == [(0, 0), (1, 0), (0, 1), (1, 1), (2, 2)]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("channels", [3, 17, 128])
def test_ties_go_to_the_first_in_any_batch(metric, channels):
    row = torch.randn(channels, generator=torch.Generator().manual_seed(0))
    for width in (4, 5, 9, 33):
        count = torch.tensor([4, width, 1])
        sample = torch.arange(3).repeat_interleave(count)
        nodes = Nodes.from_flat(row.expand(len(sample), -1), sample=sample, batch_size=3)
        received = Nearest(2, metric).edge_index(nodes, nodes)
        assert received[:, :8].tolist() == [[1, 2, 0, 2, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2, 3, 3]]
        assert received.shape[1] == 2 * (4 + width)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_similarity_has_the_same_bits_in_any_batch(metric):
    relation = Nearest(1, metric)
    for channels in (8, 17, 64, 128):
        for width in (5, 9, 17, 50):
            generator = torch.Generator().manual_seed(width)
            x = torch.randn(3, width, channels, generator=generator)
            wide = torch.nn.functional.pad(x, (0, 0, 0, 7))
            alone, together = relation._similarity(x[:1], x[:1]), relation._similarity(wide, wide)
            assert torch.equal(alone[0], together[0, :width, :width])


def test_nearest_has_no_gradient_and_takes_half_precision(edges):
    x = torch.randn(2, 6, 8, dtype=torch.bfloat16, requires_grad=True)
    mask = torch.ones(2, 6, dtype=torch.bool)
    index = torch.arange(6).expand(2, -1)
    nodes = Nodes(x, mask, torch.zeros_like(index), index)
    for metric in ("cosine", "euclidean"):
        with torch.autocast("cpu", torch.bfloat16):
            automatic = edges(Nearest(2, metric), nodes, nodes)
        assert automatic == edges(Nearest(2, metric), nodes, nodes)
        assert len(automatic) == 24
    assert not Nearest(2).joins(nodes, nodes).requires_grad


def test_nearest_takes_rows_of_zeros(edges):
    # Zero is at a right angle to everything: nearer than what points away.
    nodes = nodes_of([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    assert edges(Nearest(1), nodes, nodes) == [(2, 0), (2, 1), (0, 2)]


def test_nearest_needs_one_space(make_nodes):
    with pytest.raises(ValueError, match=r"3 channels and targets 4; project"):
        Nearest(1).joins(make_nodes([[2]], channels=3), make_nodes([[2]]))


def test_edge_list_and_its_samples(make_nodes, edges):
    nodes = make_nodes([[2], [3]])
    relation = EdgeList(
        torch.tensor([1, 0, 1, 1]), torch.tensor([2, 0, 0, 2]), torch.tensor([0, 1, 0, 0])
    )
    assert edges(relation, nodes, nodes) == [(0, 1), (2, 2), (4, 2)]
    assert relation.edge_attr(nodes, nodes) is None
    alone = relation.of_sample(1)
    assert edges(alone, make_nodes([[3]]), make_nodes([[3]])) == [(0, 0), (2, 0)]


def test_edge_list_with_features(make_nodes):
    nodes = make_nodes([[2], [3]])
    features = torch.tensor([[5.0], [6.0], [7.0]], requires_grad=True)
    ends = torch.tensor([1, 0, 1]), torch.tensor([2, 0, 0]), torch.tensor([0, 1, 0])
    relation = EdgeList(*ends, features)
    assert relation.edge_dim == 1
    values = relation.edge_attr(nodes, nodes)
    assert values.tolist() == [[6.0], [7.0], [5.0]]
    assert relation.of_sample(1).features.tolist() == [[5.0], [7.0]]
    (values * torch.tensor([[1.0], [2.0], [3.0]])).sum().backward()
    assert features.grad.tolist() == [[3.0], [1.0], [2.0]]


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        (([0], [2], [0]), r"edge 0: expected a source node .* node 2 of sample 0, which has 2"),
        (([0, 0], [1, 1], [1, -1]), "edge 1: expected a target node .* node -1 of sample 0"),
        (([2], [0], [0]), "node 0 of sample 2, which has 0"),
        (([-1], [0], [0]), "node 0 of sample -1, which has 0"),
    ],
)
def test_edge_list_names_edges_of_no_node(make_nodes, ends, message):
    nodes = make_nodes([[2], [3]])
    relation = EdgeList(*map(torch.tensor, ends))
    with pytest.raises(ValueError, match=message):
        relation.edge_index(nodes, nodes)


def test_edge_list_refuses_repeated_edges_with_features():
    ends = torch.tensor([0, 0])
    with pytest.raises(ValueError, match="each edge once"):
        EdgeList(ends, ends, ends, torch.ones(2, 1))


def test_custom_refuses_wrong_results(make_nodes):
    source, target = make_nodes([[2], [3]]), make_nodes([[1], [4]])
    for result, message in [
        (
            torch.ones(3, 4, dtype=torch.bool),
            r"\[batch, target, source\] = \[2, 4, 3\], got \[3, 4\]",
        ),
        (torch.ones(2, 3, 4, dtype=torch.bool), r"= \[2, 4, 3\], got \[2, 3, 4\]"),
        (torch.ones(2, 4, 3), r"torch\.bool, got torch\.float32; EdgeList"),
    ]:
        with pytest.raises(ValueError, match=message):
            Custom(lambda *_, result=result: result).edge_index(source, target)
    mask = torch.ones(1, 1, 1, dtype=torch.bool)
    for shape in [(2, 4, 3, 1), (2, 4, 3), (2, 3, 4, 2)]:
        features = lambda *_, shape=shape: torch.ones(shape)  # noqa: E731
        with pytest.raises(ValueError, match=r"edge_dim\] = \[2, 4, 3, 2\], got"):
            Custom(lambda *_: mask, features, edge_dim=2).edge_attr(source, target)
    with pytest.raises(ValueError, match="belong together"):
        Custom(lambda *_: mask, edge_dim=2)


def test_custom_results_broadcast(make_nodes):
    source, target = make_nodes([[2], [3]]), make_nodes([[1], [4]])
    relation = Custom(
        lambda source, target: source.index.unsqueeze(1) == 0,
        lambda source, target: source.x.new_tensor([1.0, 2.0]).view(1, 1, 1, 2),
        edge_dim=2,
    )
    assert relation.edge_index(source, target).tolist() == [[0, 2, 2, 2, 2], [0, 1, 2, 3, 4]]
    assert relation.edge_attr(source, target).tolist() == [[1.0, 2.0]] * 5


def test_position_in_a_grid(make_nodes, edges):
    # 0 1 2
    # 3 4 5
    nodes = make_nodes([[6], [6]])
    relation = WithPosition(Grid(2, 3, 8))
    assert relation.edge_dim == 2
    values = relation.edge_attr(nodes, nodes).tolist()
    position = dict(zip(edges(relation, nodes, nodes), values, strict=True))
    # As seen from the target, which is the second of each pair.
    assert position[0, 1] == [0.0, -1.0]
    assert position[3, 0] == [1.0, 0.0]
    assert position[5, 1] == [1.0, 1.0]
    assert position[7, 9] == [-1.0, 1.0]


def test_position_is_clipped(make_nodes):
    nodes = make_nodes([[4]])
    relation = WithPosition(Complete(loops=False), distance=2)
    assert relation.edge_dim == 1
    assert relation.edge_features(nodes, nodes)[0, 0, :, 0].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert relation.edge_attr(nodes, nodes)[-3:].tolist() == [[-1.0], [-1.0], [-0.5]]
    regions = WithPosition(Complete(loops=False), distance=1, columns=2)
    assert regions.edge_features(nodes, nodes)[0, 0].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_position_follows_its_relation():
    assert WithPosition(Nearest(2), distance=4).depends_on_x
    assert not WithPosition(Nearest(2, fixed=True), distance=4).depends_on_x
    assert WithPosition(Chain(2)) == WithPosition(Chain(2)) != WithPosition(Chain(1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid(0, 3), "rows and columns"),
        (lambda: Chain(0), "window"),
        (lambda: Nearest(0), "k must be >= 1"),
        (lambda: WithPosition(Complete()), r"got None; pass WithPosition\(relation, distance"),
        (lambda: WithPosition(Chain(), distance=0), "got 0"),
        (lambda: WithPosition(Chain(), columns=0), "columns must be >= 1"),
        (lambda: WithPosition(WithPosition(Chain())), "has edge features already"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_edge_list_refuses_uneven_tensors():
    one, two = torch.tensor([0]), torch.tensor([0, 0])
    jaxtyping.config.update("jaxtyping_disable", True)  # its own check would come first
    try:
        with pytest.raises(ValueError, match="'sample': 1, 'source': 2"):
            EdgeList(one, two, two)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("item", "index", "follows"),
    [
        ([0] * 6, [0, 1, 2, 3, 4, 5], True),
        ([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], True),
        ([0] * 6, [0, 2, 1, 3, 4, 5], False),  # in no order
        ([0] * 6, [0, 1, 3, 4, 5, 6], False),  # with a gap
        ([1, 1, 1, 0, 0, 0], [0, 1, 2, 3, 4, 5], False),
    ],
)
def test_a_stencil_takes_nodes_in_order_only(item, index, follows):
    nodes = Nodes.from_flat(
        torch.ones(7, 2),
        sample=torch.tensor([0] * 6 + [1]),
        batch_size=2,
        item=torch.tensor([*item, 0]),
        index=torch.tensor([*index, 0]),
    )
    assert (Chain().stencil(nodes, nodes) is not None) == follows
