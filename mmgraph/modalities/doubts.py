"""What may be wrong with a column of a table, as its training values show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmgraph.errors import quote
from mmgraph.modalities.columns import CategoryColumn, Column, NumberColumn
from mmgraph.modalities.numerals import Notation, is_ambiguous

#: Of fewer values nothing can be said.
_LEAST = 10

#: Where more of the values stand alone, a column hardly says anything.
_ONCE = 0.9


def find_doubts(
    column: Column | None, raw: Sequence[Any], parsed: Sequence[Any], rows: int
) -> Iterator[str]:
    """Return what the user should hear of a column: that it teaches nothing, or may be misread.

    Args:
        column: The fitted column, None where it is left out.
        raw: Its training values as they came.
        parsed: What was made of those that could be read.
        rows: Number of training rows, with and without a value.
    """
    if column is None:
        if rows >= _LEAST and not raw:
            yield "no training row has a value, so it is left out"
        return
    if isinstance(column, CategoryColumn):
        yield from _doubts_of_categories(column, raw, len(parsed))
    if len(parsed) == rows >= _LEAST and len(set(parsed)) == 1:
        yield f"all training rows have the same value, {quote(raw[0])}, which teaches nothing"
    if isinstance(column, NumberColumn) and column.notation:
        texts = [value for value in raw if isinstance(value, str)]
        if is_ambiguous(Notation(*column.notation), texts):
            example = next(text for text in texts if "," in text)
            yield (
                f"commas are taken to separate thousands, as in {quote(example)}; where they stand "
                "before fractions, replace them: .str.replace(',', '.')"
            )


def _doubts_of_categories(column: CategoryColumn, raw: Sequence[Any], count: int) -> Iterator[str]:
    once = len(column.rare)
    if count >= _LEAST and once > _ONCE * count:
        yield (
            f"{once} of {count} values are categories of their own, which teach nothing, such as "
            f"{quote(raw[0])}; convert numbers or dates to such, pass prose to Text, or leave the "
            "column out"
        )
    first = dict[str, Any]()
    for value in raw:
        label = _written(value)
        other = first.setdefault(column.parse(value), value) if _is_label(value) else value
        if _written(other) != label:
            yield f"{quote(other)} and {quote(value)} are taken as the same category"
            return


def _is_label(value: Any) -> bool:
    return isinstance(value, str | bool | int | float | np.generic)


def _written(value: Any) -> tuple[str, Any]:
    """Return what tells values apart that are the same category: texts, truth values, numbers."""
    if isinstance(value, str):
        return "text", value
    return ("truth" if isinstance(value, bool | np.bool_) else "number"), None
