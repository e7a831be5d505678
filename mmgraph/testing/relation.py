"""What a relation promises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Relation
from mmgraph.testing.expect import equal, expect
from mmgraph.testing.nodes import pad_nodes, random_nodes, shuffle_nodes

#: Lengths of the items of each sample, of the source and of the target; None: the same nodes.
Lengths = tuple[Sequence[Sequence[int]], Sequence[Sequence[int]] | None]

#: Several items, none, and samples that only one side has.
BATCHES: tuple[Lengths, ...] = (
    ([[5], [2, 4], [], [1], [7, 3, 2]], None),
    ([[4], [2, 4], [], [1], []], [[3], [5], [2], [], []]),
    ([[6]], [[1]]),
    ([[], []], None),
    ([[2], [3]], [[], []]),
    ([], None),
)

#: A relation, or a function of source and target that makes one for a batch.
RelationLike = Relation | Callable[[Nodes, Nodes], Relation]

_CHANNELS = 4


def check_relation(
    relation: RelationLike, *, batches: Sequence[Lengths] = BATCHES, seed: int = 0
) -> None:
    """Check that a relation keeps what `Relation` promises.

    Mask, list and stencil have the same edges; padding has none; the list is sorted by target;
    features belong to their edges; a sample has the same edges alone and in a batch, and
    whatever the order of its nodes; and edges that follow the nodes' features say so.

    Args:
        relation: The relation, or a function of source and target nodes that makes one.
        batches: Lengths of the items of each sample, of the source and of the target (None: a
            relation of nodes with themselves).
        seed: Seed of the nodes' features.

    Raises:
        AssertionError: A promise is broken; the message says which and how to mend it.

    Example:
        >>> from mmgraph.relations import Chain
        >>> check_relation(Chain(2))
    """
    if isinstance(relation, Relation):
        _check_fields(relation)
        _check_depends_on_x(relation, seed)
    for sources, targets in batches:
        source, target = _ends(sources, targets, seed)
        made = _make(relation, source, target)
        said = f"sources {list(sources)}, targets {'the same' if targets is None else targets}"
        check_edges(made, source, target, said)
        _check_stencil(made, source, target, said)
        _check_samples(made, source, target, said)
        for padding in (0, 2):
            changed = pad_nodes(shuffle_nodes(source, seed), padding)
            ends = changed, changed if target is source else shuffle_nodes(target, seed)
            other = _make(relation, *ends)
            check_edges(other, *ends, said + ", in another order with padding")
            expect(
                _named_edges(other, *ends) == _named_edges(made, source, target),
                f"{said}: the order of nodes, or padding, changes the edges; decide by `x`, `item` "
                "and `index` of the nodes, never by their place in the tensor",
            )


def check_edges(relation: Relation, source: Nodes, target: Nodes, said: str = "edges") -> None:
    """Check the mask, the list and the features of the edges of one batch.

    Args:
        relation: The relation.
        source: The nodes that send messages.
        target: The nodes that receive messages.
        said: What messages begin with.

    Raises:
        AssertionError: They do not agree.
    """
    mask = relation.joins(source, target)
    expect(
        mask.dtype == torch.bool and mask.ndim == 3,
        f"{said}: `joins` returns {mask.dtype} of shape {tuple(mask.shape)}, {_MASK}",
    )
    adjacency = relation.adjacency(source, target)
    shape = (source.batch_size, target.mask.shape[1], source.mask.shape[1])
    expect(
        tuple(adjacency.shape) == shape and adjacency.dtype == torch.bool,
        f"{said}: adjacency is {adjacency.dtype} of shape {tuple(adjacency.shape)}, not {shape}; "
        f"{_MASK}",
    )
    padded = bool(adjacency[~target.mask].any() or adjacency.mT[~source.mask].any())
    expect(not padded, f"{said}: an edge begins or ends at padding; leave `adjacency` as it is")
    batch, to, start = adjacency.nonzero(as_tuple=True)
    rows = source.offsets()[batch, start].tolist(), target.offsets()[batch, to].tolist()
    wanted = sorted(zip(*rows, strict=True), key=lambda pair: pair[::-1])
    listed = list(map(tuple, relation.edge_index(source, target).T.tolist()))
    expect(len(set(listed)) == len(listed), f"{said}: edge_index repeats edges; list each once")
    difference = sorted(set(wanted) ^ set(listed))
    expect(
        not difference, f"{said}: adjacency and edge_index differ in {difference}; make them one"
    )
    expect(listed == wanted, f"{said}: edge_index is not sorted by target row, then source row")
    _check_features(relation, source, target, said)


_MASK = (
    "expected a mask of torch.bool [batch, target, source]; compare target.index.unsqueeze(2) with "
    "source.index.unsqueeze(1)"
)


def _check_fields(relation: Relation) -> None:
    cls = type(relation).__name__
    expect(
        dataclasses.is_dataclass(relation) or not vars(relation),
        f"{cls} has settings and is no dataclass, so that it cannot be compared or saved; add "
        "@dataclass(frozen=True) and name them as its fields",
    )
    if not dataclasses.is_dataclass(relation):
        return
    values = {each.name: getattr(relation, each.name) for each in dataclasses.fields(relation)}
    again = type(relation)(**values)
    held = {each.name: getattr(again, each.name) for each in dataclasses.fields(relation)}
    expect(equal(values, held), f"{cls} made from its own fields is another: keep what was given")


def _check_depends_on_x(relation: Relation, seed: int) -> None:
    nodes = random_nodes([[5, 4], [9]], _CHANNELS, seed=seed)
    other = nodes.with_x(nodes.x.roll(1, 1).flip(2))
    changed = not torch.equal(relation.edge_index(nodes, nodes), relation.edge_index(other, other))
    # A fixed choice is worked out before the first layer, and says so in this way.
    allowed = relation.depends_on_x or getattr(relation, "fixed", False)
    expect(
        allowed or not changed,
        f"{type(relation).__name__}: the edges follow the nodes' features, but depends_on_x is "
        "False, so that all layers would share those of the first; return True",
    )


def _ends(
    sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]] | None, seed: int
) -> tuple[Nodes, Nodes]:
    source = random_nodes(sources, _CHANNELS, seed=seed)
    return source, source if targets is None else random_nodes(targets, _CHANNELS, seed=seed + 100)


def _make(relation: RelationLike, source: Nodes, target: Nodes) -> Relation:
    return relation if isinstance(relation, Relation) else relation(source, target)


def _check_features(relation: Relation, source: Nodes, target: Nodes, said: str) -> None:
    dense, sparse = relation.edge_features(source, target), relation.edge_attr(source, target)
    if relation.edge_dim == 0:
        expect(
            dense is None and sparse is None,
            f"{said}: edges have features, but edge_dim is 0; return their number",
        )
        return
    if dense is None or sparse is None:
        raise AssertionError(f"{said}: edge_dim is {relation.edge_dim}, but edges have no features")
    start, to = relation.edge_index(source, target)
    expect(
        dense.shape[-1] == relation.edge_dim and tuple(sparse.shape) == (len(to), dense.shape[-1]),
        f"{said}: edge_features has the shape {tuple(dense.shape)} and edge_attr "
        f"{tuple(sparse.shape)}, expected {relation.edge_dim} features for each of {len(to)} edges",
    )
    kinds = {dense.dtype, sparse.dtype, source.x.dtype}
    expect(len(kinds) == 1, f"{said}: features are of {kinds}, expected the nodes' own dtype")
    places = source.mask.nonzero()[start], target.mask.nonzero()[to]
    shape = source.batch_size, target.mask.shape[1], source.mask.shape[1], -1
    wanted = dense.expand(shape)[places[0][:, 0], places[1][:, 1], places[0][:, 1]]
    expect(torch.equal(sparse, wanted), f"{said}: edge_attr is not in the order of edge_index")


def _check_stencil(relation: Relation, source: Nodes, target: Nodes, said: str) -> None:
    near = relation.stencil(source, target)
    if near is None:
        return
    batch, to, step = near.exists.nonzero(as_tuple=True)
    start = to + torch.tensor(near.steps)[step]
    inside = bool(((start >= 0) & (start < source.mask.shape[1])).all())
    expect(inside, f"{said}: the stencil has other edges than the list, beyond the last node")
    rows = source.offsets()
    found = sorted(zip(rows[batch, start].tolist(), rows[batch, to].tolist(), strict=True))
    wanted = sorted(map(tuple, relation.edge_index(source, target).T.tolist()))
    expect(found == wanted, f"{said}: the stencil has other edges than the list")


def _check_samples(relation: Relation, source: Nodes, target: Nodes, said: str) -> None:
    end = "source" if target is source else "target"
    nodes = {"source": source, "target": target}
    graph = MultimodalGraph(nodes, {("source", "to", end): relation})
    together = _named_edges(relation, source, target)
    for number in range(graph.batch_size):
        alone = graph.sample(number)
        ((edge_type, own),) = alone.relations.items()
        wanted = [
            ((0, *start[1:]), (0, *to[1:]), value)
            for start, to, value in together
            if start[0] == number
        ]
        expect(
            _named_edges(own, *alone.ends(edge_type)) == wanted,
            f"{said}: sample {number} alone has other edges than in the batch; decide each sample "
            "by itself",
        )


def _named_edges(relation: Relation, source: Nodes, target: Nodes) -> list[tuple]:
    """Return the edges as sorted (source name, target name, features), by sample, item, index."""

    def names(nodes: Nodes) -> list[tuple[int, ...]]:
        sample = nodes.mask.nonzero()[:, 0]
        table = torch.stack([sample, nodes.item[nodes.mask], nodes.index[nodes.mask]], dim=1)
        return list(map(tuple, table.tolist()))

    start, to = relation.edge_index(source, target).tolist()
    features = relation.edge_attr(source, target)
    values = [()] * len(start) if features is None else list(map(tuple, features.tolist()))
    sources, targets = names(source), names(target)
    return sorted(
        (sources[s], targets[t], value) for s, t, value in zip(start, to, values, strict=True)
    )
