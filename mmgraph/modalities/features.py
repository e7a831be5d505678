"""Vectors that were computed elsewhere, each of which becomes a node."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.errors import CellError, names, quote, reason
from mmgraph.graph.relations import Chain, Relation
from mmgraph.modalities.base import Modality, Place, Unreadable, first_reading
from mmgraph.modalities.decoding.files import load_statistics, located, save_statistics
from mmgraph.nn.encoders.recurrent import Cell
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.system.arrays import NPY, ZIP, read_npy, read_npz
from mmgraph.typing import Item

#: Standardised values are cut to this many standard deviations, which tames broken entries.
_LIMIT = 10.0

_FORMS = (
    "expected a vector [features] or a sequence [steps, features] as an array, a tensor, a list "
    "of numbers, or the path or bytes of an .npy or .npz file"
)


@dataclass(eq=False)
class Features(Modality):
    """Precomputed features: one node for a vector, one for every step of a sequence.

    All cells need the same number of features. They are standardised by the training rows and
    cut to 10 standard deviations. Entries that are NaN or infinite, as published audio features
    have them, are 0 after that, the mean of the training rows; a warning says how many.

    Args:
        columns: Column or columns of arrays [features] or [steps, features], tensors, lists of
            numbers, or paths or bytes of .npy files, or of .npz files with a single array.
            Default: "features".
        rnn: Recurrent layer that reads each sequence both ways; None for none. Default: None.
        root: Folder that relative paths are relative to; None: the working directory.
            Default: None.
        unreadable: "raise" an error for what is no such array, or count it as "missing".
            Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.

    Example:
        >>> features = Features("clip").fit([[[0.0, 2.0]], [[2.0, 4.0]]])
        >>> (item,), missing = features.transform([[[[2.0, 4.0], [1.0, 3.0]]], []])
        >>> item["features"].tolist(), missing
        ([[1.0, 1.0], [0.0, 0.0]], [])
    """

    kind: ClassVar[str] = "vector"
    takes_lists: ClassVar[bool] = True

    columns: str | Sequence[str] = "features"
    _: KW_ONLY
    rnn: Cell | None = None
    root: str | Path | None = None
    unreadable: Unreadable = "raise"
    name: str | None = None

    mean_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    std_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    #: Some training item has several steps.
    sequences_: bool = field(init=False, default=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rnn not in (None, "gru", "lstm"):
            raise ValueError(f'expected rnn "gru", "lstm" or None, got {self.rnn!r}')

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether all values are arrays of as many features, or files of arrays."""
        widths = set(map(_width, values))
        return None not in widths and len(widths - {0}) <= 1 and bool(widths)

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Features:
        """Return a fitted copy with mean and standard deviation of every feature.

        Raises:
            CellError: A value is no array of features, or not of as many as the first one, and
                `unreadable` is "raise".
        """
        fitted = copy.copy(self)
        fitted.mean_ = fitted.std_ = None
        width: int | None = None

        def read(raw: Any) -> np.ndarray:
            nonlocal width
            array = self._read(raw, width)
            width = array.shape[1]
            return array

        with first_reading():
            rows = self.read_each(cells, read)
        arrays = [array for row in rows for array in row]
        fitted.mean_, fitted.std_ = _statistics(arrays, width or 0)
        fitted.sequences_ = any(len(array) > 1 for array in arrays)
        return fitted

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its standardised `features` [steps, features].

        Raises:
            CellError: A value is no array of features, or not of as many as in training, and
                `unreadable` is "raise".
        """
        if self.mean_ is None or self.std_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        mean, std = self.mean_.numpy(), self.std_.numpy()
        # Without any value in training, no number of features is known.
        rows = self.read_each(cells, lambda raw: self._read(raw, len(mean) or None))
        rows = [[array for array in row if len(array) and len(mean)] for row in rows]
        broken = sum(int((~np.isfinite(array)).sum()) for row in rows for array in row)
        if broken:
            total = sum(array.size for row in rows for array in row)
            message = f"{self.node_type}: {broken} of {total} entries are NaN or infinite"
            warnings.warn(f"{message} and count as the mean of the training rows", stacklevel=2)

        def standardise(array: np.ndarray) -> Tensor:
            x = (np.where(np.isfinite(array), array, mean) - mean) / std
            return torch.from_numpy(x.clip(-_LIMIT, _LIMIT).astype(np.float32))

        return [[{"features": standardise(array)} for array in row] for row in rows]

    def _read(self, raw: Any, width: int | None) -> Float[np.ndarray, "steps features"]:
        """Read a value, which must have `width` features where that is known."""
        array = read_array(raw if _is_list(raw) else located(raw, self.root))
        if width is not None and array.shape[1] != width:
            raise CellError(
                f"expected {width} features, as in the training rows before, got "
                f"{array.shape[1]}; compute them all in the same way, or use a Features of its "
                "own for each kind"
            )
        return array

    def empty_item(self) -> Item:
        """Return an item of no vectors: `features` [0, features]."""
        return {"features": torch.zeros(0, self._num_features)}

    @property
    def _num_features(self) -> int:
        """Features of a vector; 1 where training had none, as networks cannot have 0."""
        if self.mean_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        return max(1, len(self.mean_))

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a `VectorEncoder`."""
        from mmgraph.nn.encoders.features import VectorEncoder

        return VectorEncoder(self._num_features, channels, cell=self.rnn)

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return the mean of all vectors of a row."""
        from mmgraph.nn.linear.features import NodeMeanFeatures

        return [NodeMeanFeatures(self._num_features)]

    def relations(self) -> dict[str, Relation]:
        """Join the neighbours of a sequence; single vectors have none."""
        return {"chain": Chain()} if self.sequences_ else {}

    def place(self, item: Item, index: int) -> Place:
        """Say which vector of a sequence a node is, counted from 1."""
        return Place(f"vector {index + 1}")

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the statistics, and return whether there are sequences."""
        save_statistics(folder, self.mean_, self.std_)
        return {"sequences": self.sequences_}

    def load(self, folder: Path, state: dict[str, Any]) -> Features:
        """Return a fitted copy from what `save` wrote and returned."""
        fitted = copy.copy(self)
        fitted.mean_, fitted.std_ = load_statistics(folder)
        fitted.sequences_ = state["sequences"]
        return fitted


def read_array(raw: Any) -> Float[np.ndarray, "steps features"]:
    """Read a vector, as a sequence of one step, or a sequence.

    Raises:
        CellError: It is neither, or its file cannot be read.

    Example:
        >>> read_array([1, 2, 3]).shape, read_array("[[0.5], [1.5]]").shape
        ((1, 3), (2, 1))
    """
    array = _decode(raw)
    if array.dtype.kind not in "fiub":
        raise CellError(f"{_FORMS}, got an array of {array.dtype}; convert it to float32")
    if array.ndim not in (1, 2):
        shape = list(array.shape)
        remedy = "reshape it" if shape else "numbers in columns of their own are Tabular([...])"
        raise CellError(f"{_FORMS}, got {f'the shape {shape}' if shape else array}; {remedy}")
    with np.errstate(over="ignore"):  # becomes infinite, which is counted
        return np.atleast_2d(array.astype(np.float32))


def _decode(raw: Any) -> np.ndarray:
    if isinstance(raw, Tensor):
        raw = raw.detach().cpu()
        return (raw.float() if raw.dtype == torch.bfloat16 else raw).numpy()
    if isinstance(raw, str) and _is_list(raw):
        try:
            raw = json.loads(raw)
        except ValueError as error:
            raise CellError(
                f"{_FORMS}, got text that is no list of numbers ({reason(error)})"
            ) from None
    if isinstance(raw, str | Path | bytes | bytearray | memoryview):
        return _load(raw)
    if isinstance(raw, np.ndarray) and raw.dtype.kind == "O":
        raw = raw.tolist()  # as nested lists come out of Parquet files
    try:
        return np.asarray(raw)
    except ValueError:
        raise CellError(f"{_FORMS}, got lists of different lengths; make them equal") from None


def _load(raw: str | Path | bytes | bytearray | memoryview) -> np.ndarray:
    """Return the array of an .npy file, or the only one of an .npz file."""
    if isinstance(raw, str | Path):
        data, name = _file_bytes(raw), quote(str(raw))
    else:
        data, name = bytes(raw), f"{len(raw)} bytes"
    if not data.startswith((NPY, ZIP)):
        raise CellError(f"{_FORMS}, got {name} in another format; save it with numpy.save")
    try:
        if data.startswith(NPY):
            return read_npy(data)
        arrays = read_npz(data)
    except Exception as error:  # a damaged file can fail in any way
        raise CellError(
            f"{name} cannot be read ({reason(error)}); save it again with numpy.save, as numbers"
        ) from error
    if len(arrays) != 1:
        raise CellError(
            f"expected one array in {name}, got {names(arrays)}; save each in an .npy file"
        )
    return next(iter(arrays.values()))


def _file_bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CellError(
            f"{_FORMS}, but there is no file {quote(str(path))}; correct the path, or name the "
            "folder that paths are relative to (root=...)"
        ) from None
    except (OSError, ValueError) as error:
        raise CellError(
            f"{quote(str(path))} cannot be read ({reason(error)}); correct the path"
        ) from error


def _is_list(raw: Any) -> bool:
    """Say whether text is a list, as CSV files hold it."""
    return isinstance(raw, str) and raw.lstrip().startswith("[")


def _width(value: Any) -> int | None:
    """Return the number of features of a value, 0 for that of a file, None for anything else."""
    if isinstance(value, bytes):
        return 0 if value.startswith(NPY) else None
    if isinstance(value, str | Path) and not _is_list(value):
        return 0 if str(value).lower().endswith((".npy", ".npz")) else None
    if not isinstance(value, str | list | tuple | np.ndarray | Tensor):
        return None
    try:
        return read_array(value).shape[1]
    except CellError:
        return None


def _statistics(
    arrays: Sequence[Float[np.ndarray, "_ features"]], width: int
) -> tuple[Float[Tensor, "features"], Float[Tensor, "features"]]:
    """Return mean and standard deviation of the finite entries; 0 and 1 where there is none."""
    count, total, squares = np.zeros((3, width))
    for array in arrays:
        count += np.isfinite(array).sum(0)
        total += np.where(np.isfinite(array), array, 0).sum(0, dtype=np.float64)
    mean = total / count.clip(1)
    for array in arrays:
        squares += np.where(np.isfinite(array), np.square(array - mean), 0).sum(0)
    std = np.sqrt(squares / count.clip(1))
    # What is left of a constant is rounding.
    std[std <= 1e-6 * np.abs(mean)] = 1
    return torch.from_numpy(mean), torch.from_numpy(std)
