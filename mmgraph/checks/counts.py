"""What a table has much or little of: classes, missing values, long and short texts, scripts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from mmgraph.checks.finding import Checked, Finding, Severity
from mmgraph.data.cells import modality_cells
from mmgraph.modalities.text import Text
from mmgraph.modalities.tokens.stop_words import WORD
from mmgraph.tables.missing import is_missing

#: A class of fewer rows can hardly be learnt, and one of fewer than this cannot be left out.
_FEW, _FEWEST = 10, 2
#: How much more often values may be missing in one class than in another.
_DIFFERENCE = 0.2
#: Letters of a text that its script is told by.
_LETTERS = 200
#: Words that a text is cut to about, where `max_tokens` is 256.
_LONG = 200


def count_classes(checked: Checked) -> Iterator[Finding]:
    """Yield what is to be said of the classes: which are rare, and which a split lacks."""
    if checked.code is None:
        return
    count = np.bincount(checked.code, minlength=len(checked.classes))
    order = np.argsort(-count)
    names = [f"{checked.classes[place]} {count[place]}" for place in order[:20]]
    more = f" and {len(order) - 20} more" if len(order) > 20 else ""
    yield Finding(
        "classes", "note", f"{len(order)} classes: {', '.join(names)}{more}", column=checked.label
    )
    for place in order[::-1]:
        if count[place] < _FEW:
            severity: Severity = "error" if count[place] < _FEWEST else "warning"
            said = f"the class {checked.classes[place]!r} has {count[place]} rows: add rows of it"
            yield Finding(
                "classes",
                severity,
                f"{said}, or join it with another one",
                tuple(np.flatnonzero(checked.code == place).tolist()),
                checked.label,
            )
    for split in dict.fromkeys(checked.split or ()):
        there = np.array([each == split for each in checked.split or ()])
        lacking = sorted(set(range(len(count))) - set(checked.code[there].tolist()))
        if lacking:
            said = ", ".join(checked.classes[place] for place in lacking[:10])
            message = f"no row of the split {split!r} has the class {said}"
            yield Finding("classes", "warning", message, column=checked.label)


def count_missing(checked: Checked) -> Iterator[Finding]:
    """Yield how much is missing of each column, and where that depends on the class."""
    for column in checked.others:
        gone = np.array([is_missing(value) for value in checked.frame[column].tolist()])
        if not gone.any():
            continue
        said = f"{gone.sum()} of {len(gone)} values are missing ({gone.mean():.1%})"
        if gone.all():
            yield Finding("missing", "warning", f"{said}: drop the column", column=column)
            continue
        spread = _by_class(checked, gone)
        if spread is not None:
            yield Finding("missing", "warning", f"{said}; {spread}", column=column)
        else:
            yield Finding("missing", "note", said, column=column)
    has = [
        np.array([bool(cell) for cell in modality_cells(each, checked.frame)])
        for each in checked.modalities
    ]
    empty: list[int] = np.flatnonzero(~np.any(has, axis=0)).tolist() if has else []
    if empty:
        said = f"{len(empty)} rows have no input at all: remove them"
        yield Finding("missing", "warning", said, tuple(empty))


def _by_class(checked: Checked, gone: np.ndarray) -> str | None:
    """Return in which class most is missing and in which least, where that differs a lot."""
    if checked.code is None:
        return None
    count = np.bincount(checked.code)
    rate = np.bincount(checked.code, weights=gone) / np.maximum(count, 1)
    rate = np.where(count >= _FEW, rate, gone.mean())
    most, least = int(rate.argmax()), int(rate.argmin())
    if rate[most] - rate[least] < _DIFFERENCE:
        return None
    return (
        f"in the class {checked.classes[most]!r} {rate[most]:.0%} are missing, in "
        f"{checked.classes[least]!r} {rate[least]:.0%}, so that missing values tell the label"
    )


def count_lengths(checked: Checked) -> Iterator[Finding]:
    """Yield how long texts are, which are long, and in which scripts they are written."""
    for modality in checked.modalities:
        if not isinstance(modality, Text):
            continue
        cells = modality_cells(modality, checked.frame)
        texts = [" ".join(map(str, cell)) for cell in cells]
        words = np.array([len(WORD.findall(text)) for text in texts])
        there = words[[bool(text) for text in texts]]
        if not len(there):
            continue
        low, middle, high = np.percentile(there, [5, 50, 95]).round().astype(int)
        column = modality.column_list[0]
        said = f"texts have {middle} words (median; 5% have at most {low}, 5% at least {high})"
        scripts = Counter(filter(None, map(_script, texts)))
        common = [f"{name} {count}" for name, count in scripts.most_common(5)]
        yield Finding("length", "note", f"{said}; scripts: {', '.join(common)}", column=column)
        limit = modality.max_tokens * _LONG // 256
        long = np.flatnonzero(words > limit)
        if len(long):
            message = (
                f"{len(long)} texts have more than {limit} words, and are cut to about that: give "
                f"Text({column!r}, max_tokens=...) a larger limit if their ends matter"
            )
            yield Finding("length", "note", message, tuple(long.tolist()), column)


def _script(text: str) -> str | None:
    """Return the script of most of a text's first letters.

    Example:
        >>> _script("a red cat"), _script("Привет"), _script("42")
        ('Latin', 'Cyrillic', None)
    """
    names = Counter(
        unicodedata.name(letter, "").split(" ")[0] for letter in text[:_LETTERS] if letter.isalpha()
    )
    return names.most_common(1)[0][0].capitalize() if names else None
