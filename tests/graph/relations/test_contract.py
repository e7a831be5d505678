"""What holds for every relation, whatever the batch."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.graph import relations as package
from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.relations import (
    Chain,
    Complete,
    Custom,
    EdgeList,
    Grid,
    Nearest,
    OtherItems,
    Relation,
    SameItem,
    WithPosition,
)


def share_parity(source, target):
    return (source.index.unsqueeze(1) + target.index.unsqueeze(2)) % 2 == 0


def products(source, target):
    product = source.x[:, None, :, :2] * target.x[:, :, None, :2]
    return product + source.item[:, None, :, None]


def larger(source, target):
    return source.x[:, None, :, 0] > target.x[:, :, None, 0]


def listed(source, target):
    """An edge list with features, the same for the same nodes in any order."""
    sample, to, start = SameItem().adjacency(source, target).nonzero(as_tuple=True)
    order = torch.randperm(len(sample), generator=torch.Generator().manual_seed(0))
    sample, to, start = sample[order], to[order], start[order]
    features = torch.stack([source.x[sample, start, 0], target.x[sample, to, 1]], dim=1)
    return EdgeList(sample, start, to, features)


@dataclass(frozen=True)
class OwnRelation(Relation):
    """A relation as a user would write it."""

    def joins(self, source, target):
        return source.index.unsqueeze(1) > target.index.unsqueeze(2)


RELATIONS = [
    Grid(3, 3),
    Grid(2, 4, 8),
    Chain(),
    Chain(3),
    Chain(2, "forward"),
    Chain(1, "backward"),
    Complete(),
    Complete(loops=False),
    Complete("item"),
    SameItem(),
    SameItem(loops=True),
    OtherItems(),
    Nearest(1),
    Nearest(3, "euclidean"),
    Nearest(2, fixed=True),
    Custom(share_parity, products, edge_dim=2),
    Custom(larger, depends_on_x=True),
    WithPosition(Grid(3, 3)),
    WithPosition(Chain(2, "forward")),
    WithPosition(OtherItems(), distance=2, columns=3),
    WithPosition(Nearest(2), distance=5),
    OwnRelation(),
    listed,
]


def name_of(relation):
    if isinstance(relation, Custom):
        return f"Custom({relation.function.__name__})"
    return repr(relation) if isinstance(relation, Relation) else "EdgeList"


def test_no_relation_escapes():
    def kinds(parent):
        return {parent}.union(*map(kinds, parent.__subclasses__()))

    ours = {kind for kind in kinds(Relation) - {Relation} if kind.__module__.startswith("mmgraph.")}
    assert ours == {type(each) for each in RELATIONS if isinstance(each, Relation)} - {
        OwnRelation
    } | {EdgeList}
    assert {kind.__name__ for kind in ours} <= set(package.__all__)


items = st.lists(st.integers(0, 7), max_size=3)
batches = st.lists(st.tuples(items, items), min_size=1, max_size=4)
#: A batch has many samples and there are many relations, so each needs few examples.
few = settings(max_examples=10)
every_relation = pytest.mark.parametrize("relation", RELATIONS, ids=name_of)


@st.composite
def cases(draw):
    """Lengths of sources and targets (the same nodes if None), and how to lay them out."""
    pairs = draw(batches)
    options = {
        "seed": draw(st.integers(0, 99)),
        "shuffle": draw(st.booleans()),
        "padding": draw(st.integers(0, 2)),
    }
    sources, targets = ([pair[end] for pair in pairs] for end in (0, 1))
    return sources, targets if draw(st.booleans()) else None, options


@pytest.fixture(scope="session")
def build(make_nodes):
    """Return a function that makes source, target and relation of a case."""

    def build(relation, case, **changes):
        sources, targets, options = case
        options = {**options, **changes}
        source = make_nodes(sources, **options)
        target = source
        if targets is not None:
            target = make_nodes(targets, **{**options, "seed": options["seed"] + 100})
        made = relation if isinstance(relation, Relation) else relation(source, target)
        return made, source, target

    return build


def rows_and_features(relation, source, target):
    """Edges as sorted (source name, target name, features), by sample, item and index."""

    def names(nodes):
        sample = nodes.mask.nonzero()[:, 0]
        table = torch.stack([sample, nodes.item[nodes.mask], nodes.index[nodes.mask]], dim=1)
        return list(map(tuple, table.tolist()))

    start, to = relation.edge_index(source, target).tolist()
    features = relation.edge_attr(source, target)
    values = [()] * len(start) if features is None else map(tuple, features.tolist())
    source_names, target_names = names(source), names(target)
    return sorted(
        (source_names[s], target_names[t], value)
        for s, t, value in zip(start, to, values, strict=True)
    )


@every_relation
@few
@given(case=cases())
def test_list_is_the_mask_sorted_by_target(build, relation, case):
    relation, source, target = build(relation, case)
    adjacency = relation.adjacency(source, target)
    assert adjacency.shape == (source.batch_size, target.mask.shape[1], source.mask.shape[1])
    assert not adjacency[~target.mask].any()
    assert not adjacency.mT[~source.mask].any()
    batch, to, start = adjacency.nonzero(as_tuple=True)
    rows = source.offsets()[batch, start].tolist(), target.offsets()[batch, to].tolist()
    wanted = sorted(zip(*rows, strict=True), key=lambda pair: pair[::-1])
    assert list(map(tuple, relation.edge_index(source, target).T.tolist())) == wanted


@every_relation
@few
@given(case=cases())
def test_features_belong_to_their_edges(build, relation, case):
    relation, source, target = build(relation, case)
    dense = relation.edge_features(source, target)
    sparse = relation.edge_attr(source, target)
    if relation.edge_dim == 0:
        assert dense is None
        assert sparse is None
        return
    start, to = relation.edge_index(source, target)
    assert dense.shape[3] == relation.edge_dim
    assert dense.dtype == sparse.dtype == source.x.dtype
    place = source.mask.nonzero()[start], target.mask.nonzero()[to]
    dense = dense.expand(source.batch_size, target.mask.shape[1], source.mask.shape[1], -1)
    wanted = dense[place[0][:, 0], place[1][:, 1], place[0][:, 1]]
    assert torch.equal(sparse, wanted)


@every_relation
@few
@given(case=cases())
def test_stencil_is_the_same_edges(build, relation, case):
    relation, source, target = build(relation, case, shuffle=False)
    near = relation.stencil(source, target)
    if near is None:
        return
    batch, to, step = near.exists.nonzero(as_tuple=True)
    start = to + torch.tensor(near.steps)[step]
    rows = source.offsets()
    found = sorted(zip(rows[batch, start].tolist(), rows[batch, to].tolist(), strict=True))
    assert found == sorted(map(tuple, relation.edge_index(source, target).T.tolist()))


@every_relation
@few
@given(case=cases())
def test_a_sample_alone_has_the_edges_it_has_in_a_batch(build, relation, case):
    relation, source, target = build(relation, case)
    nodes = {"source": source, "target": target}
    end = "source" if target is source else "target"
    graph = MultimodalGraph(nodes, {("source", "to", end): relation})
    together = rows_and_features(relation, source, target)
    for number in range(graph.batch_size):
        alone = graph.sample(number)
        ((edge_type, own),) = alone.relations.items()
        wanted = [
            ((0, *start[1:]), (0, *to[1:]), value)
            for start, to, value in together
            if start[0] == number
        ]
        assert rows_and_features(own, *alone.ends(edge_type)) == wanted


@every_relation
@few
@given(case=cases())
def test_the_order_of_nodes_does_not_change_the_graph(build, relation, case):
    ordered, mixed = (build(relation, case, shuffle=shuffle) for shuffle in (False, True))
    assert rows_and_features(*ordered) == rows_and_features(*mixed)


@every_relation
def test_without_any_node_there_is_no_edge(build, relation):
    relation, source, target = build(relation, ([[], []], [[], []], {"seed": 0}))
    assert relation.adjacency(source, target).shape == (2, 0, 0)
    assert relation.edge_index(source, target).shape == (2, 0)
    if relation.edge_dim:
        assert relation.edge_attr(source, target).shape == (0, relation.edge_dim)


@pytest.mark.parametrize(
    "relation", [each for each in RELATIONS if each is not listed], ids=name_of
)
def test_only_those_that_say_so_depend_on_x(build, relation):
    # A fixed choice is worked out before the first layer, which is not the relation's part.
    case = ([[5, 4], [9]], None, {"seed": 0})
    relation, source, target = build(relation, case)
    other = source.with_x(source.x.roll(1, 1).flip(2))
    changed = not torch.equal(
        relation.edge_index(source, target), relation.edge_index(other, other)
    )
    assert changed == (relation.depends_on_x or relation == Nearest(2, fixed=True))
