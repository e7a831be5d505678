"""Rows of a table, whose columns become nodes."""

from __future__ import annotations

import copy
import dataclasses
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from mmgraph.errors import CellError, quote
from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Complete, Relation
from mmgraph.modalities.base import Modality, Place, Unreadable, first_reading
from mmgraph.modalities.columns import (
    COLUMN_KINDS,
    CategoryColumn,
    Column,
    ColumnKind,
    NumberColumn,
    find_kind,
    own_notation,
)
from mmgraph.modalities.doubts import find_doubts
from mmgraph.modalities.numerals import Notation
from mmgraph.nn.encoders.tabular import FIRST_CATEGORY, OTHER_CATEGORY
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.typing import Item

_log = logging.getLogger(__name__)

#: A column's number in `column_list`, and a value of it as it was parsed.
_Value = tuple[int, Any]


@dataclass(eq=False)
class Tabular(Modality):
    """Numbers, categories, truth values and dates: a node for every column.

    As the feature tokens of the FT-Transformer (https://arxiv.org/abs/2106.11959), except that
    a missing value is a missing node. What a column holds is learnt from the training rows,
    see `find_kind`; a column that is empty there is left out. What pandas declares a `category`
    is one, whatever its values are.

    Numbers are centred and scaled, see `NumberColumn`. Categories that come up for the first
    time after training count as "(other)", as do those that only one training row has.

    Args:
        columns: The columns.
        kinds: What some columns hold, against appearances: "number", "category" or
            "datetime" by column, such as `{"zip": "category"}`. Default: None.
        unreadable: What to do with values that are not of their column's kind, and with
            infinite ones. Default: "raise".
        name: Name of the node type. Default: "tabular".

    Example:
        >>> table = Tabular(["age", "city"])
        >>> rows = [[("age", 30), ("city", "Rome")], [("age", 50), ("city", "Rome")]]
        >>> table = table.fit(rows)
        >>> (item,), missing = table.transform([[("city", "Rome")], []])
        >>> missing, table.place(item, 0).label
        ([], 'city = Rome')
    """

    kind: ClassVar[str] = "column"
    by_column: ClassVar[bool] = True

    columns: str | Sequence[str]
    _: KW_ONLY
    kinds: Mapping[str, ColumnKind] | None = None
    unreadable: Unreadable = "raise"
    name: str | None = "tabular"

    #: What each column holds, in the order of `columns`; None for those that are left out.
    columns_: list[Column | None] | None = field(init=False, default=None, repr=False)
    #: Kinds of columns that the table itself declares, such as pandas' `category`.
    declared_: dict[str, ColumnKind] = field(init=False, default_factory=dict, repr=False)
    #: Columns whose unknown categories were reported.
    told_: set[str] = field(init=False, default_factory=set, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for column, kind in (self.kinds or {}).items():
            if column not in self.column_list:
                raise ValueError(f"kinds: {column!r} is not among the columns {self.column_list}")
            if kind not in COLUMN_KINDS:
                raise ValueError(f"kinds: expected one of {list(COLUMN_KINDS)}, got {kind!r}")

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether the values are numbers, truth values, dates, or categories that recur."""
        if not values:
            return False
        kind = find_kind(values)
        column = COLUMN_KINDS[kind]
        notation = own_notation(values) if kind == "number" else None
        try:
            parsed = [_parse(kind, "", value, notation) for value in values]
        except CellError:
            return False
        if column is not CategoryColumn or all(isinstance(v, bool | np.bool_) for v in values):
            return True
        # What has several words is rather prose, unless it recurs a lot.
        words = sum(" " not in label for label in parsed)
        most = (len(parsed) + 1) / 2 if 2 * words > len(parsed) else len(parsed) / 5
        return len(parsed) > 2 and len(set(parsed)) <= most

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Tabular:
        """Return a fitted copy that knows what each column holds.

        Raises:
            CellError: A value is not of its column's kind and `unreadable` is "raise".
        """
        fitted = copy.copy(self)
        fitted.told_ = set()
        raw: dict[str, list[Any]] = {name: [] for name in self.column_list}
        for cell in cells:
            for name, value in cell:
                raw[name].append(value)
        kinds: dict[str, ColumnKind] = {}
        for name, values in raw.items():
            given = (self.kinds or {}).get(name) or self.declared_.get(name)
            if values:
                kinds[name] = given or find_kind(values)
        notations = {
            name: own_notation(raw[name]) for name, kind in kinds.items() if kind == "number"
        }
        with first_reading():
            rows = self.read_each(
                cells,
                lambda pair: (
                    pair[0],
                    _parse(kinds[pair[0]], pair[0], pair[1], notations.get(pair[0])),
                ),
            )
        parsed: dict[str, list[Any]] = {name: [] for name in raw}
        for row in rows:
            for name, value in row:
                parsed[name].append(value)
        fitted.columns_ = []
        first = FIRST_CATEGORY
        for name, found in parsed.items():
            column = COLUMN_KINDS[kinds[name]].fit(name, found, first) if found else None
            notation = notations.get(name)
            if isinstance(column, NumberColumn) and notation is not None:
                column = dataclasses.replace(column, notation=dataclasses.astuple(notation))
            fitted.columns_.append(column)
            first += len(column.categories) if isinstance(column, CategoryColumn) else 0
            for doubt in find_doubts(column, raw[name], found, len(cells)):
                warnings.warn(f"{self.node_type}: column {quote(name)}: {doubt}", stacklevel=2)
        _log.info("%s: %s", self.node_type, fitted._summary())
        return fitted

    def declared(self, kinds: Mapping[str, str]) -> Tabular:
        """Return a copy that takes columns as categories that the table declares to be that."""
        told = copy.copy(self)
        told.declared_ = {name: "category" for name, kind in kinds.items() if kind == "category"}
        return told

    def _summary(self) -> str:
        """Say what the columns hold, as the log shows it."""
        assert self.columns_ is not None
        parts = []
        for name, column in zip(self.column_list, self.columns_, strict=True):
            text: str = "empty, left out" if column is None else column.kind
            if isinstance(column, CategoryColumn):
                text = f"{len(column.categories)} categories"
                text += f" and {len(column.rare)} seen once" if column.rare else ""
            parts.append(f"{name!r} {text}")
        return ", ".join(parts)

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into one item of `column`, `number`, `category` and `value` by node.

        `value` is what `Column.show` takes, and is left out of batches.

        Raises:
            CellError: A value is not of its column's kind and `unreadable` is "raise".
        """
        columns = dict(zip(self.column_list, self._columns(), strict=True))
        number_of = {name: number for number, name in enumerate(columns)}
        kept = [[pair for pair in cell if columns[pair[0]] is not None] for cell in cells]

        notations = {
            name: Notation(*column.notation)
            for name, column in columns.items()
            if isinstance(column, NumberColumn) and column.notation
        }

        def read(pair: tuple[str, Any]) -> _Value:
            name, raw = pair
            column = columns[name]
            assert column is not None
            return number_of[name], _parse(column.kind, name, raw, notations.get(name), fitted=True)

        rows = self.read_each(kept, read)
        flat = [value for row in rows for value in row]
        self._report_unknown(flat)
        joined = self._tensors(flat)
        ends = list(accumulate(len(row) for row in rows))
        items = [
            {name: values[end - len(row) : end] for name, values in joined.items()}
            for row, end in zip(rows, ends, strict=True)
        ]
        return [[item] if row else [] for row, item in zip(rows, items, strict=True)]

    def _columns(self) -> list[Column | None]:
        if self.columns_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        return self.columns_

    def _tensors(self, values: Sequence[_Value]) -> Item:
        """Return the nodes of these values, one behind the other."""
        columns, width = self._columns(), self._width
        numbers = np.zeros((len(values), width), np.float32)
        categories = np.zeros(len(values), np.int64)
        shown = np.zeros(len(values))
        for row, (number, value) in enumerate(values):
            column = columns[number]
            assert column is not None
            numbers[row, : column.width] = column.numbers(value)
            categories[row] = column.category(value)
            shown[row] = categories[row] if isinstance(column, CategoryColumn) else value
        return {
            "column": torch.tensor([number for number, _ in values], dtype=torch.long),
            "number": torch.from_numpy(numbers),
            "category": torch.from_numpy(categories),
            "value": torch.from_numpy(shown),
        }

    @property
    def _width(self) -> int:
        """Most numbers that a column's value becomes; 0 where there are only categories."""
        return max((column.width for column in self._columns() if column), default=0)

    def _report_unknown(self, values: Sequence[_Value]) -> None:
        """Say once of every column which categories were not there in training."""
        unknown: dict[str, set[str]] = {}
        for number, value in values:
            column = self._columns()[number]
            if isinstance(column, CategoryColumn) and column.category(value) == OTHER_CATEGORY:
                unknown.setdefault(column.name, set()).add(value)
        for column in self._columns():
            if not isinstance(column, CategoryColumn) or column.name in self.told_:
                continue
            new = sorted(unknown.get(column.name, set()) - set(column.rare))
            if new:
                self.told_.add(column.name)
                _log.warning(
                    "%s: column %r has categories that were not there in training and count as "
                    "(other), such as %s",
                    *(self.node_type, column.name, ", ".join(map(repr, new[:3]))),
                )

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join rows: `column` and `category` [flat], `number` [flat, width]; flat counts nodes."""
        items = [item for sample in samples for item in sample]
        empty = self._tensors([])
        return Items(
            data={
                name: torch.cat([empty[name], *(item[name] for item in items)])
                for name in ("column", "number", "category")
            },
            length=torch.tensor([len(item["column"]) for item in items], dtype=torch.long),
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a `ColumnEncoder` for these columns."""
        from mmgraph.nn.encoders.tabular import ColumnEncoder

        return ColumnEncoder(
            len(self.column_list), channels, width=self._width, categories=self._num_categories
        )

    @property
    def _num_categories(self) -> int:
        """Number of category ids; 0 where there are no categories."""
        columns = [column for column in self._columns() if isinstance(column, CategoryColumn)]
        known = sum(len(column.categories) for column in columns)
        return FIRST_CATEGORY + known if columns else 0

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return the numbers of all columns, and which categories there are."""
        from mmgraph.nn.linear.features import CategoryFeatures, NumberFeatures

        columns, width = self._columns(), self._width
        used = [
            number * width + place
            for number, column in enumerate(columns)
            for place in range(column.width if column else 0)
        ]
        categories = self._num_categories
        pooled: list[PooledFeatures] = [NumberFeatures(len(columns), width, used)] if used else []
        return [*pooled, CategoryFeatures(categories)] if categories > FIRST_CATEGORY else pooled

    def relations(self) -> dict[str, Relation]:
        """Join every column of a row with every other."""
        return {"within": Complete(loops=False)}

    def place(self, item: Item, index: int) -> Place:
        """Say which column a node is, and its value."""
        column = self._columns()[int(item["column"][index])]
        assert column is not None
        return Place(f"{column.name} = {column.show(float(item['value'][index]))}")

    def save(self, folder: Path) -> dict[str, Any]:
        """Return what each column holds."""
        columns = self._columns()
        return {
            "columns": [
                None if column is None else {"kind": column.kind, **dataclasses.asdict(column)}
                for column in columns
            ]
        }

    def load(self, folder: Path, state: dict[str, Any]) -> Tabular:
        """Return a fitted copy from what `save` returned."""
        fitted = copy.copy(self)
        fitted.told_ = set()
        fitted.columns_ = [None if each is None else _restore(each) for each in state["columns"]]
        return fitted


def _parse(
    kind: ColumnKind,
    name: str,
    raw: Any,
    notation: Notation | None = None,
    *,
    fitted: bool = False,
) -> Any:
    """Read a value, naming its column and the remedy in errors."""
    try:
        return COLUMN_KINDS[kind].parse(raw if notation is None else _plain(raw, notation))
    except CellError as error:
        remedy = "correct it, or leave the cell empty" if fitted else "correct it"
        if kind != "category" and isinstance(raw, str) and not fitted:
            remedy += f", read the column as categories with kinds={{{quote(name)}: 'category'}}"
        remedy += "" if fitted else ', or set unreadable="missing"'
        raise CellError(f"column {quote(name)}: {error.reason}; {remedy}") from None


def _plain(raw: Any, notation: Notation) -> Any:
    """Return a number as Python knows it.

    Raises:
        CellError: It is written otherwise than the column's numbers are.
    """
    plain = notation.plain(raw) if isinstance(raw, str) else raw
    if plain is None or (plain is raw and not notation.bare):
        affix = f" with {notation.affix!r}" if notation.affix else ""
        raise CellError(f"expected a number{affix} and {notation.decimal!r}, got {quote(raw)}")
    return plain


def _restore(state: dict[str, Any]) -> Column:
    """Return a column from its JSON state, which has lists for tuples."""
    values: dict[str, Any]
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in state.items() if k != "kind"}
    return COLUMN_KINDS[state["kind"]](**values)
