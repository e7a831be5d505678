import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, EdgeList, Grid


def make_nodes(lengths, *, seed=0, channels=2, shuffle=False):
    """Nodes with lengths[sample] = [length of each item]; shuffled within each sample."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for sample, items in enumerate(lengths):
        own = [(sample, item, i) for item, length in enumerate(items) for i in range(length)]
        order = torch.randperm(len(own), generator=generator).tolist()
        rows += [own[i] for i in order] if shuffle else own
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    x = torch.randn(len(rows), channels, generator=generator)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


def edges_by_adjacency(relation, source, target):
    batch, to, start = relation.adjacency(source, target).nonzero(as_tuple=True)
    rows = zip(
        source.offsets()[batch, start].tolist(), target.offsets()[batch, to].tolist(), strict=True
    )
    return sorted(rows)


def edges(relation, source, target):
    return sorted(map(tuple, relation.edge_index(source, target).T.tolist()))


lengths = st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=4)
within = st.one_of(
    st.builds(Grid, st.integers(1, 4), st.integers(1, 4), st.sampled_from([4, 8])),
    st.builds(Chain, st.integers(1, 3)),
    st.builds(Complete, st.sampled_from(["sample", "item"]), st.booleans()),
)
across = st.one_of(
    st.builds(Grid, st.integers(1, 4), st.integers(1, 4), st.sampled_from([4, 8])),
    st.builds(Chain, st.integers(1, 3)),
    st.builds(Complete, st.sampled_from(["sample", "item"])),
)


@settings(deadline=None, max_examples=150)
@given(lengths, within, st.booleans())
def test_both_forms_are_the_same_edges(lengths, relation, shuffle):
    nodes = make_nodes(lengths, shuffle=shuffle)
    assert edges(relation, nodes, nodes) == edges_by_adjacency(relation, nodes, nodes)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(*[st.lists(st.integers(0, 6), max_size=3)] * 2), min_size=1), across)
def test_both_forms_are_the_same_edges_between_types(pairs, relation):
    source = make_nodes([pair[0] for pair in pairs], shuffle=True)
    target = make_nodes([pair[1] for pair in pairs], seed=1, shuffle=True)
    assert edges(relation, source, target) == edges_by_adjacency(relation, source, target)


@settings(deadline=None, max_examples=50)
@given(lengths, within)
def test_order_of_nodes_does_not_change_the_graph(lengths, relation):
    def named(nodes):
        sample = nodes.mask.nonzero()[:, 0].tolist()
        rows = (sample, nodes.item[nodes.mask].tolist(), nodes.index[nodes.mask].tolist())
        name = list(zip(*rows, strict=True))
        return sorted((name[s], name[t]) for s, t in edges(relation, nodes, nodes))

    assert named(make_nodes(lengths)) == named(make_nodes(lengths, shuffle=True))


@settings(deadline=None, max_examples=150)
@given(lengths, within, st.booleans())
def test_stencils_are_the_same_edges(lengths, relation, shuffle):
    nodes = make_nodes(lengths, shuffle=shuffle)
    near = relation.stencil(nodes, nodes)
    if near is None:
        return
    batch, to, step = near.exists.nonzero(as_tuple=True)
    start = to + torch.tensor(near.steps)[step]
    rows = nodes.offsets()
    found = sorted(zip(rows[batch, start].tolist(), rows[batch, to].tolist(), strict=True))
    assert found == edges(relation, nodes, nodes)


def test_stencils_need_order():
    for relation in (Grid(3, 4), Chain(2)):
        ordered, mixed = (make_nodes([[12, 12]], shuffle=shuffle) for shuffle in (False, True))
        assert relation.stencil(ordered, ordered).exists.any()
        assert relation.stencil(mixed, mixed) is None
        assert relation.stencil(ordered, mixed) is None
    assert Complete().stencil(ordered, ordered) is None


def test_grid_by_hand():
    # 0 1 2
    # 3 4 5
    nodes = make_nodes([[6]])
    by_side = {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)}
    by_corner = {(0, 4), (1, 3), (1, 5), (2, 4)}
    both_ways = lambda pairs: sorted(pairs | {(b, a) for a, b in pairs})  # noqa: E731
    assert edges(Grid(2, 3), nodes, nodes) == both_ways(by_side)
    assert edges(Grid(2, 3, 8), nodes, nodes) == both_ways(by_side | by_corner)


def test_chain_by_hand():
    nodes = make_nodes([[3, 2], [], [2]])
    assert edges(Chain(), nodes, nodes) == [
        (0, 1), (1, 0), (1, 2), (2, 1), (3, 4), (4, 3), (5, 6), (6, 5),
    ]  # fmt: skip
    assert (0, 2) in edges(Chain(window=2), nodes, nodes)
    assert (2, 3) not in edges(Chain(window=2), nodes, nodes)


def test_complete_by_hand():
    source, target = make_nodes([[1, 1], [1], []]), make_nodes([[1, 1], [], [1]])
    assert edges(Complete(), source, target) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert edges(Complete(within="item"), source, target) == [(0, 0), (1, 1)]
    assert edges(Complete(loops=False), source, source) == [(0, 1), (1, 0)]


def test_complete_costs_no_mask_per_target():
    source, target = make_nodes([[3], [1]]), make_nodes([[2], [5]])
    assert Complete().reach(source, target).shape == (2, 1, 3)


def test_loops_need_one_node_type():
    with pytest.raises(ValueError, match="same node type"):
        Complete(loops=False).joins(make_nodes([[2]]), make_nodes([[3]]))


def test_edge_list_and_its_samples():
    nodes = make_nodes([[2], [3]])
    relation = EdgeList(torch.tensor([0, 1, 1]), torch.tensor([0, 2, 0]), torch.tensor([1, 0, 0]))
    assert edges(relation, nodes, nodes) == [(0, 1), (2, 2), (4, 2)]
    alone = relation.of_sample(1)
    assert edges(alone, make_nodes([[3]]), make_nodes([[3]])) == [(0, 0), (2, 0)]


@pytest.mark.parametrize(
    ("relation", "arguments", "message"),
    [(Grid, (0, 3), "rows and columns"), (Chain, (0,), "window")],
)
def test_bad_arguments(relation, arguments, message):
    with pytest.raises(ValueError, match=message):
        relation(*arguments)
