"""What holds for every relation, whatever the batch."""

from dataclasses import dataclass

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.graph import relations as package
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
from mmgraph.graph.relations.base import Stencil
from mmgraph.testing import check_relation, random_nodes


def share_parity(source, target):
    return (source.index.unsqueeze(1) + target.index.unsqueeze(2)) % 2 == 0


def products(source, target):
    product = source.x[:, None, :, :2] * target.x[:, :, None, :2]
    return product + source.item[:, None, :, None]


def larger(source, target):
    return source.x[:, None, :, 0] > target.x[:, :, None, 0]


def larger_x(self, source, target):
    return larger(source, target)


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
    """Lengths of sources and targets (the same nodes if None), and a seed."""
    sources, targets = map(list, zip(*draw(batches), strict=True))
    return sources, targets if draw(st.booleans()) else None, draw(st.integers(0, 99))


@every_relation
def test_contract(relation):
    check_relation(relation)


@every_relation
@few
@given(case=cases())
def test_any_batch(relation, case):
    *batch, seed = case
    check_relation(relation, batches=[tuple(batch)], seed=seed)


@pytest.mark.parametrize(
    "relation", [each for each in RELATIONS if each is not listed], ids=name_of
)
def test_only_those_that_say_so_depend_on_x(relation):
    # A fixed choice is worked out before the first layer, which is not the relation's part.
    nodes = random_nodes([[5, 4], [9]], 4, seed=0)
    other = nodes.with_x(nodes.x.roll(1, 1).flip(2))
    changed = not torch.equal(relation.edge_index(nodes, nodes), relation.edge_index(other, other))
    assert changed == (relation.depends_on_x or relation == Nearest(2, fixed=True))


class Broken(Relation):
    """A good relation, in which each test breaks one promise."""

    def joins(self, source, target):
        return source.index.unsqueeze(1) > target.index.unsqueeze(2)


def by_place(self, source, target):
    return torch.ones(1, target.mask.shape[1], source.mask.shape[1], dtype=torch.bool).tril()


def twice(self, source, target):
    edges = Relation.edge_index(self, source, target)
    return torch.cat([edges, edges], dim=1)


def one_way(self, source, target):
    edges = Relation.edge_index(self, source, target)
    return edges[:, edges[0] % 2 == 0]


def unsorted(self, source, target):
    return Relation.edge_index(self, source, target).flip(1)


def padded(self, source, target):
    return self.joins(source, target)


def by_first_sample(self, source, target):
    # Whether the first sample of the batch has many nodes decides for all.
    many = source.mask[:1].sum() > 5
    return (source.index.unsqueeze(1) > target.index.unsqueeze(2)) & many


def near(self, source, target):
    return Stencil((1,), source.mask.unsqueeze(2)) if source is target else None


def wide(self, source, target):
    return source.x.unsqueeze(1).expand(-1, target.mask.shape[1], -1, -1)


BREAKS = {
    "expected a mask": {"joins": lambda self, s, t: s.index.unsqueeze(1) - 1},
    "begins or ends at padding": {"adjacency": padded},
    "edge_index repeats edges": {"edge_index": twice},
    "adjacency and edge_index differ": {"edge_index": one_way},
    "not sorted by target row": {"edge_index": unsorted},
    "order of nodes, or padding, changes": {"joins": by_place},
    "alone has other edges": {"joins": by_first_sample},
    "the stencil has other edges": {"stencil": near},
    "depends_on_x is False": {"joins": larger_x},
    "edge_dim is 0": {"edge_features": wide},
    "edges have no features": {"edge_dim": property(lambda self: 3)},
    "expected 3 features": {"edge_features": wide, "edge_dim": property(lambda self: 3)},
}  # fmt: skip


@pytest.mark.parametrize("message", BREAKS)
def test_broken_promises_are_found(message, monkeypatch):
    for name, broken in BREAKS[message].items():
        monkeypatch.setattr(Broken, name, broken)
    # The contract is for those who have no type checks at run time.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(AssertionError, match=message):
        check_relation(Broken())


def test_settings_are_fields():
    class Settled(Broken):
        def __init__(self, steps):
            self.steps = steps

    check_relation(Broken())
    with pytest.raises(AssertionError, match="add @dataclass"):
        check_relation(Settled(2))
