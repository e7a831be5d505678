"""What a fitted model keeps of the training rows that vote, so that explanations can show them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.data.cells import modality_cells
from mmgraph.errors import DataError
from mmgraph.modalities.base import Modality
from mmgraph.modalities.decoding.files import located
from mmgraph.tables.names import row_name

if TYPE_CHECKING:
    import pandas as pd

#: Most letters that are kept of a text.
_LETTERS = 80
#: Most letters of a path; what is longer holds the file itself.
_LONGEST_PATH = 500

#: For each modality, a text of each row; None where there is nothing.
Column = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, eq=False)
class KnownRows:
    """Names of the rows that vote, how their texts begin, and where their pictures lie.

    Args:
        names: What its table calls each row.
        texts: How the first text of each row begins, or its columns, by modality.
        pictures: The path of its first picture, by modality, where it came as a path.
        is_from_file: A saved model names the paths; then pictures are only opened below the
            working folder, for whoever made the model could name any file.
    """

    names: Sequence[str]
    texts: Column = field(default_factory=dict)
    pictures: Column = field(default_factory=dict)
    is_from_file: bool = False

    @classmethod
    def of(cls, modalities: Sequence[Modality], frame: pd.DataFrame) -> KnownRows:
        """Return what is kept of the rows of a table."""
        names = [row_name(frame.index, row) for row in range(len(frame))]
        texts, pictures = {}, {}
        for modality in modalities:
            cells = modality_cells(modality, frame)
            texts[modality.node_type] = [_text(modality, cell) for cell in cells]
            if type(modality).picture is not Modality.picture:
                pictures[modality.node_type] = [_path(cell) for cell in cells]
        return cls(names, _filled(texts), _filled(pictures))

    def __len__(self) -> int:
        return len(self.names)

    def join(self, others: KnownRows) -> KnownRows:
        """Return these rows and others behind them."""
        return KnownRows(
            [*self.names, *others.names],
            _joined(self.texts, others.texts, len(self), len(others)),
            _joined(self.pictures, others.pictures, len(self), len(others)),
            self.is_from_file,
        )

    def take(self, rows: Sequence[int]) -> KnownRows:
        """Return some of the rows."""
        return KnownRows(
            [self.names[row] for row in rows],
            {name: [column[row] for row in rows] for name, column in self.texts.items()},
            {name: [column[row] for row in rows] for name, column in self.pictures.items()},
            self.is_from_file,
        )

    def text(self, modality: str, row: int) -> str | None:
        """Return how a row's text begins."""
        return self.texts[modality][row] if modality in self.texts else None

    def picture(self, modality: Modality, row: int) -> str | None:
        """Return the path of a row's picture, if it is there and may be opened."""
        column = self.pictures.get(modality.node_type)
        path = None if column is None else column[row]
        if path is None:
            return None
        place = located(path, getattr(modality, "root", None))
        if self.is_from_file and not _is_below(place, os.getcwd()):
            return None
        try:
            return path if Path(place).is_file() else None
        except (OSError, ValueError):  # no system can hold such a path
            return None

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        return {"names": self.names, "texts": self.texts, "pictures": self.pictures}

    @classmethod
    def from_json(cls, described: Any) -> KnownRows:
        """Return what `to_json` described.

        Raises:
            DataError: It described something else.
        """
        described = described if isinstance(described, dict) else {}
        names, texts, pictures = map(described.get, ("names", "texts", "pictures"))
        named = _is_column(names) and None not in names
        if not named or not (_are_columns(texts, names) and _are_columns(pictures, names)):
            raise DataError(
                "expected names of rows and as many texts and pictures; delete the file to do "
                "without, or save the model again"
            )
        return cls(names, texts, pictures, is_from_file=True)


def _text(modality: Modality, cell: Sequence[Any]) -> str | None:
    """Return how the first text of a cell begins, or its columns' values."""
    if modality.by_column:
        text = ", ".join(f"{column} = {value}" for column, value in cell) or None
    else:
        text = modality.text(cell[0]) if cell else None
    if text is None:
        return None
    text = " ".join(text[: 4 * _LETTERS].split())
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _path(cell: Sequence[Any]) -> str | None:
    """Return the first value of a cell where it is a path."""
    if not cell or not isinstance(cell[0], str | Path):
        return None
    path = str(cell[0])
    holds_file = path[:5].lower() == "data:" or "://" in path or len(path) > _LONGEST_PATH
    return None if holds_file else path


def _filled(columns: Column) -> Column:
    """Leave out modalities of which nothing is kept."""
    return {name: column for name, column in columns.items() if any(column)}


def _joined(first: Column, second: Column, count: int, more: int) -> Column:
    return {
        name: [*first.get(name, [None] * count), *second.get(name, [None] * more)]
        for name in dict.fromkeys([*first, *second])
    }


def _is_below(path: Any, folder: str) -> bool:
    """Say whether a file lies in a folder, links followed; other machines are never asked."""
    try:
        for read in (os.path.abspath, os.path.realpath):
            if os.path.commonpath([read(path), read(folder)]) != read(folder):
                return False
    except ValueError:  # on another drive, or no path at all
        return False
    return True


def _is_column(column: Any) -> bool:
    return isinstance(column, list) and all(isinstance(each, str | None) for each in column)


def _are_columns(columns: Any, names: Sequence[str]) -> bool:
    return isinstance(columns, dict) and all(
        _is_column(each) and len(each) == len(names) for each in columns.values()
    )
