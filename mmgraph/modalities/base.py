"""What a modality is: from raw cells to items, from items to nodes."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    TypeVar,
)

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.errors import CellError
from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Relation
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.system.choices import check_choices
from mmgraph.system.held import HeldFolder
from mmgraph.typing import Item

if TYPE_CHECKING:
    from PIL import Image as PILImage

T = TypeVar("T")

#: What to do with a value that cannot be read.
Unreadable = Literal["raise", "missing"]


#: What modules of torch call otherwise, such as "type".
_TAKEN = frozenset(dir(nn.ModuleDict()))

#: Most bytes of a name that folders are called by.
_LONGEST = 200


def is_usable_name(name: str) -> bool:
    """Say whether modules and folders can be called by a name.

    Example:
        >>> [is_usable_name(name) for name in ("photo", "type", "", "a/b", "x" * 300)]
        [True, False, False, False, False]
    """
    is_word = re.fullmatch(r"[^\W.][^\x00/\\.:]*", name) is not None
    return is_word and name not in _TAKEN and len(os.fsencode(name)) <= _LONGEST


def _as_name(text: str) -> str:
    """Return a text as a name that `is_usable_name`."""
    name = re.sub(r"\W+", "_", text) or "_"
    name = f"{name}_" if name in _TAKEN else name
    if len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{name.encode()[: _LONGEST - 20].decode(errors='ignore')}_{digest}"


@contextmanager
def first_reading() -> Iterator[None]:
    """Leave the warnings of `read_each` to `transform`, which reads the cells again after `fit`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*count as missing")
        yield


@dataclass(frozen=True)
class Place:
    """Where a node lies in its item, in units a person can read.

    Args:
        label: The token, column name, or region as text.
        box: (left, top, right, bottom) as fractions of the image, for regions. Default: None.
        span: (start, end) in characters, or in seconds, for texts and clips. Default: None.
    """

    label: str
    box: tuple[float, float, float, float] | None = None
    span: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound to listen to.

    Args:
        samples: Mono samples, from -1 to 1.
        rate: Samples a second.
    """

    samples: Float[np.ndarray, "samples"]
    rate: int


@dataclass(eq=False)
class Modality(ABC):
    """How one kind of input becomes nodes: a description, fitted on the training cells.

    Subclasses are dataclasses whose fields are the choices of the user. `fit` returns a
    fitted copy and leaves the description as it was; fitted state ends in an underscore.

    Every cell arrives as the list of its raw values: missing values are already left out,
    lists and several columns are already flattened, so an empty list is a missing cell.
    `takes_lists` and `by_column` change that for modalities that need it.

    A subclass must set `kind` and define `transform`, `empty_item` (or `collate`),
    `make_encoder`, `relations` and `place`; one that learns something from the training cells
    defines `fit`, `save` and `load` as well.

    Args:
        columns: Column or columns to read.
        unreadable: "raise" an error for a value that cannot be read, or count it as "missing".
            Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.
    """

    #: Word for the kind of node ("image", "text"); also used in messages.
    kind: ClassVar[str]
    #: A list of numbers is one value, and not several.
    takes_lists: ClassVar[bool] = False
    #: Raw values come as (column, value).
    by_column: ClassVar[bool] = False

    columns: str | Sequence[str]
    _: KW_ONLY
    unreadable: Unreadable = "raise"
    name: str | None = None

    #: Fitted state: some training row has more than one item.
    several_: bool = field(init=False, default=False, repr=False)
    #: The folder that it reads from when it must, where the model was one file.
    files_: HeldFolder | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_choices(self)
        several = isinstance(self.columns, Sized) and not isinstance(self.columns, str)
        if several and not len(self.columns):
            raise ValueError(f"{type(self).__name__}: expected names of columns, got none")

    @property
    def column_list(self) -> list[str]:
        """The columns as a list, even when there is only one."""
        if isinstance(self.columns, str):
            return [self.columns]
        if not isinstance(self.columns, Iterable):
            raise TypeError(
                f"{type(self).__name__}: expected the name of a column, got {self.columns!r}; "
                "names are strings: frame.columns = frame.columns.map(str)"
            )
        return list(self.columns)

    @property
    def node_type(self) -> str:
        """Name of the node type in graphs: `name`, or the columns' names joined."""
        return self.name or _as_name("_".join(map(str, self.column_list)))

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether a column with such values (not missing) looks like this modality."""
        return False

    def declared(self, kinds: Mapping[str, str]) -> Modality:
        """Return what to fit, given what the table declares of columns; itself by default.

        Args:
            kinds: "category" for columns of pandas' type of that name; nothing for others.
        """
        return self

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Modality:
        """Return a fitted copy: vocabularies, statistics, resolved weights."""
        return copy.copy(self)

    def fit_transform(
        self, cells: Sequence[list[Any]], *, seed: int = 0
    ) -> tuple[Modality, list[list[Item]]]:
        """Return a fitted copy, and the items of the cells it was fitted on.

        The same as `fit` and then its `transform`; a subclass whose `fit` reads what items are made
        of may define it to read everything once.
        """
        with first_reading():
            fitted = self.fit(cells, seed=seed)
        return fitted, fitted.transform(cells)

    @abstractmethod
    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its items.

        Raises:
            CellError: A value cannot be read and `unreadable` is "raise".
        """

    def read_each(self, cells: Sequence[list[Any]], read: Callable[[Any], T]) -> list[list[T]]:
        """Read every raw value of every cell, following the policy for unreadable ones.

        Raises:
            CellError: `read` raised one and `unreadable` is "raise"; it names the row.
        """
        result: list[list[T]] = []
        lost = 0
        for row, cell in enumerate(cells):
            values = []
            for raw in cell:
                try:
                    values.append(read(raw))
                except CellError as error:
                    if self.unreadable == "raise":
                        raise CellError(error.reason, row) from error
                    lost += 1
            result.append(values)
        if lost:
            message = f"{self.node_type}: {lost} unreadable values in {len(cells)} rows"
            warnings.warn(f"{message} count as missing", stacklevel=2)
        return result

    def augment(self, item: Item) -> Item:
        """Return a randomly changed copy of an item; used in training only."""
        return item

    def empty_item(self) -> Item:
        """Return an item without nodes, whose tensors have the widths and dtypes of all others.

        Only the default `collate` asks for it.

        Raises:
            NotImplementedError: The subclass defines neither this method nor `collate`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has neither collate nor empty_item; define empty_item to "
            'return an item of no nodes, such as {"x": torch.zeros(0, width)}, or define collate'
        )

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join the items of several samples into one batch; works when there are none.

        By default every tensor of an item has a row for each of its nodes.
        """
        empty = self.empty_item()
        first = next(iter(empty))
        items = [empty, *(item for sample in samples for item in sample)]
        return Items(
            data={name: torch.cat([each[name] for each in items]) for name in empty},
            length=torch.tensor([len(each[first]) for each in items[1:]], dtype=torch.long),
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    @abstractmethod
    def make_encoder(self, channels: int) -> nn.Module:
        """Return a module that maps `Items` to `Nodes` with the given number of channels."""

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return what summarises the items for the linear model; nothing by default."""
        return []

    @abstractmethod
    def relations(self) -> dict[str, Relation]:
        """Relations among the nodes of this modality, by name."""

    @abstractmethod
    def place(self, item: Item, index: int) -> Place:
        """Say where node `index` of an item lies; of units, see `Place`."""

    def trace(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its items as `transform`, with what `keep` and pooled features need.

        Explanations ask for it. Batches of such items may hold more data than others, and mean
        the same.

        Raises:
            CellError: As `transform`.
        """
        return self.transform(cells)

    def keep(self, item: Item, kept: Bool[Tensor, "nodes"]) -> Item:
        """Return an item of `trace` with only some of its nodes, as if there were no others.

        Explanations take nodes away to see what they did. By default the tensors that have a
        row for each node lose these rows.

        Args:
            item: The item.
            kept: True for nodes to keep, at least one.
        """
        return {
            name: value[kept] if value.ndim and len(value) == len(kept) else value
            for name, value in item.items()
        }

    def picture(self, raw: Any) -> PILImage.Image | None:
        """Return the picture of a raw value that boxes of places count in; None without any."""
        return None

    def text(self, raw: Any) -> str | None:
        """Return the text of a raw value that spans of places count in; None without any."""
        return None

    def sound(self, raw: Any) -> Sound | None:
        """Return the sound of a raw value that spans of places count in; None without any."""
        return None

    def stills(self, raw: Any) -> Sequence[PILImage.Image]:
        """Return a picture for each node of a raw value, for videos; none for all others."""
        return ()

    def save(self, folder: Path) -> dict[str, Any]:
        """Write fitted state that is not JSON into a folder, and return the state that is."""
        return {}

    def load(self, folder: Path, state: dict[str, Any]) -> Modality:
        """Return a fitted copy from what `save` wrote and returned."""
        return copy.copy(self)
