"""What an explanation holds: scores of nodes and edges, and the inputs they are parts of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from mmgraph.modalities.base import Modality, Place
from mmgraph.typing import EdgeType

if TYPE_CHECKING:
    from PIL import Image as PILImage


@dataclass(frozen=True)
class NodeScore:
    """How much one node of the sample's graph mattered.

    Args:
        modality: Its node type.
        kind: Kind of the modality: "image", "text", "audio", "video", "column", "vector".
        item: Which image, text or clip of the sample it belongs to, from 0.
        index: Its position in the item, from 0.
        place: Where it lies in the item: label, box, span.
        score: Its score; see `Explanation.signed`.
        is_input: False for nodes that stand for no input, such as the learnt node of a modality
            that is missing. Their score is 0.
    """

    modality: str
    kind: str
    item: int
    index: int
    place: Place
    score: float
    is_input: bool = True


@dataclass(frozen=True, eq=False)
class EdgeScores:
    """Weights of the edges of one relation in one layer.

    Args:
        relation: (source type, name, target type).
        layer: Number of the layer, from 0; None where a weight counts for all layers.
        source: Where each edge comes from, as a position in `Explanation.nodes`.
        target: Where each edge goes.
        weight: Weight of each edge for each head. With attention, those of a target sum to 1.
    """

    relation: EdgeType
    layer: int | None
    source: Int[np.ndarray, "edges"]
    target: Int[np.ndarray, "edges"]
    weight: Float[np.ndarray, "edges heads"]


@dataclass(frozen=True)
class ItemInput:
    """One image, text or clip of the sample, as it came in the table.

    Args:
        modality: Its node type.
        kind: Kind of the modality.
        item: Its number within the sample, from 0.
        text: The text that spans of places count in, for texts.
        raw: The raw value (path, array...); None after reading from JSON.
        reader: The fitted modality; it turns `raw` into a picture when that is asked for.
        thumbnail: The picture as a data URI, where the explanation was read from JSON.
    """

    modality: str
    kind: str
    item: int
    text: str | None = None
    raw: Any = field(default=None, repr=False, compare=False)
    reader: Modality | None = field(default=None, repr=False, compare=False)
    thumbnail: str | None = field(default=None, repr=False)

    def picture(self) -> PILImage.Image | None:
        """Return the picture that boxes of places count in; None where there is none."""
        from mmgraph.explain.thumbnails import from_data_uri

        if self.thumbnail is not None:
            return from_data_uri(self.thumbnail)
        return None if self.reader is None or self.raw is None else self.reader.picture(self.raw)
