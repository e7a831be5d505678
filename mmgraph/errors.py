"""The exceptions a user of mmgraph can meet."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80


#: Most characters of a cell, a label or a name that a message quotes.
QUOTED = 80


def quote(value: Any, most: int = QUOTED) -> str:
    """Return what a message quotes of a cell, a label, a path or a name: on one line, bounded.

    Args:
        value: Anything; its `repr` is shown, with what is left out counted.
        most: Most characters of it.

    Example:
        >>> quote("red"), quote("iVBORw0KGgo" * 9, most=24)
        ("'red'", "'iVBORw0KGgoiVB...BORw0KGgo' (99 characters)")
    """
    if isinstance(value, str | bytes | bytearray):
        return _shorten(value, most)
    try:
        text = _REPR.repr(value)
    except Exception:  # of anybody's class
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def names(values: Iterable[Any], most: int = 12) -> str:
    """Return names for a message, quoted, and how many more there are.

    Example:
        >>> names(["a", "b", "c"], most=2)
        "['a', 'b', and 1 more]"
    """
    every = list(values)
    more = [f"and {len(every) - most} more"] if len(every) > most else []
    return f"[{', '.join([*map(quote, every[:most]), *more])}]"


def reason(error: BaseException, most: int = 200) -> str:
    """Return what an error of other software says, on one line, without paths and bounded.

    Example:
        >>> reason(FileNotFoundError(2, "No such file", "a" * 999)), reason(KeyError("a"))
        ('No such file', "KeyError: 'a'")
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = f"{type(error).__name__}: {text}" if isinstance(error, KeyError) or not text else text
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _shorten(value: str | bytes | bytearray, most: int) -> str:
    """Return the start and the end of a text, escaped and quoted."""
    start = most * 3 // 5
    whole = len(value) <= most and repr(value)
    if whole and len(whole) <= most + 2:
        return whole
    unit = "characters" if isinstance(value, str) else "bytes"
    head, tail = repr(value[:start])[: start + 1], repr(value[-(most - start) :])[-(most - start) :]
    return f"{head}...{tail} ({len(value)} {unit})"


#: What acts in a terminal or a log instead of being shown: control characters, marks that turn
#: the direction of text, line separators, and halves of characters that nothing can write.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def printable(text: object) -> str:
    """Return a text in which nothing acts: control characters become what Python writes for them.

    Line breaks and tabs stay.

    Example:
        >>> printable("a\\x1b[2Jb")
        'a\\\\x1b[2Jb'
    """
    return _ACTING.sub(lambda found: ascii(found[0])[1:-1], str(text))


#: Most characters of a message.
_MOST = 2000


def _bounded(message: str) -> str:
    """Return a message without its middle, where it is too long."""
    if len(message) <= _MOST:
        return message
    half = _MOST // 2 - 30
    return f"{message[:half]} ... {message[-half:]} ({len(message)} characters)"


class DataError(ValueError):
    """Input that cannot be used; the message names row, column, the expected form and a remedy.

    Whatever went into it, a message has no more than 2,000 characters or so.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_bounded(printable(message)))


class CellError(ValueError):
    """One raw value of a cell cannot be read.

    Raised by modalities, which see values and not tables; the table layer turns it into a
    `DataError` that names the row and the column.

    Args:
        reason: What was expected, what came and how to mend it, without a full stop.
        row: Position of the cell in the column, where known.
    """

    def __init__(self, reason: str, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.row = row


class MissingPackageError(ImportError):
    """An optional package is needed; the message names the `pip install` that brings it."""


class ExportError(ValueError):
    """A model cannot be handed over as a program; the message names the part and a remedy."""


def unknown_name(kind: str, given: object, names: Iterable[str]) -> str:
    """Return the message for a name that there is not: what was meant, perhaps, and all there are.

    Args:
        kind: What is named.
        given: What came.
        names: All names there are.

    Example:
        >>> unknown_name("fusion", "lates", ["concat", "late"])
        "there is no fusion 'lates'; did you mean 'late'? There are: concat, late"
    """
    names = list(names)
    near = get_close_matches(str(given).lower(), names, n=1)
    meant = f"did you mean {near[0]!r}? There are" if near else "there are"
    return f"there is no {kind} {quote(given)}; {meant}: {', '.join(names)}"
