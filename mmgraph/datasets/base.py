"""What every reader of a public data set returns: rows, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmgraph.errors import DataError
from mmgraph.kinds import TaskKind
from mmgraph.links.base import LinkKind
from mmgraph.modalities.base import Modality
from mmgraph.system.shown import paragraphs, shorten_line, shorten_list, table_html

if TYPE_CHECKING:
    import pandas as pd

#: Modalities that show themselves.
_MOST_MODALITIES = 8


@dataclass(frozen=True, eq=False)
class MultimodalDataset:
    """A public data set: its rows, and how its authors split, read and score them.

    Args:
        name: Name of the set, as it is written in papers.
        frame: A row for each sample, with absolute paths of files, and the column "split".
        modalities: Modalities that read the columns, not fitted; a place to start from.
        label: Name of the column to predict: a class, a list of labels or a number. It is
            missing (None or NaN) where the labels are not published.
        task: What the column holds: "multiclass", "multilabel" or "regression".
        metrics: Names of the set's own metrics, for `mmgraph.evaluate_predictions`.
        licence: Terms of use, as the authors state them.
        citation: The publication to cite.
        homepage: Where to get the set.
        groups: Name of the column whose values must stay on one side of a split, if there is
            one. Default: None.
        links: Which rows see each other, where the set says so. Default: ().

    Example:
        >>> from mmgraph.datasets import load_openclipart
        >>> data = load_openclipart()
        >>> data.label, data.task, data.parts
        ('label', 'multiclass', ['train', 'val', 'test'])
        >>> len(data.part("train", "val"))
        2058
    """

    name: str
    frame: pd.DataFrame = field(repr=False)
    modalities: Sequence[Modality]
    label: str
    task: TaskKind
    metrics: tuple[str, ...]
    licence: str = field(repr=False)
    citation: str = field(repr=False)
    homepage: str
    groups: str | None = None
    links: Sequence[LinkKind] = ()

    @property
    def parts(self) -> list[str]:
        """Names of the splits there are: "train", "val", "test", and others as the rows come."""
        found = dict.fromkeys(self.frame["split"])
        usual = [name for name in ("train", "val", "test") if name in found]
        return list(dict.fromkeys([*usual, *found]))

    def part(self, *names: str) -> pd.DataFrame:
        """Return the rows of one split, or of several.

        Raises:
            DataError: There is no such split.
        """
        unknown = [name for name in names if name not in self.parts]
        if unknown or not names:
            raise DataError(
                f"{self.name}: expected names of its parts, {self.parts}, got {unknown or 'none'}"
            )
        return self.frame[self.frame["split"].isin(names)]

    def __repr__(self) -> str:
        return "\n".join(self._summary())

    def _repr_html_(self) -> str:
        """Return what the set is, and its first rows, as notebooks show them."""
        return paragraphs(self._summary()) + table_html(self.frame.head())

    def _summary(self) -> list[str]:
        """Return name, parts, columns, classes and modalities, a line each."""
        counts = self.frame["split"].value_counts()
        parts = shorten_list(f"{name} {counts.get(name, 0):,}" for name in self.parts)
        lines = [
            f"{self.name}: {len(self.frame):,} rows ({parts}), {self.task}",
            f"  columns: {shorten_list(self.frame.columns, 12)}",
            f"  label: {self.label}{self._classes()}",
            *(f"  {each!r}" for each in self.modalities[:_MOST_MODALITIES]),
            f"  metrics: {shorten_list(self.metrics)}",
            f"  licence: {self.licence}",
        ]
        return [shorten_line(line) for line in lines]

    def _classes(self) -> str:
        """Return which classes or labels there are; nothing for numbers."""
        if self.task == "regression":
            return ""
        labels = self.frame[self.label]
        if self.task == "multilabel":
            labels = labels.explode()
        classes = sorted(map(str, labels.dropna().unique()))
        return f", {len(classes)} classes: {shorten_list(classes)}"
