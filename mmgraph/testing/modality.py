"""What a modality promises, from the cells of a table to a model that is saved and loaded."""

from __future__ import annotations

import copy
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmgraph.errors import CellError
from mmgraph.graph.items import Items
from mmgraph.modalities.base import Modality
from mmgraph.testing.expect import distance, equal, expect
from mmgraph.testing.in_fit import check_in_fit
from mmgraph.testing.modality_nodes import (
    CHANNELS,
    TOLERANCE,
    Samples,
    check_gradients,
    check_nodes,
    check_places,
    check_pooled_features,
    check_relations,
    check_traced,
)
from mmgraph.testing.modality_table import check_cells, make_table

if TYPE_CHECKING:
    import pandas as pd


def check_modality(
    modality: Modality, cells: Sequence[list[Any]] | pd.DataFrame, *, seed: int = 0
) -> None:
    """Check that a modality keeps what `Modality` promises, as every part of mmgraph relies on.

    The cells are put into a table and read as `fit` reads them. Fitting leaves the description
    as it was; a missing cell has no items, zero nodes, pooled features of zeros and finite
    gradients; a value of no known type is a `CellError`; a sample's nodes do not depend on the
    rest of its batch; every parameter of the encoder is trained; every node has a place;
    relations give the same edges in both forms; explanations can tell nodes apart and take them
    away; and what is saved and loaded does the same as before. In the end a classifier is fitted
    on the table, saved and loaded.

    Args:
        modality: The description, not fitted.
        cells: Raw values of at least three training cells, none of them missing, or a table
            with such cells in the modality's columns. They should show all that the modality
            can do: items of different lengths, several items in a cell.
        seed: Seed of `fit` and of the encoder's weights.

    Raises:
        AssertionError: A promise is broken; the message says which and how to mend it.

    Example:
        >>> from mmgraph import Text
        >>> check_modality(Text("t", features=None), [["red cat"], ["a dog"], ["cat", "dog"]])
    """
    _check_class(modality)
    table = make_table(modality, cells)
    cells = check_cells(modality, table, cells)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fitted = _check_fit(modality, cells, seed)
        samples = _check_transform(fitted, cells)
        _check_unreadable(fitted)
        _check_collate(fitted, samples)
        encoder = fitted.make_encoder(CHANNELS).eval()
        check_nodes(fitted, encoder, samples)
        check_gradients(fitted, encoder, samples)
        check_relations(fitted, encoder, samples)
        check_places(fitted, samples)
        check_pooled_features(fitted, samples)
        check_traced(fitted, encoder, cells)
        _check_saved(modality, fitted, encoder, cells)
    check_in_fit(table, [modality], {"modalities": [type(modality)]}, seed=seed)


def _check_class(modality: Modality) -> None:
    cls = type(modality)
    own = [name for name, kind in vars(cls).get("__annotations__", {}).items() if _is_field(kind)]
    fields = {each.name for each in dataclasses.fields(modality)}
    lacking = [name for name in own if name not in fields]
    expect(
        not lacking,
        f"{cls.__name__} has choices that are no fields: {lacking}; add @dataclass(eq=False)",
    )
    kind = getattr(cls, "kind", None)
    expect(
        isinstance(kind, str) and bool(kind),
        f"{cls.__name__}.kind is {kind!r}, expected a word for its nodes, such as "
        'kind = "window" in the class',
    )
    twin = copy.deepcopy(modality)  # as cloned estimators have it
    expect(
        twin.column_list == modality.column_list and twin.node_type == modality.node_type,
        f"{cls.__name__}: a copy has other columns or another name; keep them as they were given",
    )


def _is_field(annotation: Any) -> bool:
    return not any(word in str(annotation) for word in ("ClassVar", "KW_ONLY"))


def _check_fit(modality: Modality, cells: Sequence[list[Any]], seed: int) -> Modality:
    before = copy.deepcopy(vars(modality))
    fitted = modality.fit(cells, seed=seed)
    remedy = "begin with fitted = copy.copy(self), and set what was learnt on that"
    expect(fitted is not modality, f"fit returns the description itself; {remedy}")
    expect(
        type(fitted) is type(modality),
        f"fit returns a {type(fitted).__name__}, expected a {type(modality).__name__}; {remedy}",
    )
    after = vars(modality)
    changed = [name for name in after if name not in before or not equal(after[name], before[name])]
    expect(not changed, f"fit changes {changed} of the description; {remedy}")
    twin = copy.deepcopy(modality).fit(cells, seed=seed)
    expect(
        equal(twin.transform(cells), fitted.transform(cells)),
        "two fits with the same cells and seed give different items; draw by the seed of `fit`",
    )
    both, items = copy.deepcopy(modality).fit_transform(cells, seed=seed)
    expect(
        equal(items, fitted.transform(cells)) and equal(both.transform(cells), items),
        "fit_transform gives other items than fit and then transform; without a method of its own "
        "it is these two",
    )
    return fitted


class _Unreadable:
    """A value of a type that no modality knows."""

    def __repr__(self) -> str:
        return "<a value of an unknown type>"


def _check_unreadable(fitted: Modality) -> None:
    raw: Any = _Unreadable()
    cell = [(fitted.column_list[0], raw)] if fitted.by_column else [raw]
    strict = copy.copy(fitted)
    strict.unreadable = "raise"
    try:
        strict.transform([cell])
    except CellError:
        pass
    except Exception as error:
        raise AssertionError(
            f"transform of {raw!r} raises {error!r}, expected a CellError that says what was "
            "expected, so that the message can name the row and the column; read values by "
            "self.read_each(cells, read), where read raises CellError"
        ) from error


def _check_transform(fitted: Modality, cells: Sequence[list[Any]]) -> Samples:
    """Return the items of all cells, with a missing one at either end and in the middle."""
    expect(fitted.transform([]) == [], "transform of no cells: expected []")
    middle = len(cells) // 2
    with_missing: list[list[Any]] = [[], *cells[:middle], [], *cells[middle:], []]
    samples = fitted.transform(with_missing)
    expect(
        isinstance(samples, list) and len(samples) == len(with_missing),
        "transform: expected a list with an entry for each cell",
    )
    for cell, sample in zip(with_missing, samples, strict=True):
        expect(
            isinstance(sample, list),
            f"transform: expected a list of items for each cell, got {sample!r:.80}",
        )
        expect(bool(cell) or sample == [], f"transform of a missing cell gives {sample!r}, not []")
        expect(not cell or bool(sample), f"transform of {cell!r} gives no items")
        for item in sample:
            tensors = all(isinstance(value, Tensor) for value in item.values())
            expect(tensors, f"transform: expected items of tensors by name, got {item!r}")
    present = [sample for cell, sample in zip(with_missing, samples, strict=True) if cell]
    expect(equal(present, fitted.transform(cells)), "transform: a missing cell changes other items")
    return samples


def _check_collate(fitted: Modality, samples: Samples) -> None:
    batches: list[Samples] = [[], [[]], [[], []], samples[1:2], samples]
    remedy = "the default collate does all this, given `empty_item`"
    names = set(_collate(fitted, samples, remedy).data)
    for batch in batches:
        said = f"collate of {len(batch)} samples"
        items = _collate(fitted, batch, remedy)
        owners = [row for row, sample in enumerate(batch) for _ in sample]
        expect(
            items.batch_size == len(batch), f"{said}: batch_size is {items.batch_size}; {remedy}"
        )
        expect(
            items.sample.tolist() == owners,
            f"{said}: sample is {items.sample.tolist()}, expected {owners}; {remedy}",
        )
        expect(
            len(items.length) == len(owners),
            f"{said}: {len(items.length)} lengths of {len(owners)} items; {remedy}",
        )
        kinds = {items.sample.dtype, items.length.dtype}
        expect(
            kinds == {torch.long},
            f"{said}: sample and length are {kinds}, not torch.long; {remedy}",
        )
        expect(
            set(items.data) == names,
            f"{said}: has {sorted(items.data)}, others have {sorted(names)}; {remedy}",
        )


def _collate(fitted: Modality, batch: Samples, remedy: str) -> Items:
    try:
        items: Any = fitted.collate(batch)
    except NotImplementedError as error:
        raise AssertionError(str(error)) from error
    except Exception as error:
        raise AssertionError(
            f"collate of {len(batch)} samples fails: {error!r}; {remedy}"
        ) from error
    expect(isinstance(items, Items), f"collate returns {type(items).__name__}, not Items; {remedy}")
    return items


def _check_saved(
    modality: Modality, fitted: Modality, encoder: nn.Module, cells: Sequence[list[Any]]
) -> None:
    assert dataclasses.is_dataclass(modality)  # as `fit` was checked for
    fields = [each for each in dataclasses.fields(modality) if each.init]
    remade = type(modality)(**{each.name: getattr(modality, each.name) for each in fields})
    with tempfile.TemporaryDirectory() as name:
        state = _as_json(fitted.save(Path(name)))
        loaded = remade.load(Path(name), state)
    samples, again = fitted.transform(cells), loaded.transform(cells)
    expect(equal(samples, again), f"after save and load, transform gives other items; {_SAVE}")
    expect(
        fitted.relations().keys() == loaded.relations().keys(),
        f"after save and load, there are other relations; {_SAVE}",
    )
    twin = loaded.make_encoder(CHANNELS).eval()
    try:
        twin.load_state_dict(encoder.state_dict())
    except RuntimeError as error:
        raise AssertionError(f"after save and load, the encoder is another one: {error}") from None
    with torch.no_grad():
        difference = distance(twin(loaded.collate(again)).x, encoder(fitted.collate(samples)).x)
    expect(difference <= TOLERANCE, f"after save and load, nodes differ by {difference:.1e}")
    places = (
        each.place(sample[0], 0) for each, sample in ((fitted, samples[0]), (loaded, again[0]))
    )
    expect(len(set(places)) == 1, f"after save and load, `place` says something else; {_SAVE}")


_SAVE = "`save` writes all that `fit` learnt, and `load` sets it on a copy of the description"


def _as_json(state: Any) -> Any:
    try:
        return json.loads(json.dumps(state))
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"save returns what JSON cannot hold ({error}); return numbers, texts, lists and "
            "dicts, and write the rest into the folder"
        ) from error
