"""Rows that are there twice, in two splits or with two labels."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from mmgraph.checks.finding import Checked, Finding, Severity
from mmgraph.checks.fingerprints import alike_pictures, alike_texts, normal_text, thumbnails
from mmgraph.data.cells import modality_cells
from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

#: Words that a text has at least, so that the same one twice is no accident.
_WORDS = 5
#: Values of more rows, such as a picture that stands for none, make no two rows alike alone.
_MOST_SHARED = 30


def find_duplicates(checked: Checked) -> Iterator[Finding]:
    """Yield each set of rows whose inputs are the same, or whose picture or long text is."""
    compared = [_compare(each, checked) for each in checked.modalities]
    count = len(checked.frame)
    known: set[tuple[int, ...]] = set()
    # Rows of few columns are often equal by chance.
    by_chance = all(each.by_column for each in checked.modalities)
    for rows in components(_all_alike(compared, count), count):
        known.add(rows)
        said = "all inputs are the same, or nearly"
        yield _finding(checked, rows, said, partly=by_chance)
    for each in compared:
        for rows in components(each.telling, count):
            if rows not in known and _crosses(checked, rows):
                known.add(rows)
                yield _finding(checked, rows, f"the same {each.name}, or nearly", partly=True)


@dataclass(frozen=True, eq=False)
class _Compared:
    """Which rows are alike in one input.

    Args:
        name: Name of the modality.
        has: Which rows have it.
        same: Number of each row's value; equal values have one number.
        pairs: Rows that are alike, but for values that very many rows share.
        telling: Those of them whose values are no accident: pictures, and long texts.
    """

    name: str
    has: Bool[np.ndarray, "rows"]
    same: Int[np.ndarray, "rows"]
    pairs: Int[np.ndarray, "_ 2"]
    telling: Int[np.ndarray, "_ 2"]

    def alike(
        self, one: Int[np.ndarray, "pairs"], other: Int[np.ndarray, "pairs"]
    ) -> Bool[np.ndarray, "pairs"]:
        """Say which of some pairs are alike in this input, or both lack it."""
        count = len(self.has)
        known = np.isin(one * count + other, self.pairs @ np.array([count, 1]))
        both = self.has[one] & self.has[other] & (self.same[one] == self.same[other])
        return known | both | ~(self.has[one] | self.has[other])


def _compare(modality: Modality, checked: Checked) -> _Compared:
    """Return which rows are alike in an input."""
    cells = modality_cells(modality, checked.frame)
    has = np.array([bool(cell) for cell in cells])
    is_text = isinstance(modality, Text)
    if isinstance(modality, Image):
        small = thumbnails(modality, cells)
        has = ~np.isnan(small).any(1)
        same, first = _numbered([row.tobytes() for row in small])
        near = alike_pictures(small[first])
    elif is_text:
        texts = [normal_text(" ".join(map(str, cell))) for cell in cells]
        has = np.array([bool(text) for text in texts])
        same, first = _numbered(texts)
        near = alike_texts([texts[row] for row in first])
    else:
        same, first = _numbered([_digest(cell) for cell in cells])
        near = np.zeros((0, 2), dtype=np.int64)
    pairs = _of_rows(near, np.where(has, same, -1))
    telling = pairs[:0]
    if isinstance(modality, Image):
        telling = pairs
    elif is_text:  # short ones recur by accident
        long = np.array([len(text.split()) >= _WORDS for text in texts])
        telling = pairs[long[pairs].all(1)]
    return _Compared(modality.node_type, has, same, pairs, telling)


def _all_alike(compared: Sequence[_Compared], count: int) -> Int[np.ndarray, "_ 2"]:
    """Return pairs of rows that are alike in every input that one of them has, and have some."""
    keys = np.stack([np.where(each.has, each.same, -1) for each in compared], axis=1)
    whole, _ = _numbered([row.tobytes() for row in keys])
    some = np.any([each.has for each in compared], axis=0)
    pairs = np.unique(np.concatenate([each.pairs for each in compared]), axis=0)
    fits = np.ones(len(pairs), dtype=bool)
    for each in compared:
        fits &= each.alike(pairs[:, 0], pairs[:, 1])
    return np.concatenate([pairs[fits], _next_equal(np.where(some, whole, -1))])


def _numbered(values: Sequence[Hashable]) -> tuple[Int[np.ndarray, "rows"], list[int]]:
    """Return a number for each value, equal ones alike, and the first row of each number."""
    known: dict[Hashable, int] = {}
    first: list[int] = []
    number = np.zeros(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        if value not in known:
            known[value] = len(known)
            first.append(row)
        number[row] = known[value]
    return number, first


def _of_rows(near: Int[np.ndarray, "_ 2"], same: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "_ 2"]:
    """Return pairs of rows from pairs of values; values of very many rows give none."""
    rows_of: dict[int, list[int]] = {}
    for row, number in enumerate(same.tolist()):
        if number >= 0:
            rows_of.setdefault(number, []).append(row)
    rows_of = {number: rows for number, rows in rows_of.items() if len(rows) <= _MOST_SHARED}
    found = [pair for rows in rows_of.values() for pair in combinations(rows, 2)]
    for one, other in near.tolist():
        found += product(rows_of.get(one, ()), rows_of.get(other, ()))
    pairs = np.sort(np.array(found, dtype=np.int64).reshape(-1, 2), axis=1)
    return np.unique(pairs, axis=0)


def _next_equal(number: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "_ 2"]:
    """Return each row with the next one of the same number; numbers below 0 are none."""
    order = np.argsort(number, kind="stable")
    follows = (number[order[1:]] == number[order[:-1]]) & (number[order[1:]] >= 0)
    return np.stack([order[:-1][follows], order[1:][follows]], axis=1)


def _digest(cell: Sequence[Any]) -> Hashable:
    """Return what tells cells apart; long arrays are not whole in their `repr`."""
    return tuple(
        (raw.dtype.str, raw.shape, raw.tobytes()) if isinstance(raw, np.ndarray) else repr(raw)
        for raw in cell
    )


def components(pairs: Int[np.ndarray, "_ 2"], count: int) -> list[tuple[int, ...]]:
    """Return the sets of rows that pairs join.

    Example:
        >>> components(np.array([[0, 2], [2, 3]]), 5)
        [(0, 2, 3)]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1]))
    _, label = connected_components(coo_array(edges, shape=(count, count)), directed=False)
    rows = np.flatnonzero(np.bincount(label)[label] > 1)
    order = rows[np.argsort(label[rows], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [tuple(part.tolist()) for part in parts if len(part)]


def _crosses(checked: Checked, rows: tuple[int, ...]) -> bool:
    """Say whether rows lie in several splits, or without splits in several groups."""
    if checked.split is not None:
        return len({checked.split[row] for row in rows}) > 1
    return checked.group is not None and len(np.unique(checked.group[list(rows)])) > 1


def _finding(
    checked: Checked, rows: tuple[int, ...], what: str, *, partly: bool = False
) -> Finding:
    labels = checked.frame[checked.label].iloc[list(rows)].map(str).tolist()
    different = len(set(labels)) > 1 and checked.task != "regression"
    said = f"{len(rows)} rows: {what}"
    severity: Severity = "note"
    if _crosses(checked, rows):
        severity = "warning" if partly else "error"
        if checked.split is not None:
            said += f"; they lie in {', '.join(sorted({checked.split[row] for row in rows}))}"
            said += ": keep them in one split"
        else:
            said += "; they are of several groups: give them one"
    if different:
        severity = "warning" if severity == "note" else severity
        said += f"; their labels differ ({', '.join(sorted(set(labels))[:4])})"
    return Finding("duplicate", severity, said, rows)
