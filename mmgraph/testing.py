"""Fake nodes, and checks of what a modality promises, for mmgraph's own tests and for yours."""

from __future__ import annotations

import copy
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.modalities.base import Modality, Place
from mmgraph.typing import Item

_CHANNELS = 12
_TOLERANCE = 1e-5

_Samples = list[list[Item]]


def random_nodes(
    lengths: Sequence[Sequence[int]], channels: int, dtype: torch.dtype = torch.float32
) -> Nodes:
    """Return random nodes of a batch.

    Args:
        lengths: Number of nodes of each item (inner) of each sample (outer).
        channels: Features of a node.
        dtype: Their type.

    Example:
        >>> nodes = random_nodes([[2, 1], [], [4]], channels=8)
        >>> nodes.mask.sum(1).tolist(), nodes.item[0].tolist()
        ([3, 0, 4], [0, 0, 1, 0])
    """
    rows = [
        (sample, item, index)
        for sample, items in enumerate(lengths)
        for item, length in enumerate(items)
        for index in range(length)
    ]
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    x = torch.randn(len(rows), channels, dtype=dtype)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


def check_modality(modality: Modality, cells: Sequence[list[Any]], *, seed: int = 0) -> None:
    """Check that a modality keeps what `Modality` promises, as every part of mmgraph relies on.

    Fitting leaves the description as it was; a missing cell has no items, zero nodes, pooled
    features of zeros and finite gradients; a sample's nodes do not depend on the rest of its
    batch; every parameter of the encoder is trained; every node has a place; relations give the
    same edges in both forms; explanations can tell nodes apart and take them away; and what is
    saved and loaded does the same as before.

    Args:
        modality: The description, not fitted.
        cells: Raw values of at least three training cells, none of them missing, as `fit` takes
            them. They should show all that the modality can do: items of different lengths,
            several items in a cell.
        seed: Seed of `fit` and of the encoder's weights.

    Raises:
        AssertionError: A promise is broken; the message says which and how.

    Example:
        >>> from mmgraph import Text
        >>> check_modality(Text("t", features=None), [["red cat"], ["a dog"], ["cat", "dog"]])
    """
    _expect(
        len(cells) >= 3 and all(len(cell) for cell in cells),
        "check_modality: give three cells or more, none of them missing",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fitted = _check_fit(modality, cells, seed)
        samples = _check_transform(fitted, cells)
        _check_collate(fitted, samples)
        encoder = fitted.make_encoder(_CHANNELS).eval()
        _check_nodes(fitted, encoder, samples)
        _check_gradients(fitted, encoder, samples)
        _check_relations(fitted, encoder, samples)
        _check_places(fitted, samples)
        _check_pooled_features(fitted, samples)
        _check_traced(fitted, encoder, cells)
        _check_saved(modality, fitted, encoder, cells)


def _check_fit(modality: Modality, cells: Sequence[list[Any]], seed: int) -> Modality:
    _expect(dataclasses.is_dataclass(modality), "a modality is a dataclass: add @dataclass")
    before = copy.deepcopy(vars(modality))
    fitted = modality.fit(cells, seed=seed)
    _expect(fitted is not modality, "fit returns the description itself, expected a copy")
    _expect(type(fitted) is type(modality), f"fit returns a {type(fitted).__name__}")
    after = vars(modality)
    changed = [
        name for name in after if name not in before or not _equal(after[name], before[name])
    ]
    _expect(not changed, f"fit changes {changed} of the description, expected only the copy to")
    twin = copy.deepcopy(modality).fit(cells, seed=seed)
    _expect(
        _equal(twin.transform(cells), fitted.transform(cells)),
        "two fits with the same cells and seed give different items",
    )
    return fitted


def _check_transform(fitted: Modality, cells: Sequence[list[Any]]) -> _Samples:
    """Return the items of all cells, with a missing one at either end and in the middle."""
    _expect(fitted.transform([]) == [], "transform of no cells: expected []")
    middle = len(cells) // 2
    with_missing: list[list[Any]] = [[], *cells[:middle], [], *cells[middle:], []]
    samples = fitted.transform(with_missing)
    _expect(
        isinstance(samples, list) and len(samples) == len(with_missing),
        "transform: expected a list with an entry for each cell",
    )
    for cell, sample in zip(with_missing, samples, strict=True):
        _expect(isinstance(sample, list), f"transform: expected lists of items, got {sample!r}")
        _expect(bool(cell) or sample == [], f"transform of a missing cell gives {sample!r}, not []")
        _expect(not cell or bool(sample), f"transform of {cell!r} gives no items")
        for item in sample:
            tensors = all(isinstance(value, Tensor) for value in item.values())
            _expect(tensors, f"transform: expected items of tensors by name, got {item!r}")
    present = [sample for cell, sample in zip(with_missing, samples, strict=True) if cell]
    _expect(
        _equal(present, fitted.transform(cells)), "transform: a missing cell changes other items"
    )
    return samples


def _check_collate(fitted: Modality, samples: _Samples) -> None:
    batches: list[_Samples] = [[], [[]], [[], []], samples[1:2], samples]
    names = set(fitted.collate(samples).data)
    for batch in batches:
        items = fitted.collate(batch)
        said = f"collate of {len(batch)} samples"
        owners = [row for row, sample in enumerate(batch) for _ in sample]
        _expect(items.batch_size == len(batch), f"{said}: batch_size is {items.batch_size}")
        _expect(items.sample.tolist() == owners, f"{said}: sample is {items.sample.tolist()}")
        _expect(len(items.length) == len(owners), f"{said}: {len(items.length)} lengths")
        kinds = {items.sample.dtype, items.length.dtype}
        _expect(kinds == {torch.long}, f"{said}: sample and length are {kinds}, not torch.long")
        _expect(set(items.data) == names, f"{said}: has {sorted(items.data)}, others have {names}")


def _check_nodes(fitted: Modality, encoder: nn.Module, samples: _Samples) -> None:
    with torch.no_grad():
        items = fitted.collate(samples)
        nodes = _encode(encoder, items)
        _expect(bool(nodes.x.isfinite().all()), "the encoder's nodes are not finite")
        expected = items.node_layout()
        for name in ("item", "index"):
            same = torch.equal(getattr(nodes, name)[nodes.mask], expected[name])
            _expect(same, f"nodes: `{name}` is not that of Items.node_layout")
        for row, sample in enumerate(samples):
            alone = _encode(encoder, fitted.collate([sample]))
            difference = _distance(alone.x[0][alone.mask[0]], nodes.x[row][nodes.mask[row]])
            _expect(
                difference <= _TOLERANCE,
                f"sample {row} alone and in a batch differ by {difference:.1e}",
            )
        for count in (0, 2):
            empty = _encode(encoder, fitted.collate([[]] * count))
            _expect(not empty.mask.any(), f"{count} samples without items have nodes")


def _encode(encoder: nn.Module, items: Items) -> Nodes:
    """Return the encoder's nodes, after a look at their shape."""
    nodes = encoder(items)
    _expect(isinstance(nodes, Nodes), f"the encoder returns {type(nodes).__name__}, not Nodes")
    shape, count = tuple(nodes.x.shape), items.nodes_per_sample
    _expect(
        shape[0] == items.batch_size and shape[2] == _CHANNELS,
        f"nodes of {items.batch_size} samples: x has the shape {shape}, expected "
        f"({items.batch_size}, nodes, {_CHANNELS})",
    )
    _expect(
        nodes.mask.sum(1).tolist() == count.tolist(),
        f"nodes: {nodes.mask.sum(1).tolist()} a sample, but `length` says {count.tolist()}",
    )
    _expect(not nodes.x[~nodes.mask].any(), "nodes: x is not zero where padded")
    return nodes


def _check_gradients(fitted: Modality, encoder: nn.Module, samples: _Samples) -> None:
    batches: tuple[_Samples, ...] = (samples, [[], []], [])
    for batch in batches:
        encoder.zero_grad()
        x = encoder(fitted.collate(batch)).x
        (x * torch.randn_like(x)).sum().backward()
        for name, parameter in encoder.named_parameters():
            gradient = parameter.grad
            said = f"the encoder's {name}, {len(batch)} samples"
            finite = gradient is None or bool(gradient.isfinite().all())
            _expect(finite, f"{said}: the gradient is not finite")
            trained = gradient is not None and bool(gradient.any())
            _expect(
                trained or batch is not samples or not parameter.requires_grad,
                f"{said}: the gradient is zero, so it is never trained (or the cells lack what "
                "it is for)",
            )


def _check_relations(fitted: Modality, encoder: nn.Module, samples: _Samples) -> None:
    with torch.no_grad():
        nodes = encoder(fitted.collate(samples))
    for name, relation in fitted.relations().items():
        batch, to, start = relation.adjacency(nodes, nodes).nonzero(as_tuple=True)
        rows = nodes.offsets()
        dense = set(zip(rows[batch, start].tolist(), rows[batch, to].tolist(), strict=True))
        listed = list(map(tuple, relation.edge_index(nodes, nodes).T.tolist()))
        _expect(len(set(listed)) == len(listed), f"relation {name!r}: edge_index repeats edges")
        _expect(
            set(listed) == dense,
            f"relation {name!r}: adjacency and edge_index differ in {sorted(dense ^ set(listed))}",
        )


def _check_places(fitted: Modality, samples: _Samples) -> None:
    for sample in samples:
        lengths = fitted.collate([sample]).length.tolist()
        for item, length in zip(sample, lengths, strict=True):
            for index in range(length):
                place = fitted.place(item, index)
                named = isinstance(place, Place) and bool(place.label)
                _expect(named, f"place({index}): expected a Place with a label, got {place!r}")


def _check_pooled_features(fitted: Modality, samples: _Samples) -> None:
    items = fitted.collate(samples)
    for features, again in zip(
        fitted.make_pooled_features(), fitted.make_pooled_features(), strict=True
    ):
        said = type(features).__name__
        features.fit([items])
        x = _dense(features(items))
        shape = (len(samples), features.width)
        _expect(tuple(x.shape) == shape, f"{said}: has the shape {tuple(x.shape)}, not {shape}")
        _expect(bool(x.isfinite().all()), f"{said}: is not finite")
        missing = torch.tensor([not sample for sample in samples])
        _expect(not x[missing].any(), f"{said}: is not zero where the modality is missing")
        _expect(
            not features.present(items)[missing].any(), f"{said}: missing samples are `present`"
        )
        for row, sample in enumerate(samples):
            difference = _distance(_dense(features(fitted.collate([sample])))[0], x[row])
            close = difference <= _TOLERANCE
            _expect(close, f"{said}: sample {row} alone differs by {difference:.1e}")
        again.load_state_dict(features.state_dict())
        _expect(torch.equal(_dense(again(items)), x), f"{said}: differs after its state is loaded")


def _check_traced(fitted: Modality, encoder: nn.Module, cells: Sequence[list[Any]]) -> None:
    """Check `trace`, `keep` and the parts of the pooled features."""
    samples, traced = fitted.transform(cells), fitted.trace(cells)
    items, same = fitted.collate(samples), fitted.collate(traced)
    for features in fitted.make_pooled_features():
        features.fit([items])
        said, whole = type(features).__name__, _dense(features(items))
        difference = _distance(_dense(features(same)), whole)
        _expect(difference <= _TOLERANCE, f"{said}: differs by {difference:.1e} for traced items")
        # Added up in another order, large numbers such as decibels round by more.
        size = max(1.0, _distance(whole, torch.zeros_like(whole)))
        parts = _dense(features.parts(same))
        total = torch.zeros_like(whole).index_add(0, same.node_layout()["sample"], parts)
        difference = _distance(total, whole)
        said += f": the parts sum to something else, by {difference:.1e}"
        _expect(difference <= _TOLERANCE * size, said)
    for row, sample in enumerate(traced):
        lengths = fitted.collate([sample]).length.tolist()
        everything = [torch.ones(length, dtype=torch.bool) for length in lengths]
        for kept in (everything, [torch.arange(length) % 3 != 1 for length in lengths]):
            pairs = zip(sample, kept, strict=True)
            left = fitted.collate([[fitted.keep(item, each) for item, each in pairs]])
            wanted = [int(each.sum()) for each in kept]
            _expect(left.length.tolist() == wanted, f"keep: {left.length.tolist()}, not {wanted}")
            with torch.no_grad():
                nodes = _encode(encoder, left)
                same_nodes = _encode(encoder, fitted.collate([samples[row]]))
            _expect(bool(nodes.x.isfinite().all()), "keep: the nodes are not finite")
            if kept is everything:
                difference = _distance(nodes.x, same_nodes.x)
                _expect(difference <= _TOLERANCE, "keep: all nodes of an item are another item")


def _check_saved(
    modality: Modality, fitted: Modality, encoder: nn.Module, cells: Sequence[list[Any]]
) -> None:
    assert dataclasses.is_dataclass(modality)  # as `fit` was checked for
    fields = [each for each in dataclasses.fields(modality) if each.init]
    remade = type(modality)(**{each.name: getattr(modality, each.name) for each in fields})
    with tempfile.TemporaryDirectory() as name:
        state = json.loads(json.dumps(fitted.save(Path(name))))
        loaded = remade.load(Path(name), state)
    samples, again = fitted.transform(cells), loaded.transform(cells)
    _expect(_equal(samples, again), "after save and load, transform gives other items")
    _expect(
        fitted.relations().keys() == loaded.relations().keys(),
        "after save and load, there are other relations",
    )
    twin = loaded.make_encoder(_CHANNELS).eval()
    try:
        twin.load_state_dict(encoder.state_dict())
    except RuntimeError as error:
        raise AssertionError(f"after save and load, the encoder is another one: {error}") from None
    with torch.no_grad():
        difference = _distance(twin(loaded.collate(again)).x, encoder(fitted.collate(samples)).x)
    _expect(difference <= _TOLERANCE, f"after save and load, nodes differ by {difference:.1e}")
    places = (
        each.place(sample[0], 0) for each, sample in ((fitted, samples[0]), (loaded, again[0]))
    )
    _expect(len(set(places)) == 1, "after save and load, `place` says something else")


def _expect(condition: bool, message: str) -> None:
    # No bare assert: python -O would skip the checks.
    if not condition:
        raise AssertionError(message)


def _dense(x: Tensor) -> Tensor:
    return x.to_dense() if x.is_sparse else x


def _distance(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two tensors, infinite for different shapes."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max()) if one.numel() else 0.0


def _equal(one: Any, other: Any) -> bool:
    """Compare values that may hold tensors."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        return False
    return bool(one == other)
