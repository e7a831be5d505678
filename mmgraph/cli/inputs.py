"""Modalities as a command line describes them: columns by kind, or what the columns look like."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.errors import DataError
from mmgraph.modalities.base import Modality, Unreadable
from mmgraph.modalities.infer import KINDS, infer_modalities
from mmgraph.modalities.tabular import Tabular
from mmgraph.modalities.text import Text
from mmgraph.modalities.video import Video

if TYPE_CHECKING:
    import pandas as pd

_BY_NAME: dict[str, type[Modality]] = {kind.__name__.lower(): kind for kind in KINDS}


@dataclass(frozen=True)
class Reading:
    """How the cells of a table are read, whatever they hold.

    Args:
        root: Folder that relative paths are relative to; None: the working directory.
        unreadable: "raise" an error for broken values, or count them as "missing".
        image_size: Pixels that images are scaled to, in training; None: as they say.
        from_scratch: No pretrained networks, in training.
    """

    root: Path | None
    unreadable: Unreadable
    image_size: int | None = None
    from_scratch: bool = False

    def prepare(self, modality: Modality) -> Modality:
        """Return a modality to be fitted on the table.

        Raises:
            DataError: Its kind is read by pretrained networks only, and none are wanted.
        """
        if self.from_scratch and isinstance(modality, Video):
            raise DataError(
                f"column {modality.column_list[0]!r}: videos are only read by a pretrained "
                "network; leave out --from-scratch"
            )
        made = self.apply(modality)
        if self.image_size is not None:
            made = _changed(made, size=self.image_size)
        if self.from_scratch:
            nothing = {"features": None} if isinstance(modality, Text) else {"backbone": None}
            made = _changed(made, **nothing)
        return made

    def apply(self, modality: Modality) -> Modality:
        """Return a fitted modality that reads this table."""
        return _changed(modality, root=self.root, unreadable=self.unreadable)

    def forget(self, modality: Modality) -> Modality:
        """Return the modality without the folder, which means nothing on another machine."""
        return _changed(modality, root=None)


def _changed(modality: Modality, **values: Any) -> Modality:
    """Return a copy with other values in those fields that it has."""
    made = copy.copy(modality)
    for name, value in values.items():
        if hasattr(made, name):
            setattr(made, name, value)
    return made


def describe(columns: Mapping[str, Sequence[str]]) -> list[Modality]:
    """Return a modality for each column, and one for all columns of a table together.

    Args:
        columns: Columns by the name of their modality, in lower case.

    Example:
        >>> describe({"text": ["title"], "tabular": ["price", "size"]})[1].column_list
        ['price', 'size']
    """
    found: list[Modality] = []
    for kind, names in columns.items():
        if _BY_NAME[kind] is not Tabular:
            found += [_BY_NAME[kind](name) for name in names]  # type: ignore[call-arg]
        elif names:
            found.append(Tabular(list(names)))
    return found


def infer(frame: pd.DataFrame, truth: Any, label: Hashable, groups: str | None) -> list[Modality]:
    """Return the modalities that an estimator would infer by itself.

    Raises:
        DataError: No column looks like a known modality.
    """
    inputs = frame if groups is None else frame.drop(columns=groups, errors="ignore")
    return infer_modalities(inputs, exclude=label, labels=truth)


def text_columns(modalities: Sequence[Modality]) -> list[str]:
    """Return the columns whose values are text, whatever they look like."""
    return [name for each in modalities if isinstance(each, Text) for name in each.column_list]
