"""The exceptions a user of mmgraph can meet."""

from __future__ import annotations


class DataError(ValueError):
    """Input that cannot be used; the message names row, column, the expected form and a remedy."""


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
