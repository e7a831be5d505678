"""Rows that are there twice, in two splits or with two labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int

from mmgraph.checks.finding import Checked, Finding, Severity
from mmgraph.checks.fingerprints import alike_pictures, alike_texts, normal_text, thumbnails
from mmgraph.data.cells import modality_cells
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

#: Words that a text has at least, so that the same one twice is no accident.
_WORDS = 5


def find_duplicates(checked: Checked) -> Iterator[Finding]:
    """Yield each set of rows whose inputs are the same, or whose picture or long text is."""
    alike, has = _compare(checked)
    count = len(checked.frame)
    known: set[tuple[int, ...]] = set()
    whole = _all_alike(alike, has, count)
    for rows in components(whole, count):
        known.add(rows)
        yield _finding(checked, rows, "all inputs are the same, or nearly")
    for name, pairs in alike.items():
        for rows in components(pairs, count):
            if rows not in known and _crosses(checked, rows):
                known.add(rows)
                yield _finding(checked, rows, f"the same {name}, or nearly", partly=True)


def _compare(
    checked: Checked,
) -> tuple[dict[str, Int[np.ndarray, "_ 2"]], dict[str, Bool[np.ndarray, "rows"]]]:
    """Return pairs of rows that are alike in each input, and which rows have it."""
    alike, has = {}, {}
    for modality in checked.modalities:
        cells = modality_cells(modality, checked.frame)
        name = modality.node_type
        has[name] = np.array([bool(cell) for cell in cells])
        if isinstance(modality, Image):
            alike[name] = alike_pictures(thumbnails(modality, cells))
        elif isinstance(modality, Text):
            alike[name] = alike_texts([normal_text(" ".join(map(str, cell))) for cell in cells])
        else:
            alike[name] = _equal([repr(cell) if cell else "" for cell in cells])
    return alike, has


def _all_alike(
    alike: dict[str, Int[np.ndarray, "_ 2"]], has: dict[str, Bool[np.ndarray, "rows"]], count: int
) -> Int[np.ndarray, "_ 2"]:
    """Return pairs of rows that are alike in every input that one of them has, and have some."""
    keys = {name: pairs @ np.array([count, 1]) for name, pairs in alike.items()}
    every = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *keys.values()]))
    one, other = every // count, every % count
    fits = np.ones(len(every), dtype=bool)
    for name, there in has.items():
        fits &= np.isin(every, keys[name]) | ~(there[one] | there[other])
    return np.stack([one, other], axis=1)[fits]


def _equal(values: list[str]) -> Int[np.ndarray, "_ 2"]:
    """Return pairs of rows with the same value, each row with the next; "" equals nothing."""
    last: dict[str, int] = {}
    pairs = []
    for row, value in enumerate(values):
        if value and value in last:
            pairs.append((last[value], row))
        last[value] = row
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


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
