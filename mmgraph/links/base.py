"""What links are: descriptions that say which rows of a table see which others."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Int

#: Most rows of one relation that a row sees, where nothing else is said.
MOST = 32


@dataclass(frozen=True, eq=False)
class RowKeys:
    """The values of some columns for all rows that may be linked, as texts.

    Rows of the training come first; the others are asked for, and see rows of both kinds.

    Args:
        cells: Values of each row by column; a row has none, one or several.
        known: Number of rows of the training.
        length: Number of rows of both kinds.
    """

    cells: Mapping[str, Sequence[Sequence[str]]]
    known: int
    length: int

    @property
    def asked(self) -> range:
        """Numbers of the rows that are asked for."""
        return range(self.known, self.length)

    def first(self, column: str, row: int) -> str | None:
        """Return the first value of a row, None where it has none."""
        cell = self.cells[column][row]
        return cell[0] if cell else None


@dataclass(frozen=True, eq=False)
class Edges:
    """Links of one relation, the rows that see in ascending order.

    Args:
        relation: Name of the relation.
        row: Rows that see another one.
        linked: The rows that they see.
        distance: Steps between the two in a sequence; 0 elsewhere.
    """

    relation: str
    row: Int[np.ndarray, "edges"]
    linked: Int[np.ndarray, "edges"]
    distance: Int[np.ndarray, "edges"]

    @classmethod
    def of(cls, relation: str, found: Sequence[tuple[int, int, int]]) -> Edges:
        """Return the links of a list of (row, linked row, distance)."""
        table = np.array(found, dtype=np.int64).reshape(-1, 3)
        table = table[np.argsort(table[:, 0], kind="stable")]
        return cls(relation, table[:, 0], table[:, 1], table[:, 2])


@dataclass(frozen=True, eq=False)
class FoundLinks:
    """What a description found among some rows.

    Args:
        edges: Links of each of its relations, in the order of `LinkKind.relations`.
        said: What has to be said of keys that name no row and the like; "" where nothing has.
    """

    edges: Sequence[Edges]
    said: str = ""


class LinkKind(ABC):
    """Which rows see which others; a subclass is a data class of plain values.

    A row never sees itself. Rows with the same key are one row: of a row that was in the training
    and is asked for again, others see what the training had, and it does not see its copy.
    """

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The columns it reads."""

    @property
    @abstractmethod
    def relations(self) -> list[str]:
        """Names of its relations."""

    @abstractmethod
    def find(self, rows: RowKeys) -> FoundLinks:
        """Return the links of the rows that are asked for.

        What a row sees depends on the training rows and on the rows that links lead to, and on no
        others.
        """

    def describe(self) -> dict[str, Any]:
        """Return class and values, as JSON holds them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        return {"kind": type(self).__name__, **values}


def first_places(keys: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the first row that has each key.

    Example:
        >>> first_places([["a"], [], ["b"], ["a"]])
        {'a': 0, 'b': 2}
    """
    places: dict[str, int] = {}
    for row, cell in enumerate(keys):
        if cell:
            places.setdefault(cell[0], row)
    return places


def some_of(known: Sequence[int], others: Sequence[int], most: int, key: str | None) -> list[int]:
    """Return some of many linked rows; rows of the training before those that are asked for.

    Which ones depends on the key of the row that sees them, so that rows around one hub see
    different others, and each sees the same ones again.

    Args:
        known: Rows of the training.
        others: Rows that are asked for.
        most: Most to return.
        key: What the row that sees is called, if it has a name.

    Example:
        >>> some_of([1, 2, 3], [7, 8], 4, None), len(some_of(range(100), [], 32, "a"))
        ([1, 2, 3, 7], 32)
    """
    chosen = _turned(known, most, key)
    return chosen + _turned(others, most - len(chosen), key)


def _turned(rows: Sequence[int], most: int, key: str | None) -> list[int]:
    if len(rows) <= most:
        return list(rows)
    begin = 0 if key is None else zlib.crc32(key.encode("utf-8", "surrogatepass")) % len(rows)
    return [rows[(begin + step) % len(rows)] for step in range(most)]


def check_most(kind: object, **values: int) -> None:
    """Refuse counts of rows that are no whole numbers from 0.

    Raises:
        ValueError: The message names the argument.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(
                f"{type(kind).__name__}: expected {name} to be a number of rows from 0, "
                f"got {value!r}"
            )
