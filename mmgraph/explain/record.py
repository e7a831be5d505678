"""What an explanation holds: scores of nodes and edges, and the inputs they are parts of.

Pictures, pages and JSON are made from records; `Explanation` is a record that can write itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from mmgraph.errors import CellError
from mmgraph.modalities.base import Modality, Place, Sound
from mmgraph.typing import EdgeType

if TYPE_CHECKING:
    from PIL import Image as PILImage

#: Neighbours that are shown.
_MOST_DECIDING = 5


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
            that is missing. Their score is 0. Default: True.
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
        text: The text that spans of places count in, for texts. Default: None.
        raw: The raw value (path, array...); None after reading from JSON. Default: None.
        reader: The fitted modality; it turns `raw` into a picture when that is asked for.
            Default: None.
        thumbnail: The picture as a data URI, where the explanation was read from JSON.
            Default: None.
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

    def sound(self) -> Sound | None:
        """Return the sound as mono samples, for clips; None where there is none, or no file."""
        try:
            return None if self.reader is None or self.raw is None else self.reader.sound(self.raw)
        except (CellError, OSError, ValueError):
            return None

    def stills(self) -> Sequence[PILImage.Image]:
        """Return the picture of each node, for videos; none where there is none, or no file."""
        try:
            return () if self.reader is None or self.raw is None else self.reader.stills(self.raw)
        except (CellError, OSError, ValueError):
            return ()

    def picture_if_there(self) -> PILImage.Image | None:
        """Return the same of an old file; None where it was moved or changed since."""
        try:
            return self.picture()
        except (CellError, OSError, ValueError):
            return None


@dataclass(frozen=True)
class Neighbour:
    """One of the training rows that voted.

    Args:
        row: What its table calls it; its place, where the model was saved without names.
        truth: Its class, its labels, or its numbers.
        share: How much of the vote is its; the shares of all neighbours sum to 1.
        influence: How much it changes the explained logit: that of the model, less that of the
            same model which never knew this row. The next nearest then votes in its place, and
            all shares are made anew. Exact for the vote; what the linear model and the graph
            learnt of the row stays.
        inputs: How its texts begin, and its pictures where their files are still there.
    """

    row: str
    truth: Sequence[str | float]
    share: float
    influence: float
    inputs: Sequence[ItemInput] = field(default=(), repr=False)

    @property
    def said(self) -> str:
        """Its class, labels or numbers in one text."""
        texts = [each if isinstance(each, str) else f"{each:.6g}" for each in self.truth]
        return ", ".join(texts) or "(no label)"


@dataclass(frozen=True, eq=False)
class ExplanationRecord:
    r"""What is known of one output of one row: scores of nodes, and weights of edges.

    Scores explain `value`, the logit of the target. For one class of several it is taken
    relative to the mean over the classes, which a softmax ignores:

    .. math::
        f_c(x) = z_c(x) - \frac{1}{C} \sum_k z_k(x)

    For functions, whose logits nobody knows, it is log p / (1 - p) of the probability p.

    Args:
        row: What the table calls the row.
        method: Name of the method.
        task: Kind of the task: "multiclass", "multilabel", "regression" or one of your own.
        outputs: Name of each output: classes, labels, or values.
        predicted: Probability of each output, or the value itself for numbers.
        target: Which output is explained.
        value: What the model says of the target, as a logit (in standard deviations of the
            training targets for numbers).
        base: The same without the inputs, where the scores sum to value - base; else None.
        signed: True where negative scores speak against the target; False where scores say
            only how much a node mattered.
        nodes: All nodes, modality by modality, then by item and index.
        edges: Weights by relation and layer; none where the fusion has no edges to weigh.
            Default: ().
        inputs: What the nodes are parts of. Default: ().
        faithfulness: How true the scores are, by metric, where it was measured; see
            `measure_faithfulness`. Default: None.
        parts: What the "linear" model, the "neighbours" and the "graph" each add to `value`, with
            their biases; parts without weight are not there, and none is where there is no input.
            Default: {}.
        neighbours: The training rows that voted, the nearest first; none where they have no say.
            Default: ().
        interactions: What two modalities say together beyond what each says, in logits, by their
            names; methods that do not tell it leave it empty. Default: {}.
        changes_to: Which output is predicted instead, once all nodes with scores are taken away,
            where the method tells it. Default: None.
        truth: The class, the labels or the numbers that are right, where they are known.
            Default: None.
        decided: The class, the labels or the numbers that are predicted. Default: None.
        vector: Where the row lies among others: its fused vector; without a graph, what its
            neighbours are found by; of functions, the logits. Default: None.
    """

    row: str
    method: str
    task: str
    outputs: Sequence[str]
    predicted: Sequence[float]
    target: int
    value: float
    base: float | None
    signed: bool
    nodes: Sequence[NodeScore]
    edges: Sequence[EdgeScores] = ()
    inputs: Sequence[ItemInput] = ()
    faithfulness: dict[str, float] | None = None
    parts: dict[str, float] = field(default_factory=dict)
    neighbours: Sequence[Neighbour] = ()
    interactions: dict[tuple[str, str], float] = field(default_factory=dict)
    changes_to: int | None = None
    truth: Sequence[str | float] | None = None
    decided: Sequence[str | float] | None = None
    vector: Float[np.ndarray, "channels"] | None = field(default=None, repr=False)

    @property
    def is_right(self) -> bool | None:
        """Whether what is predicted is true; None for numbers, and where that is not known."""
        if self.truth is None or self.decided is None or not self.has_probabilities:
            return None
        return sorted(map(str, self.truth)) == sorted(map(str, self.decided))

    @property
    def scores(self) -> Float[np.ndarray, "nodes"]:
        """Score of each node."""
        return np.array([node.score for node in self.nodes], dtype=np.float64)

    @property
    def modality_scores(self) -> dict[str, float]:
        """Sum of the scores of each modality's nodes."""
        total: dict[str, float] = {}
        for node in self.nodes:
            total[node.modality] = total.get(node.modality, 0.0) + node.score
        return total

    @property
    def deciding(self) -> list[Neighbour]:
        """The five training rows with the most influence on the explained output."""
        return sorted(self.neighbours, key=lambda each: -abs(each.influence))[:_MOST_DECIDING]

    @property
    def has_probabilities(self) -> bool:
        """Whether `predicted` are probabilities; False: numbers in the targets' units."""
        return self.task != "regression"
