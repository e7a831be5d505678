"""Which modality a column holds, when the user does not say."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.data.transform import declared_kinds
from mmgraph.errors import DataError, names, quote
from mmgraph.modalities.audio import Audio
from mmgraph.modalities.base import Modality
from mmgraph.modalities.columns import NumberColumn, find_kind
from mmgraph.modalities.features import Features
from mmgraph.modalities.image import Image
from mmgraph.modalities.tabular import Tabular
from mmgraph.modalities.text import Text
from mmgraph.modalities.video import Video
from mmgraph.system.plugins import find_plugins

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

#: Tried in this order: a path, a number and a list of numbers can all be strings.
KINDS: tuple[type[Modality], ...] = (Image, Audio, Video, Features, Tabular, Text)

#: Values of a column that are looked at.
_SAMPLE = 200

_ID_NAME = re.compile(r"(.*[ _.-])?(id|ID|Id|uuid|UUID)|.*[a-z]I[dD]|[Ii]ndex|Unnamed: 0")


def infer_modalities(
    frame: pd.DataFrame, *, exclude: Sequence[Hashable] = (), labels: Any = None
) -> list[Modality]:
    """Return a modality for each column that looks like one, and log the choice.

    Numbers, categories and dates become one `Tabular` together. Of these, columns are left out
    that are constant, that look like identifiers, or that say the labels in other words.

    Args:
        frame: The training table.
        exclude: Names of the labels' columns, which are no input.
        labels: The label of each row, to find columns that repeat them.

    Raises:
        DataError: No column looks like a known modality.
    """
    found: list[Modality] = []
    tabular: list[str] = []
    ignored: list[str] = []
    strange: list[Any] = []
    for column in frame.columns:
        if column in exclude:
            continue
        kind, reason = find_modality(column, frame, labels)
        if kind is Tabular:
            tabular.append(column)
        elif kind is not None:
            found.append(kind(column))
        else:
            strange += [] if reason else [column]
            ignored.append(f"{quote(column)} ({reason})" if reason else quote(column))
    if tabular:
        found.append(Tabular(tabular))
    chosen = ", ".join(f"{type(m).__name__}({m.columns!r})" for m in found)
    left = ", ".join(ignored[:20]) or "none"
    left += f" and {len(ignored) - 20} more" if len(ignored) > 20 else ""
    if not found:
        raise DataError(
            f"no column looks like a known kind of input (columns not used: {left}); name the "
            "modalities, for example [Image('photo'), Text('caption'), Tabular(['price'])]"
        )
    if strange:
        warnings.warn(
            f"columns that look like no known kind of input are not used: {names(strange)}; name "
            "the modalities to use them, or drop them",
            stacklevel=2,
        )
    logger.info("modalities inferred: [%s]; columns not used: %s", chosen, left)
    return found


def find_modality(
    column: Hashable, frame: pd.DataFrame, labels: Any
) -> tuple[type[Modality] | None, str]:
    """Return the modality of a column, or None and, where there is one, the reason.

    Args:
        column: Name of the column.
        frame: The training table.
        labels: The label of each row, which a column may repeat.
    """
    from mmgraph.data.cells import read_cells

    if not isinstance(column, str):
        return None, "its name is no string: frame.columns = frame.columns.map(str)"
    cells = read_cells(frame, [column], takes_lists=True)
    values = [raw for cell in cells for raw in cell]
    if column in declared_kinds(frame):
        reason = _why_not(column, list(map(str, values)), frame, labels) if values else "empty"
        return (None, reason) if reason else (Tabular, "")
    # Those of plug-ins first: what they accept is often a list, a number or a text as well.
    kinds = (*find_plugins(Modality).values(), *KINDS)
    kind = next((kind for kind in kinds if kind.accepts(values[:_SAMPLE])), None)
    reason = _why_not(column, values, frame, labels) if kind is Tabular else ""
    return (None, reason) if reason else (kind, "")


def _why_not(column: str, values: Sequence[Any], frame: pd.DataFrame, labels: Any) -> str:
    """Say why a column of numbers, categories or dates is no input; "" where it is one."""
    texts = list(map(str, values))
    # Where values are missing, that they are can tell something.
    if len(set(texts)) == 1 and len(texts) == len(frame):
        return "constant"
    if _is_identifier(column, values):
        return "looks like an identifier"
    return "repeats the labels" if _repeats(texts, labels) else ""


def _is_identifier(column: str, values: Sequence[Any]) -> bool:
    """Say whether values are whole numbers that differ in every row, and not by chance."""
    if len(values) < 3 or find_kind(values) != "number":
        return False
    try:
        numbers = [NumberColumn.parse(value) for value in values]
    except ValueError:
        return False
    if len(set(numbers)) < len(numbers) or not all(number.is_integer() for number in numbers):
        return False
    # Of n random numbers from so narrow a range, about n² / 2 range pairs would be equal.
    count, span = len(numbers), max(numbers) - min(numbers) + 1
    return span < max(2 * count, count**2 / 20) or _ID_NAME.fullmatch(column) is not None


def _repeats(texts: Sequence[str], labels: Any) -> bool:
    """Say whether a column is the labels again, or other names for the same classes."""
    if labels is None or getattr(labels, "ndim", 1) != 1 or len(labels) != len(texts):
        return False
    target = list(map(str, labels))
    if list(texts) == target:
        return True
    pairs = set(zip(texts, target, strict=True))
    one_to_one = len(pairs) == len(set(texts)) == len(set(target))
    # Among values that hardly recur, that is no wonder.
    return one_to_one and 2 * len(pairs) <= len(target)
