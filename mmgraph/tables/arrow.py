"""Hugging Face data sets in Arrow files, which stay on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtyping import Int

from mmgraph.errors import DataError, MissingPackageError, names, quote
from mmgraph.system.mapped_files import MappedFiles
from mmgraph.tables.base import DiskTable, to_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


#: Rows that lie side by side and are drawn together, at least, and bytes of them, about.
_GROUP_ROWS, _GROUP_BYTES = 32, 2**18

#: Groups whose rows are mixed in training, at most, and bytes that these may have.
_GROUPS_AT_ONCE, _BYTES_AT_ONCE = 128, 2**25


class ArrowTable(DiskTable):
    """A Hugging Face data set of any size, mapped into memory: an input of `fit` and `predict`.

    Training mixes rows of up to 128 stretches of its files. On Linux, pages that were read are
    given back after every 64 MiB. Images and sounds come as they are stored, and are decoded by
    modalities. Of a data set with a transform of its own (`set_transform`), rows are what that
    returns.

    Args:
        data: A `datasets.Dataset`, or a folder that its `save_to_disk` wrote.
        columns: Columns to read; None: all. Default: None.

    Example:
        >>> import pytest
        >>> datasets = hugging_face() or pytest.skip("without Hugging Face's package")
        >>> table = ArrowTable(datasets.Dataset.from_dict({"text": ["red", "blue", "green"]}))
        >>> len(table), table.head(2)["text"].tolist()
        (3, ['red', 'blue'])
    """

    def __init__(self, data: Any, columns: Sequence[str] | None = None) -> None:
        self.data = Path(data) if isinstance(data, str | Path) else data
        self._columns = columns

    def __len__(self) -> int:
        return len(self._dataset)

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns.

        Raises:
            DataError: There is no such column, or the folder cannot be read.
            MissingPackageError: It is a folder and Hugging Face's package is not installed.
        """
        known = list(self._dataset[:1]) if self._has_transform else self._dataset.column_names
        if self._columns is None:
            return known
        unknown = sorted(set(self._columns) - set(known))
        if unknown:
            raise DataError(
                f"{self._name}: there is no column {quote(unknown[0])}; there are {names(known)}"
            )
        return list(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, as far as they belong to rows that were not left out."""
        stored = (self._dataset if self._has_transform else self._arrow).data
        return int(stored.nbytes * len(self) / max(1, stored.num_rows))

    def select(self, columns: Sequence[str]) -> ArrowTable:
        """Return the table with some of its columns only; others are never read."""
        return ArrowTable(self._dataset, list(columns))

    def frame(self) -> pd.DataFrame:
        """Return all rows."""
        return self._read(slice(None))

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        Args:
            size: Most rows of a part.

        Raises:
            DataError: A file is damaged.
        """
        for start in range(0, len(self), size):
            part = self._read(slice(start, start + size))
            yield part.set_axis(range(start, start + len(part)))

    def take(self, rows: Int[np.ndarray, "rows"]) -> pd.DataFrame:
        """Return some rows in the order asked for, with their places as index.

        Raises:
            DataError: A file is damaged.
        """
        return self._read(rows).set_axis(rows)

    def group_of(self, rows: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
        """Return the number of the stretch of rows that each is in."""
        return rows // self._group_rows

    @cached_property
    def groups_at_once(self) -> int:  # type: ignore[override]
        """Number of stretches whose rows training may mix, by the memory they take."""
        most = _BYTES_AT_ONCE // max(1, self._group_rows * self._row_bytes)
        return min(max(1, most), _GROUPS_AT_ONCE)

    @cached_property
    def _group_rows(self) -> int:
        return max(_GROUP_ROWS, _GROUP_BYTES // self._row_bytes)

    @cached_property
    def _row_bytes(self) -> int:
        return max(1, self.nbytes // max(1, len(self)))

    @property
    def _name(self) -> str:
        return str(self.data) if isinstance(self.data, Path) else type(self.data).__name__

    @cached_property
    def _dataset(self) -> Any:
        return _load(self.data) if isinstance(self.data, Path) else self.data

    @property
    def _has_transform(self) -> bool:
        return bool(self._dataset.format["type"] == "custom")

    @cached_property
    def _arrow(self) -> Any:
        return self._dataset.select_columns(self.columns).with_format("arrow")

    @cached_property
    def _files(self) -> MappedFiles:
        return MappedFiles(each["filename"] for each in self._dataset.cache_files)

    def _read(self, rows: slice | Int[np.ndarray, "rows"]) -> pd.DataFrame:
        import pandas as pd

        if self._has_transform:
            found = self._dataset[rows]
            return pd.DataFrame({name: list(found[name]) for name in self.columns})
        with _reading(self._name):
            frame = to_frame(self._arrow[rows])
        self._files.trim()
        return frame


def hugging_face() -> Any:
    """Return Hugging Face's package, or None where it is not installed."""
    try:
        import datasets
    except ImportError:
        return None
    # A folder of that name, from which Python was started, is an empty module.
    return datasets if hasattr(datasets, "Dataset") else None


def is_hugging_face(data: Any) -> bool:
    """Say whether this is a `datasets.Dataset`."""
    names = ("select_columns", "with_format", "__len__")
    return all(hasattr(data, name) for name in names) and not isinstance(data, Mapping)


def is_saved(folder: Path) -> bool:
    """Say whether a folder is one that Hugging Face's `save_to_disk` wrote."""
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json"))


def _load(folder: Path) -> Any:
    """Return the data set in a folder.

    Raises:
        DataError: It is damaged, or holds several.
        MissingPackageError: Hugging Face's package is not installed.
    """
    package = hugging_face()
    if package is None:
        raise MissingPackageError(
            f'{folder}: folders of Arrow files need datasets: pip install "mmgraph[arrow]"'
        )
    if not is_saved(folder):
        raise DataError(
            f"{folder}: expected a folder that save_to_disk of a Hugging Face data set wrote; "
            "correct the path"
        )
    with _reading(str(folder)):
        found = package.load_from_disk(str(folder))
    if not isinstance(found, package.Dataset):
        first = next(iter(found))
        raise DataError(
            f"{folder}: expected one data set, got splits {list(found)}; name one of them: "
            f"{folder / first}"
        )
    return found


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Within the block, what goes wrong in reading Arrow files becomes one clear error.

    Raises:
        DataError: A file is damaged.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{name}: cannot be read as Arrow: {error}; write it anew") from error
