"""The exceptions a user of mmgraph can meet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

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


class DataError(ValueError):
    """Input that cannot be used; the message names row, column, the expected form and a remedy."""

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(message))


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
    return f"there is no {kind} {given!r}; {meant}: {', '.join(names)}"
