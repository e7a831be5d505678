"""What the columns of a table hold: numbers, categories or dates, as the training rows show."""

from __future__ import annotations

import math
import re
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np

from mmgraph.errors import CellError, quote
from mmgraph.modalities.numerals import PLAIN, Notation, find_notation
from mmgraph.nn.encoders.tabular import NO_CATEGORY, OTHER_CATEGORY

#: What a column can hold.
ColumnKind = Literal["number", "category", "datetime"]

_EPOCH = datetime(1970, 1, 1)
_SECOND = np.timedelta64(1, "s")
#: Later seconds round up to the year 10000, which Python's dates cannot show.
_LATEST = (datetime(9999, 12, 31, 23, 59, 59) - _EPOCH).total_seconds()
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\s*")


@dataclass(frozen=True)
class Column(ABC):
    """One column: how its values are read, scaled and shown.

    Args:
        name: Name of the column in the table.
    """

    kind: ClassVar[ColumnKind]
    #: Numbers that a value becomes.
    width: ClassVar[int]

    name: str

    @classmethod
    @abstractmethod
    def fit(cls, name: str, values: Sequence[Any], first: int) -> Column:
        """Return the column of these training values.

        Args:
            name: Name of the column.
            values: What `parse` made of the raw values, not empty.
            first: Id that the column's first category gets.
        """

    @staticmethod
    @abstractmethod
    def parse(raw: Any) -> Any:
        """Read a raw value: a number, a label, or seconds since 1970.

        Raises:
            CellError: It is of another kind.
        """

    @abstractmethod
    def numbers(self, value: Any) -> list[float]:
        """Return the numbers a network gets to see of a parsed value."""

    def category(self, value: Any) -> int:
        """Return the category id of a parsed value."""
        return NO_CATEGORY

    @abstractmethod
    def show(self, value: float) -> str:
        """Return a value as text: its number, its seconds since 1970, or its category id."""


@dataclass(frozen=True)
class NumberColumn(Column):
    r"""Numbers, centred and scaled so that neither outliers nor heavy tails matter much.

    .. math:: x' = \mathrm{asinh}((x - \mathrm{median}) / \mathrm{scale})

    is close to linear within the scale, half the distance between the quartiles, and close to
    a logarithm far out.

    Args:
        name: Name of the column.
        center: Median of the training values.
        scale: Half the distance of their quartiles; where that is 0, their mean distance from
            the median.
        notation: The fields of a `Notation`, where texts write the numbers in one of their own.
    """

    kind = "number"
    width = 1

    center: float
    scale: float
    notation: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        # Saved models may come from anybody.
        given = self.notation
        fields = [type(each) for each in given] if isinstance(given, tuple) else None
        if fields not in ([], [str, str, str, bool]):
            raise ValueError(f"expected the fields of a notation, got {quote(self.notation)}")

    @classmethod
    def fit(cls, name: str, values: Sequence[float], first: int) -> NumberColumn:
        """Return the column of these numbers."""
        low, center, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        scale = (high - low) / 2 or float(np.abs(np.array(values) - center).mean()) or 1.0
        return cls(name, center, scale)

    @staticmethod
    def parse(raw: Any) -> float:
        """Read a number, also one that is written as text; a length of time, in seconds."""
        if isinstance(raw, timedelta | np.timedelta64):
            raw = raw / (timedelta(seconds=1) if isinstance(raw, timedelta) else _SECOND)
        if not isinstance(raw, Real | Decimal | str | np.bool_):
            raise _unexpected("a number", raw)
        try:
            value = float(raw)
        except (ValueError, OverflowError):
            raise _unexpected("a number", raw) from None
        if not math.isfinite(value):
            raise _unexpected("a finite number", raw)
        return value

    def numbers(self, value: float) -> list[float]:
        """Return the scaled number."""
        # Halved first: the difference of two finite numbers can be infinite, and a quotient too.
        ratio = (value / 2 - self.center / 2) / self.scale * 2
        return [math.asinh(max(-1e300, min(ratio, 1e300)))]

    def show(self, value: float) -> str:
        """Return the number with six digits."""
        return f"{value:.6g}"


@dataclass(frozen=True)
class DatetimeColumn(Column):
    """Dates and times, as they are written (time zones are not compared).

    A date becomes seven numbers: the scaled time since 1970, and sine and cosine of its place
    in the year, in the week and in the day.

    Args:
        name: Name of the column.
        center: Median of the training dates in seconds since 1970.
        scale: As in `NumberColumn`, in seconds.
    """

    kind = "datetime"
    width = 7

    center: float
    scale: float

    @classmethod
    def fit(cls, name: str, values: Sequence[float], first: int) -> DatetimeColumn:
        """Return the column of these seconds since 1970."""
        like = NumberColumn.fit(name, values, first)
        return cls(name, like.center, like.scale)

    @staticmethod
    def parse(raw: Any) -> float:
        """Read a date, or text in ISO 8601, as seconds since 1970."""
        value = raw
        if isinstance(raw, np.datetime64):
            value = raw.astype("datetime64[us]").item()
        elif isinstance(raw, str):
            try:
                value = datetime.fromisoformat(raw.strip())
            except ValueError:
                raise _unexpected("a date such as 2024-05-31 or 2024-05-31T18:30", raw) from None
        if not isinstance(value, date):
            raise _unexpected("a date", raw)
        # pandas and NumPy know more years than Python does.
        if not MINYEAR <= value.year <= MAXYEAR:
            raise _unexpected("a date of the years 1 to 9999", raw)
        if not isinstance(value, datetime):
            return (value - _EPOCH.date()).total_seconds()
        return min((value.replace(tzinfo=None) - _EPOCH).total_seconds(), _LATEST)

    def numbers(self, value: float) -> list[float]:
        """Return the scaled time, and where in the year, the week and the day it lies."""
        moment = _EPOCH + timedelta(seconds=value)
        day = value / 86400
        cycles = ((moment.timetuple().tm_yday - 1) / 365.25, (day + 3) / 7, day)
        turns = [2 * math.pi * (cycle % 1) for cycle in cycles]
        trend = _compress(value, self.center, self.scale)
        return [trend, *(wave(turn) for turn in turns for wave in (math.sin, math.cos))]

    def show(self, value: float) -> str:
        """Return the date, with the time where it is not midnight."""
        text = (_EPOCH + timedelta(seconds=value)).isoformat(" ", "seconds")
        return text.removesuffix(" 00:00:00")


@dataclass(frozen=True)
class CategoryColumn(Column):
    """Text and truth values, known by what they are.

    Values that only one training row has teach nothing about themselves. They count as
    unknown, which teaches what to make of values that come up later.

    Args:
        name: Name of the column.
        first: Id of the first category.
        categories: Labels that several training rows have, sorted.
        rare: Labels that only one of them has.
    """

    kind = "category"
    width = 0

    first: int
    categories: tuple[str, ...]
    rare: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[str], first: int) -> CategoryColumn:
        """Return the column of these labels."""
        count = Counter(values)
        common = tuple(sorted(label for label, times in count.items() if times > 1))
        rare = tuple(sorted(label for label, times in count.items() if times == 1))
        return cls(name, first, common, rare)

    @staticmethod
    def parse(raw: Any) -> str:
        """Read a label; whole numbers are the same label whatever their type."""
        if isinstance(raw, str):
            # Half a pair of code units cannot be written into any file.
            return raw.strip().encode("utf-8", "backslashreplace").decode()
        if isinstance(raw, bool | np.bool_):
            return str(bool(raw))
        try:
            if isinstance(raw, Integral):
                return str(int(raw))
            if isinstance(raw, Real | Decimal):
                value = float(raw)
                return str(int(value)) if value.is_integer() else str(value)
        except (ValueError, OverflowError):  # of thousands of digits
            raise _unexpected("a smaller number", raw) from None
        if isinstance(raw, date):
            return raw.isoformat()
        if type(raw).__name__ in ("Interval", "Period"):  # of pandas.cut, and of calendars
            return str(raw)
        raise _unexpected("text, a truth value or a number", raw)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of every known label."""
        return {label: self.first + place for place, label in enumerate(self.categories)}

    def numbers(self, value: str) -> list[float]:
        """Return nothing: a category has no size."""
        return []

    def category(self, value: str) -> int:
        """Return the id of a label."""
        return self.ids.get(value, OTHER_CATEGORY)

    def show(self, value: float) -> str:
        """Return the label of an id."""
        known = value >= self.first
        return self.categories[int(value) - self.first] if known else "(other)"


COLUMN_KINDS: dict[str, type[Column]] = {
    each.kind: each for each in (NumberColumn, CategoryColumn, DatetimeColumn)
}


def find_kind(values: Sequence[Any]) -> ColumnKind:
    """Say what a column holds: what more than half of its raw values are, otherwise categories.

    Text counts as a number or a date where it is written like one (3.5, 2024-05-31, or as
    `find_notation` knows: $12.99), but not codes that begin with zeros (007).

    Example:
        >>> find_kind(["3.5", 2, "unknown"]), find_kind([True, False]), find_kind(["007", "013"])
        ('number', 'category', 'category')
    """
    votes = Counter(map(_kind_of, values))
    kind, count = votes.most_common(1)[0]
    kind = kind if 2 * count > len(values) else "category"
    if kind == "category" and find_notation(values) is not None:
        return "number"
    return kind


def own_notation(values: Sequence[Any]) -> Notation | None:
    """Return how the texts of a column of numbers write them; None where Python reads all."""
    if all(not isinstance(raw, str) or PLAIN.fullmatch(raw) for raw in values):
        return None
    return find_notation(values)


def _kind_of(raw: Any) -> ColumnKind:
    if isinstance(raw, bool | np.bool_):
        return "category"
    if isinstance(raw, Real | Decimal | timedelta | np.timedelta64) or (
        isinstance(raw, str) and PLAIN.fullmatch(raw)
    ):
        return "number"
    if isinstance(raw, date | np.datetime64) or (isinstance(raw, str) and _DATE.fullmatch(raw)):
        return "datetime"
    return "category"


def _compress(value: float, center: float, scale: float) -> float:
    """Return asinh of a scaled number, finite even where the scale is next to nothing."""
    most = sys.float_info.max
    return math.asinh(min(max((value - center) / scale, -most), most))


def _unexpected(expected: str, raw: Any) -> CellError:
    got = quote(raw, 40) if isinstance(raw, Real) else f"{type(raw).__name__} {quote(str(raw), 40)}"
    return CellError(f"expected {expected}, got {got}")
