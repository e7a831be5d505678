"""Hugging Face datasets, whose rows are read from their Arrow files as they are needed."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int
from PIL import Image as PILImage

from mmgraph.disk_table import DiskTable
from mmgraph.errors import DataError, MissingPackageError
from mmgraph.shards import ParquetTable

if TYPE_CHECKING:
    import pandas as pd

#: Rows of a group. Any row is found at once, but neighbours lie in the same pages of the disk.
_GROUP, _GROUPS_AT_ONCE = 4096, 8

#: What a decoded image, sound or film is taken to need in memory, at least.
_MEDIA_BYTES = 2**19

#: Rows of a part of a stream that is written to disk.
_PART = 1000


class ArrowTable(DiskTable):
    """A Hugging Face `Dataset`, or the folder that its `save_to_disk` wrote, of any size.

    Its Arrow files are mapped into memory, and images and sounds are decoded for each batch. Pages
    that were read may count as memory of the process until the system needs it.

    Args:
        dataset: A `datasets.Dataset`, or a folder.

    Raises:
        DataError: The folder holds several datasets, or none that can be read.
        MissingPackageError: A folder is given and `datasets` is not installed.

    Example:
        >>> import pytest
        >>> datasets = pytest.importorskip("datasets", exc_type=ImportError)
        >>> table = ArrowTable(datasets.Dataset.from_dict({"text": ["red", "blue", "green"]}))
        >>> len(table), table.take(np.array([2, 0]))["text"].tolist()
        (3, ['green', 'red'])
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = _load(Path(dataset)) if isinstance(dataset, str | Path) else dataset
        # Torch tensors or arrays would be asked for by name of a format; cells are plain values.
        self.dataset = self.dataset.with_format(None)

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.dataset.column_names)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns in memory, images and sounds decoded, as far as can be told."""
        media = sum(_is_media(each) for each in self.dataset.features.values())
        return int(self.dataset.data.nbytes + media * len(self) * _MEDIA_BYTES)

    @property
    def groups_at_once(self) -> int:
        """Number of groups whose rows training may mix."""
        return _GROUPS_AT_ONCE

    def group_of(self, rows: Int[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
        """Return the number of the group that each row is in."""
        return rows // _GROUP

    def select(self, columns: Sequence[str]) -> ArrowTable:
        """Return the table with some of its columns only; others are never read."""
        known = self.columns
        return ArrowTable(self.dataset.select_columns([name for name in columns if name in known]))

    def frame(self) -> pd.DataFrame:
        """Return all rows."""
        return self._frame(self.dataset[:])

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return all rows in order, a part at a time, with their places as index.

        Args:
            size: Most rows of a part.
        """
        for start in range(0, len(self), size):
            part = self._frame(self.dataset[start : start + size])
            yield part.set_axis(range(start, start + len(part)))

    def take(self, rows: Int[np.ndarray, "rows"]) -> pd.DataFrame:
        """Return some rows in the order asked for, with their places as index."""
        return self._frame(self.dataset[rows.tolist()]).set_axis(rows)

    def _frame(self, cells: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
        import pandas as pd

        # As objects, whole numbers stay whole where some are missing.
        found = {
            name: pd.Series(list(values), dtype=object if None in map(_known, values) else None)
            for name, values in cells.items()
        }
        return pd.DataFrame(found, columns=self.columns)


def _known(value: Any) -> Any:
    """Return None for None, and something that compares quickly for anything else."""
    return None if value is None else True


def _is_media(feature: Any) -> bool:
    """Say whether a feature's values are stored as files that are decoded when they are read."""
    return hasattr(feature, "decode_example")


def is_dataset(data: Any) -> bool:
    """Say whether something is a Hugging Face `Dataset`, without importing their package."""
    known = hasattr(data, "to_pandas") and hasattr(data, "column_names")
    return known and hasattr(data, "__len__")


def is_stream(data: Any) -> bool:
    """Say whether something is a Hugging Face `IterableDataset`."""
    known = hasattr(data, "cast_column") and hasattr(data, "iter")
    return known and not hasattr(data, "__len__")


def is_saved(path: Path) -> bool:
    """Say whether a folder was written by `save_to_disk`."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def _load(path: Path) -> Any:
    # From where a folder called datasets stands, Python may find that in place of the package.
    import datasets

    if not hasattr(datasets, "load_from_disk"):
        raise MissingPackageError(
            f"{path}: folders of save_to_disk need Hugging Face's package: pip install datasets"
        )
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read by datasets: {error}; save it anew") from error
    if isinstance(loaded, Mapping):
        raise DataError(
            f"{path}: expected one dataset, got {sorted(loaded)}; name one of its folders"
        )
    return loaded


def spill(stream: Any) -> ParquetTable:
    """Write a stream to temporary Parquet files, a part at a time, and return these as a table.

    Training needs rows several times and in random order, and predictions need to know how many
    there are. The files are deleted with the table.

    Args:
        stream: A `datasets.IterableDataset`. Images and sounds are kept as they are encoded.

    Raises:
        DataError: The stream is empty, or has values that Parquet cannot hold.
        MissingPackageError: pyarrow is not installed.
    """
    import pandas as pd

    for name, feature in (stream.features or {}).items():
        if _is_media(feature):
            stream = stream.cast_column(name, type(feature)(decode=False))
    folder = _TemporaryFolder()
    count = 0
    for number, part in enumerate(stream.iter(batch_size=_PART)):
        frame = pd.DataFrame({name: list(map(_storable, cells)) for name, cells in part.items()})
        try:
            frame.to_parquet(folder.path / f"{number:09d}.parquet", index=False)
        except ImportError as error:
            raise MissingPackageError(
                'streams are written as Parquet files: pip install "mmgraph[parquet]"'
            ) from error
        except (ValueError, TypeError) as error:
            raise DataError(
                f"rows from {count} on: cannot be written as Parquet: {error}; give columns that "
                "hold one kind of value"
            ) from error
        count += len(frame)
    if not count:
        raise DataError("expected at least one row, got an empty stream")
    return ParquetTable(folder.path, owned=folder)


class _TemporaryFolder:
    """A folder that is deleted with this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="mmgraph-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _storable(cell: Any) -> Any:
    """Return a cell as Parquet holds it, images without loss."""
    if isinstance(cell, PILImage.Image):
        file = BytesIO()
        cell.save(file, "PNG")
        return file.getvalue()
    return cell.tolist() if isinstance(cell, np.ndarray) else cell
