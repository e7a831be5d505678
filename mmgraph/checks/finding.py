"""What a check says of some rows or of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Int

from mmgraph.kinds import TaskKind
from mmgraph.modalities.base import Modality

if TYPE_CHECKING:
    import pandas as pd

#: What was looked for, in the order of pages.
Kind = Literal["unreadable", "leak", "duplicate", "label", "classes", "missing", "length"]

#: "error": scores would be wrong; "warning": have a look; "note": good to know.
Severity = Literal["error", "warning", "note"]

#: The kinds with what pages call them.
TITLES: dict[Kind, str] = {
    "unreadable": "Values that cannot be read",
    "leak": "Columns that give the label away",
    "duplicate": "Duplicates",
    "label": "Labels that are probably wrong",
    "classes": "Classes",
    "missing": "Missing values",
    "length": "Lengths and sizes",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Args:
        kind: What was looked for.
        severity: How bad it is.
        message: What is the matter, and what to do.
        rows: Places of the rows in the table, from 0. Default: ().
        column: The column. Default: None.
        score: How sure it is, from 0 to 1, where that can be told. Default: None.
        suggestion: What the label should probably be, for labels. Default: None.
    """

    kind: Kind
    severity: Severity
    message: str
    rows: tuple[int, ...] = ()
    column: str | None = None
    score: float | None = None
    suggestion: str | None = None


@dataclass(frozen=True, eq=False)
class Checked:
    """A table and what its columns are for.

    Args:
        frame: The table.
        label: Name of the label's column.
        task: What kind of thing that is.
        modalities: How inputs are read; not fitted.
        code: Number of each row's class; None for numbers and sets of labels.
        classes: Names of the classes.
        group: Number of each row's group; None without groups.
        split: Name of each row's split; None without.
        others: Columns that are no label, group or split.
    """

    frame: pd.DataFrame
    label: str
    task: TaskKind
    modalities: list[Modality]
    code: Int[np.ndarray, "rows"] | None
    classes: list[str]
    group: Int[np.ndarray, "rows"] | None
    split: list[str] | None
    others: list[str]
