"""The cells of a modality in a table, and as `fit` reads them from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.data.cells import modality_cells
from mmgraph.modalities.base import Modality
from mmgraph.testing.expect import equal, expect

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 3


def make_table(modality: Modality, cells: Sequence[list[Any]] | pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells hold some raw values; a table is returned as it is.

    Args:
        modality: The modality that is to read it.
        cells: The raw values of each row, or (column, value) where the modality takes them so.
    """
    import pandas as pd

    if isinstance(cells, pd.DataFrame):
        return cells
    names = modality.column_list
    if modality.by_column:
        rows = [{name: [raw for at, raw in cell if at == name] for name in names} for cell in cells]
    else:
        # One value for each column but the last, which has all that are left.
        rows = [
            {name: list(cell)[at : at + 1] for at, name in enumerate(names[:-1])}
            | {names[-1]: list(cell)[len(names) - 1 :]}
            for cell in cells
        ]
    columns = {name: [_as_cell(row[name]) for row in rows] for name in names}
    return pd.DataFrame({name: pd.Series(each, dtype=object) for name, each in columns.items()})


def _as_cell(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return values or None


def check_cells(
    modality: Modality, table: pd.DataFrame, given: Sequence[list[Any]] | pd.DataFrame
) -> list[list[Any]]:
    """Return the raw values that `fit` would read from a table, which must be those given.

    Raises:
        AssertionError: There are too few, one is missing, or `fit` reads other values.
    """
    import pandas as pd

    cells = modality_cells(modality, table)
    expect(
        len(cells) >= _FEWEST and all(cells),
        f"check_modality: give {_FEWEST} cells or more, none of them missing; got {len(cells)} "
        f"rows, of which {sum(not cell for cell in cells)} are missing",
    )
    if not isinstance(given, pd.DataFrame):
        for row, (one, other) in enumerate(zip(cells, given, strict=True)):
            expect(
                equal(one, list(other)),
                f"row {row}: from a table, `fit` reads the values {one!r:.120}, not "
                f"{list(other)!r:.120}; a list of numbers is several values unless the class says "
                "takes_lists = True; with by_column = True each is (column, value)",
            )
    return cells
