"""What a modality's encoder, relations, places and pooled features promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Relation
from mmgraph.modalities.base import Modality, Place
from mmgraph.testing.expect import distance, expect, expect_gradients
from mmgraph.testing.relation import check_edges
from mmgraph.typing import Item

#: Features of the nodes that the checks ask for.
CHANNELS = 12
TOLERANCE = 1e-5

Samples = list[list[Item]]


def check_nodes(fitted: Modality, encoder: nn.Module, samples: Samples) -> None:
    """Check the encoder's nodes: finite, in place, and the same alone and in a batch."""
    with torch.no_grad():
        items = fitted.collate(samples)
        nodes = _encode(encoder, items)
        expect(
            bool(nodes.x.isfinite().all()),
            "the encoder's nodes are not finite; scale items in `fit`",
        )
        expected = items.node_layout()
        for name in ("item", "index"):
            same = torch.equal(getattr(nodes, name)[nodes.mask], expected[name])
            expect(same, f"nodes: `{name}` is not as it should be; end with items.nodes(x)")
        for row, sample in enumerate(samples):
            alone = _encode(encoder, fitted.collate([sample]))
            difference = distance(alone.x[0][alone.mask[0]], nodes.x[row][nodes.mask[row]])
            expect(
                difference <= TOLERANCE,
                f"nodes of sample {row} alone and in a batch differ by {difference:.1e}; the "
                "encoder must treat each item by itself (no batch norm, no mean over all rows)",
            )
        for count in (0, 2):
            empty = _encode(encoder, fitted.collate([[]] * count))
            expect(not empty.mask.any(), f"{count} samples without items have nodes")


def _encode(encoder: nn.Module, items: Items) -> Nodes:
    """Return the encoder's nodes, after a look at their shape."""
    try:
        nodes = encoder(items)
    except Exception as error:
        raise AssertionError(
            f"the encoder of {items.batch_size} samples with {len(items.length)} items fails: "
            f"{type(error).__name__}: {error}"
        ) from error
    expect(
        isinstance(nodes, Nodes),
        f"the encoder returns {type(nodes).__name__}, not Nodes; end with items.nodes(x)",
    )
    shape, count = tuple(nodes.x.shape), items.nodes_per_sample
    expect(
        shape[0] == items.batch_size and shape[2] == CHANNELS,
        f"nodes of {items.batch_size} samples: x has the shape {shape}, expected "
        f"({items.batch_size}, nodes, {CHANNELS})",
    )
    expect(
        nodes.mask.sum(1).tolist() == count.tolist(),
        f"the encoder makes {nodes.mask.sum(1).tolist()} nodes of the samples, but `length` says "
        f"{count.tolist()}; one of the two is wrong",
    )
    expect(not nodes.x[~nodes.mask].any(), "nodes: x is not zero where padded; use items.nodes(x)")
    return nodes


def check_gradients(fitted: Modality, encoder: nn.Module, samples: Samples) -> None:
    """Check that gradients are finite, without any item too, and that all parameters have some."""
    batches: tuple[Samples, ...] = (samples, [[], []], [])
    for batch in batches:
        encoder.zero_grad()
        x = encoder(fitted.collate(batch)).x
        (x * torch.randn_like(x)).sum().backward()
        expect_gradients(encoder, f"the encoder, {len(batch)} samples")
        for name, parameter in encoder.named_parameters():
            gradient = parameter.grad
            said = f"the encoder's {name}, {len(batch)} samples"
            trained = gradient is not None and bool(gradient.any())
            expect(
                trained or batch is not samples or not parameter.requires_grad,
                f"{said}: the gradient is zero, so it is never trained (or the cells lack what "
                "it is for)",
            )


def check_relations(fitted: Modality, encoder: nn.Module, samples: Samples) -> None:
    """Check that the modality's own relations have the same edges in both forms."""
    with torch.no_grad():
        nodes = encoder(fitted.collate(samples))
    for name, relation in fitted.relations().items():
        expect(
            isinstance(relation, Relation),
            f"relation {name!r}: expected a Relation, got {relation!r}; mmgraph.relations has some",
        )
        check_edges(relation, nodes, nodes, f"relation {name!r}")


def check_places(fitted: Modality, samples: Samples) -> None:
    """Check that every node has a place with a label."""
    for sample in samples:
        lengths = fitted.collate([sample]).length.tolist()
        for item, length in zip(sample, lengths, strict=True):
            for index in range(length):
                place = fitted.place(item, index)
                named = isinstance(place, Place) and bool(place.label)
                expect(named, f"place({index}): expected a Place with a label, got {place!r:.80}")


def check_pooled_features(fitted: Modality, samples: Samples) -> None:
    """Check the pooled features: one finite row a sample, zeros where it has no items."""
    items = fitted.collate(samples)
    for features, again in zip(
        fitted.make_pooled_features(), fitted.make_pooled_features(), strict=True
    ):
        said = type(features).__name__
        features.fit([items])
        x = _dense(features(items))
        shape = (len(samples), features.width)
        expect(tuple(x.shape) == shape, f"{said}: has the shape {tuple(x.shape)}, not {shape}")
        expect(bool(x.isfinite().all()), f"{said}: is not finite")
        missing = torch.tensor([not sample for sample in samples])
        expect(not x[missing].any(), f"{said}: is not zero where the modality is missing")
        expect(not features.present(items)[missing].any(), f"{said}: missing samples are `present`")
        for row, sample in enumerate(samples):
            difference = distance(_dense(features(fitted.collate([sample])))[0], x[row])
            close = difference <= TOLERANCE
            expect(close, f"{said}: sample {row} alone differs by {difference:.1e}")
        again.load_state_dict(features.state_dict())
        expect(torch.equal(_dense(again(items)), x), f"{said}: differs after its state is loaded")


def check_traced(fitted: Modality, encoder: nn.Module, cells: Sequence[list[Any]]) -> None:
    """Check `trace`, `keep` and the parts of the pooled features."""
    samples, traced = fitted.transform(cells), fitted.trace(cells)
    items, same = fitted.collate(samples), fitted.collate(traced)
    for features in fitted.make_pooled_features():
        features.fit([items])
        said, whole = type(features).__name__, _dense(features(items))
        difference = distance(_dense(features(same)), whole)
        expect(difference <= TOLERANCE, f"{said}: differs by {difference:.1e} for traced items")
        # Added up in another order, large numbers such as decibels round by more.
        size = max(1.0, distance(whole, torch.zeros_like(whole)))
        parts = _dense(features.parts(same))
        total = torch.zeros_like(whole).index_add(0, same.node_layout()["sample"], parts)
        difference = distance(total, whole)
        said += f": the parts sum to something else, by {difference:.1e}"
        expect(difference <= TOLERANCE * size, said)
    for row, sample in enumerate(traced):
        lengths = fitted.collate([sample]).length.tolist()
        everything = [torch.ones(length, dtype=torch.bool) for length in lengths]
        for kept in (everything, [torch.arange(length) % 3 != 1 for length in lengths]):
            pairs = zip(sample, kept, strict=True)
            left = fitted.collate([[fitted.keep(item, each) for item, each in pairs]])
            wanted = [int(each.sum()) for each in kept]
            expect(left.length.tolist() == wanted, f"keep: {left.length.tolist()}, not {wanted}")
            with torch.no_grad():
                nodes = _encode(encoder, left)
                same_nodes = _encode(encoder, fitted.collate([samples[row]]))
            expect(bool(nodes.x.isfinite().all()), "keep: the nodes are not finite")
            if kept is everything:
                difference = distance(nodes.x, same_nodes.x)
                expect(difference <= TOLERANCE, "keep: all nodes of an item are another item")


def _dense(x: Tensor) -> Tensor:
    return x.to_dense() if x.is_sparse else x
