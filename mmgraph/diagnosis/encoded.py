"""Rows that are encoded once, whose modalities can then be put together in any way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.data.dataset import SampleDataset
from mmgraph.data.transform import transform
from mmgraph.fitted import FittedModel
from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.nn.linear.model import LinearParts
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.neighbours.similarity import RowVectors

if TYPE_CHECKING:
    import pandas as pd

#: Samples that go through the fusion at once.
_BATCH = 256

#: From the rows to take each modality from to one vector a sample.
Fuse = Callable[[Int[Tensor, "batch modalities"]], Float[Tensor, "batch channels"]]

#: A part of a model, and the modality whose own it is.
Piece: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True, eq=False)
class FlatNodes:
    """Encoded nodes of one modality, row by row without padding.

    Args:
        x: Features of all nodes.
        item: The item of each node within its row.
        index: The position of each node within its item.
        count: Number of nodes of each row.
    """

    x: Float[Tensor, "flat channels"]
    item: Int[Tensor, "flat"]
    index: Int[Tensor, "flat"]
    count: Int[Tensor, "rows"]

    @classmethod
    def join(cls, batches: Sequence[Nodes]) -> FlatNodes:
        """Put the nodes of several batches one behind the other."""
        return cls(
            x=torch.cat([nodes.flat() for nodes in batches]),
            item=torch.cat([nodes.item[nodes.mask] for nodes in batches]),
            index=torch.cat([nodes.index[nodes.mask] for nodes in batches]),
            count=torch.cat([nodes.mask.sum(1) for nodes in batches]),
        )

    def take(self, rows: Int[Tensor, "batch"]) -> Nodes:
        """Return the nodes of some rows, in any order and repeated if need be."""
        count = self.count[rows]
        owner = torch.repeat_interleave(count)
        place = torch.arange(len(owner)) - (count.cumsum(0) - count)[owner]
        chosen = (self.count.cumsum(0) - self.count)[rows][owner] + place
        return Nodes.from_flat(
            self.x[chosen],
            sample=owner,
            batch_size=len(rows),
            item=self.item[chosen],
            index=self.index[chosen],
        )


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Nodes and linear parts of all modalities of some rows, to be put together at will.

    Every modality has one row more than were given, without any item: row number `missing`.

    Args:
        model: The model, already trained.
        nodes_of: Nodes of each modality.
        parts: What each modality says to the linear model, if there is one.
        has: Which rows have an item of a modality.
        vectors: What rows are compared by with training rows, if they are.
        said: What the targets of linked rows add to the logits, if any rows are linked.
    """

    model: MultimodalModel
    nodes_of: Mapping[str, FlatNodes]
    parts: LinearParts | None
    has: Bool[Tensor, "rows modalities"]
    vectors: RowVectors | None = None
    said: Float[Tensor, "rows outputs"] | None = None

    @classmethod
    def of(cls, fitted: FittedModel, frame: pd.DataFrame) -> EncodedRows:
        """Encode the rows of a table once.

        Raises:
            DataError: A cell cannot be read.
        """
        model = fitted.network
        nodes: dict[str, list[Nodes]] = {name: [] for name in model.encoders}
        parts, vectors, has, said = [], [], [], []
        fitted, frame = fitted.bound_to(frame)
        for items in _batches(fitted, frame):
            for name, encoded in model.nodes(items).items():
                nodes[name].append(encoded)
            has.append(torch.stack([items[name].nodes_per_sample > 0 for name in nodes], dim=1))
            if model.linked is not None:
                said.append(model.linked(items))
            if model.linear is not None:
                features = model.linear.read(items)
                parts.append(model.linear.parts_of(features))
                if model.neighbours is not None:
                    vectors.append(model.neighbours.vectors(features))
        flat = {name: FlatNodes.join(batches) for name, batches in nodes.items()}
        return cls(
            model,
            flat,
            _join(parts) if parts else None,
            torch.cat(has),
            RowVectors.join(vectors),
            torch.cat(said) if said else None,
        )

    @property
    def names(self) -> list[str]:
        """The modalities, in the order of all axes called `modalities`."""
        return list(self.nodes_of)

    @property
    def missing(self) -> int:
        """The row that lacks every modality; also the number of rows that were given."""
        return len(self.has) - 1

    def as_they_are(self) -> Int[Tensor, "rows modalities"]:
        """Return the choice that takes all modalities of a row from that row."""
        return torch.arange(self.missing).unsqueeze(1).repeat(1, len(self.names))

    def nodes(self, rows: Int[Tensor, "batch modalities"]) -> dict[str, Nodes]:
        """Return samples that have each modality from another row."""
        return {
            name: flat.take(chosen)
            for (name, flat), chosen in zip(self.nodes_of.items(), rows.unbind(1), strict=True)
        }

    def fuse(self, rows: Int[Tensor, "batch modalities"]) -> Float[Tensor, "batch channels"]:
        """Return the fused vectors of such samples."""
        return self.model.fusion(self.nodes(rows))

    def logits(
        self, rows: Int[Tensor, "batch modalities"], *, fuse: Fuse | None = None
    ) -> Float[Tensor, "batch outputs"]:
        """Return the model's logits of samples that have each modality from another row.

        Args:
            rows: The row to take each modality from; `missing` hides it.
            fuse: Another way than `self.fuse` to the fused vectors.
        """
        fused = self.fused_logits(rows, fuse=fuse)
        return self.model.join(self.cheap_logits(rows), fused, self._present(rows))

    def fused_logits(
        self, rows: Int[Tensor, "batch modalities"], *, fuse: Fuse | None = None
    ) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the fused part alone."""
        fuse = fuse or self.fuse
        return torch.cat([self.model.head(fuse(chunk)) for chunk in rows.split(_BATCH)])

    def pieces(
        self, rows: Int[Tensor, "batch modalities"]
    ) -> dict[Piece, Float[Tensor, "batch outputs"]]:
        """Return what each part of the model adds to the logits, those that add anything.

        Together they are `logits`, but for rows without any input.
        """
        model = self.model
        pieces: dict[Piece, Tensor] = {("graph", None): model.weights[1] * self.fused_logits(rows)}
        linear = self._linear_parts(rows)
        if linear is not None and model.linear is not None:
            weights = model.weights[0] * model.linear.weights(linear.has)
            together = model.linear.bias + linear.together.sum(1)
            offset = model.weights[0] * model.linear.offset
            pieces["linear", None] = weights[:, :1] * together + offset
            for number, name in enumerate(self.names):
                pieces["own", name] = weights[:, [1 + number]] * linear.alone[:, number]
        vote = self.vote(rows)
        if vote is not None:
            pieces["neighbours", None] = model.weights[0] * vote
        linked = self.linked(rows)
        if linked is not None:
            pieces["linked_targets", None] = model.weights[0] * linked
        return {key: logits for key, logits in pieces.items() if logits.any()}

    def without(
        self, rows: Int[Tensor, "batch modalities"], piece: Float[Tensor, "batch outputs"]
    ) -> Float[Tensor, "batch outputs"]:
        """Return the model's logits without one of its `pieces`; the other weights stay."""
        logits = self.logits(rows)
        return torch.where(self._present(rows).unsqueeze(1), logits - piece, logits)

    def cheap_logits(
        self, rows: Int[Tensor, "batch modalities"]
    ) -> Float[Tensor, "batch outputs"] | None:
        """Return the logits of the linear model and the votes, None without any of them."""
        logits = self.linear_logits(rows)
        if logits is not None:
            for vote in (self.vote(rows), self.linked(rows)):
                logits = logits if vote is None else logits + vote
        return logits

    def linked(
        self, rows: Int[Tensor, "batch modalities"]
    ) -> Float[Tensor, "batch outputs"] | None:
        """Return what the targets of linked rows add to the logits, None without such a vote."""
        linked = self.model.linked
        if linked is None or self.said is None:
            return None
        return self.said[rows[:, self.names.index(linked.node_type)]]

    def vote(self, rows: Int[Tensor, "batch modalities"]) -> Float[Tensor, "batch outputs"] | None:
        """Return the weighed logits of the nearest training rows, None where none has a say."""
        neighbours = self.model.neighbours
        if neighbours is None or self.vectors is None or not neighbours.used:
            return None
        vectors = tuple(
            x[chosen] for x, chosen in zip(self.vectors.vectors, rows.unbind(1), strict=True)
        )
        has = self.vectors.has[rows, torch.arange(rows.shape[1])]
        return neighbours.combine(RowVectors(vectors, has))

    def linear_logits(
        self, rows: Int[Tensor, "batch modalities"]
    ) -> Float[Tensor, "batch outputs"] | None:
        """Return the logits of the linear model alone, None without one."""
        parts = self._linear_parts(rows)
        return None if parts is None else self.model.linear.combine(parts)  # type: ignore[union-attr]

    def _linear_parts(self, rows: Int[Tensor, "batch modalities"]) -> LinearParts | None:
        if self.model.linear is None or self.parts is None:
            return None
        columns = torch.arange(rows.shape[1])
        return LinearParts(
            self.parts.together[rows, columns],
            self.parts.alone[rows, columns],
            self.parts.has[rows, columns],
        )

    def _present(self, rows: Int[Tensor, "batch modalities"]) -> Bool[Tensor, "batch"]:
        return self.has[rows, torch.arange(rows.shape[1])].any(1)


def _batches(fitted: FittedModel, frame: pd.DataFrame) -> Iterator[dict[str, Items]]:
    """Read the rows batch by batch, and at last one that has nothing."""
    size, modalities = fitted.batch_size, fitted.modalities
    for start in range(0, len(frame), size):
        items = transform(modalities, frame.iloc[start : start + size], start=start)
        yield from (batch.items for batch in SampleDataset(modalities, items).batches(size))
    yield {modality.node_type: modality.collate([[]]) for modality in modalities}


def _join(parts: Sequence[LinearParts]) -> LinearParts:
    return LinearParts(
        torch.cat([each.together for each in parts]),
        torch.cat([each.alone for each in parts]),
        torch.cat([each.has for each in parts]),
    )
