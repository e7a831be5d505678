"""The rows that a row sees, as a modality: one node for each of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from mmgraph.data.dataset import SampleDataset, read_batches
from mmgraph.data.whole_table import WholeTable
from mmgraph.errors import DataError
from mmgraph.graph.items import Items
from mmgraph.graph.relations import Relation
from mmgraph.links.base import LinkKind, RowKeys
from mmgraph.links.keys import read_keys
from mmgraph.links.kinds import restore_link
from mmgraph.links.resolve import SeenRows, relation_names, resolve
from mmgraph.links.store import RowStore
from mmgraph.links.summary import RowSummary
from mmgraph.modalities.base import Modality, Place
from mmgraph.nn.encoders.linked import LinkedEncoder
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.linked import LinkedCounts, LinkedMeans
from mmgraph.nn.linked_vote import LinkedVote
from mmgraph.nn.task import Task
from mmgraph.tables.names import row_name
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd

#: Name of the node type, and of the column that is added to a table.
NAME, _COLUMN = "linked", "rows linked with this one"
_WEIGHTS, _KEYS = "rows.safetensors", "keys.json"
#: Rows that are summarised at once.
_BATCH = 256


@dataclass(eq=False)
class LinkedRows(WholeTable):
    """The rows that a row sees through links, one node each, of frozen pooled features.

    The vectors are made before any training and hold no target, so that a batch costs what its
    own rows cost, and nothing of a row's target can come back to it through others. Estimators
    make it of their `links`; it is fitted with the rows of a whole table.

    Args:
        columns: The columns that the links read.
        name: Name of the node type. Default: "linked".
    """

    kind: ClassVar[str] = "row"

    columns: str | Sequence[str]
    _: KW_ONLY
    name: str | None = NAME

    links_: Sequence[LinkKind] = field(init=False, default=(), repr=False)
    keys_: Mapping[str, list[list[str]]] = field(init=False, default_factory=dict, repr=False)
    store_: RowStore | None = field(init=False, default=None, repr=False)
    blocks_: Sequence[int] = field(init=False, default=(), repr=False)
    summary_: RowSummary | None = field(init=False, default=None, repr=False)
    #: What was saved of the summary, until the other modalities are at hand.
    saved_: dict[str, Tensor] = field(init=False, default_factory=dict, repr=False)
    bound_: bool = field(init=False, default=False, repr=False)

    @classmethod
    def of(cls, links: Sequence[LinkKind]) -> LinkedRows:
        """Return an unfitted modality of some links."""
        columns = list(dict.fromkeys(column for link in links for column in link.columns))
        made = cls(columns)
        made.links_ = list(links)
        relation_names(links)
        return made

    @property
    def column_list(self) -> list[str]:
        """The columns that links read; of a bound one, that with the rows it sees."""
        return [_COLUMN] if self.bound_ else super().column_list

    @property
    def relations_(self) -> list[str]:
        """Names of the relations, in the order of their numbers."""
        return relation_names(self.links_)

    def fit_rows(
        self,
        frame: pd.DataFrame,
        base: SampleDataset,
        groups: Int[np.ndarray, "rows"] | None,
    ) -> tuple[LinkedRows, list[list[Item]]]:
        """Return a fitted copy, and the items of the training rows.

        Args:
            frame: The training rows, with all columns that links read.
            base: The items of their other modalities.
            groups: Group of each row: the targets of its own group are never shown to a row.
        """
        fitted = copy.copy(self)
        fitted.keys_ = read_keys(frame, super().column_list)
        fitted.summary_ = RowSummary(base.modalities)
        with torch.no_grad():
            vectors, fitted.blocks_ = fitted.summary_.fit(_Batches(base))
        names = [row_name(frame.index, row) for row in range(len(frame))]
        fitted.store_ = RowStore(vectors, names)
        group = np.arange(len(frame)) if groups is None else groups
        rows = RowKeys(fitted.keys_, 0, len(frame))
        seen = [
            None if each is None else replace(each, votes=group[each.row] != group[row])
            for row, each in enumerate(resolve(self.links_, rows))
        ]
        return fitted, fitted.transform([[] if each is None else [each] for each in seen])

    def bind(
        self, frame: pd.DataFrame, others: Sequence[Modality]
    ) -> tuple[LinkedRows, pd.DataFrame]:
        """Return a copy that knows the rows of a table, and the table with what each row sees."""
        if self.bound_:
            return self, frame
        store = self._fitted_store()
        asked = read_keys(frame, self.column_list)
        known = len(store.known)
        cells = {name: [*self.keys_[name], *cells] for name, cells in asked.items()}
        seen = resolve(self.links_, RowKeys(cells, known, known + len(frame)))
        bound = copy.copy(self)
        bound.bound_ = True
        bound.store_ = self._with_rows(store, frame, others, seen)
        column = np.empty(len(frame), dtype=object)
        column[:] = seen
        return bound, frame.assign(**{_COLUMN: column})

    def _with_rows(
        self,
        store: RowStore,
        frame: pd.DataFrame,
        others: Sequence[Modality],
        seen: Sequence[SeenRows | None],
    ) -> RowStore:
        """Return the store with those of a table's rows that some row sees."""
        known = len(store.known)
        rows = [each.row[each.row >= known] for each in seen if each is not None]
        wanted = np.unique(np.concatenate(rows)) - known if rows else np.zeros(0, np.int64)
        if not len(wanted):
            return store
        if self.summary_ is None:
            self.summary_ = RowSummary(others)
            self.summary_.load_state_dict(self.saved_)
        summary = self.summary_.eval()
        with torch.no_grad():
            batches = read_batches(others, frame.iloc[wanted], _BATCH, None)
            vectors = torch.cat([summary(batch.items) for batch in batches])
        places = torch.zeros(len(frame), dtype=torch.long)
        places[torch.from_numpy(wanted)] = torch.arange(len(wanted))
        names = [row_name(frame.index, row) for row in range(len(frame))]
        return replace(store, asked=vectors, places=places, asked_names=names)

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn what each row sees into one item, with a node for each of the rows.

        The item has `place`, `relation`, `distance` and `votes`, [nodes] each.
        """
        if not all(isinstance(raw, SeenRows) for cell in cells for raw in cell):
            raise RuntimeError("linked rows are read of a whole table: call bind first")
        return [[_item(raw) for raw in cell] for cell in cells]

    def empty_item(self) -> Item:
        """Return an item without nodes."""
        nothing = torch.zeros(0, dtype=torch.long)
        return {
            "place": nothing,
            "relation": nothing,
            "distance": nothing,
            "votes": torch.zeros(0, dtype=torch.bool),
        }

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join items, and add the `features` [nodes, features] of the rows that they stand for."""
        items = super().collate(samples)
        return replace(
            items, data=items.data | {"features": self._fitted_store().take(items.data["place"])}
        )

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a `LinkedEncoder`."""
        width = self._fitted_store().known.shape[1]
        return LinkedEncoder(width, len(self.relations_), channels)

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return how many rows are seen, and for each relation the means of their features."""
        relations = range(len(self.relations_))
        ends = np.cumsum(self.blocks_).tolist()
        blocks = list(zip([0, *ends[:-1]], ends, strict=True))
        means = [LinkedMeans(each, *block) for each in relations for block in blocks]
        return [LinkedCounts(len(relations)), *means]

    def make_vote(self, task: Task) -> LinkedVote:
        """Return what the known targets of linked rows say, which knows none yet."""
        return LinkedVote(self.node_type, len(self.relations_), task)

    def relations(self) -> dict[str, Relation]:
        """Return none: rows that a row sees do not speak with each other."""
        return {}

    def place(self, item: Item, index: int) -> Place:
        """Say which row a node stands for, and by which relation it is seen."""
        row, relation = (int(item[name][index]) for name in ("place", "relation"))
        return Place(f"{self.relations_[relation]}: {self._fitted_store().name(row)}")

    def save(self, folder: Path) -> dict[str, Any]:
        """Write vectors and keys of the training rows; return the links."""
        from safetensors.torch import save_file

        store = self._fitted_store()
        saved = self.saved_ if self.summary_ is None else self.summary_.state_dict()
        tensors = {"known": store.known, **{f"summary.{name}": x for name, x in saved.items()}}
        save_file({name: x.contiguous() for name, x in tensors.items()}, folder / _WEIGHTS)
        kept = {"keys": self.keys_, "names": list(store.names)}
        (folder / _KEYS).write_text(json.dumps(kept), "utf-8")
        return {"links": [each.describe() for each in self.links_], "blocks": list(self.blocks_)}

    def load(self, folder: Path, state: dict[str, Any]) -> LinkedRows:
        """Return a fitted copy from what `save` wrote and returned."""
        from safetensors.torch import load_file

        fitted = copy.copy(self)
        tensors = load_file(folder / _WEIGHTS)
        kept = json.loads((folder / _KEYS).read_bytes())
        fitted.keys_ = kept["keys"]
        fitted.store_ = RowStore(tensors.pop("known"), kept["names"])
        fitted.saved_ = {name.removeprefix("summary."): x for name, x in tensors.items()}
        fitted.links_ = [restore_link(each) for each in state["links"]]
        fitted.blocks_ = [int(each) for each in state["blocks"]]
        self._check(fitted, folder)
        return fitted

    @staticmethod
    def _check(fitted: LinkedRows, folder: Path) -> None:
        """Refuse files that do not fit together, before anything is predicted by them."""
        store = fitted._fitted_store()
        rows = {len(cells) for cells in fitted.keys_.values()}
        needed = {column for link in fitted.links_ for column in link.columns}
        if (
            rows != {len(store.known)}
            or fitted.keys_.keys() != needed
            or sum(fitted.blocks_) != store.known.shape[1]
            or min(fitted.blocks_, default=0) < 0
        ):
            raise DataError(f"{folder}: damaged, save the model again: its files do not fit")

    def _fitted_store(self) -> RowStore:
        if self.store_ is None:
            raise RuntimeError("linked rows: call fit_rows first")
        return self.store_


class _Batches:
    """Items of all rows in order, joined anew each time."""

    def __init__(self, dataset: SampleDataset) -> None:
        self.dataset = dataset

    def __iter__(self) -> Iterator[Mapping[str, Items]]:
        return (batch.items for batch in self.dataset.batches(_BATCH))


def _item(seen: SeenRows) -> Item:
    return {
        "place": torch.from_numpy(seen.row.astype(np.int64)),
        "relation": torch.from_numpy(seen.relation.astype(np.int64)),
        "distance": torch.from_numpy(seen.distance.astype(np.int64)),
        "votes": torch.from_numpy(seen.votes.copy()),
    }
