"""What an explanation is: scores of a sample's nodes, and weights of the edges between them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.explain.record import ExplanationRecord
from mmgraph.system.atomic import written_at_once

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Explanation(ExplanationRecord):
    """Why the model gave one row one output; fields as in `ExplanationRecord`."""

    def with_faithfulness(self, faithfulness: dict[str, float]) -> Explanation:
        """Return the same explanation with what was measured of it."""
        return replace(self, faithfulness=faithfulness)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each node: modality, item, index, label, box, span, score."""
        import pandas as pd

        columns = ["modality", "item", "index", "label", "box", "span", "score"]
        rows = [
            (n.modality, n.item, n.index, n.place.label, n.place.box, n.place.span, n.score)
            for n in self.nodes
        ]
        return pd.DataFrame(rows, columns=columns)

    def edges_to_frame(self) -> pd.DataFrame:
        """Return a row for each edge, layer and head.

        Columns relation, layer, head, source, target (positions in `nodes`, which are rows of
        `to_frame`), source_label, target_label, weight.
        """
        import pandas as pd

        label = np.array([node.place.label for node in self.nodes], dtype=object)
        parts = [
            pd.DataFrame(
                {
                    "relation": " ".join(edges.relation),
                    "layer": edges.layer,
                    "head": np.tile(np.arange(edges.weight.shape[1]), len(edges.source)),
                    "source": edges.source.repeat(edges.weight.shape[1]),
                    "target": edges.target.repeat(edges.weight.shape[1]),
                    "weight": edges.weight.ravel(),
                }
            )
            for edges in self.edges
        ]
        columns = ["relation", "layer", "head", "source", "target", "weight"]
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
        ends = {end: label[frame[end].to_numpy(dtype=np.int64)] for end in ("source", "target")}
        frame.insert(5, "source_label", ends["source"])
        frame.insert(6, "target_label", ends["target"])
        return frame

    def neighbours_to_frame(self) -> pd.DataFrame:
        """Return a row for each training row that voted, the nearest first.

        Columns row, truth (its class, labels or numbers), share, influence, and the text or the
        columns of each modality, as far as the model keeps them.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for each in self.neighbours:
            said = each.truth[0] if len(each.truth) == 1 else list(each.truth)
            texts = {item.modality: item.text for item in each.inputs if item.text is not None}
            known = {"row": each.row, "truth": said, "share": each.share}
            rows.append({**known, "influence": each.influence, **texts})
        return pd.DataFrame(rows, columns=None if rows else ["row", "truth", "share", "influence"])

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return the graph with scores and weights, for networkx and what reads its formats.

        Nodes are named by their position in `nodes`, and carry `modality`, `item`, `index`,
        `label` and `score`. Edges carry `relation`, `layer` and `weight`, the mean over heads.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(row=self.row, method=self.method, target=self.outputs[self.target])
        for number, node in enumerate(self.nodes):
            said = {"modality": node.modality, "item": node.item, "index": node.index}
            graph.add_node(number, **said, label=node.place.label, score=node.score)
        for edges in self.edges:
            said = {"relation": " ".join(edges.relation), "layer": edges.layer}
            ends = zip(edges.source.tolist(), edges.target.tolist(), strict=True)
            for (source, target), weight in zip(ends, edges.weight.mean(1), strict=True):
                graph.add_edge(source, target, **said, weight=float(weight))
        return graph

    def to_json(self, path: str | Path | None = None, *, pictures: bool = True) -> dict[str, Any]:
        """Return everything as what JSON holds, and write it where a path is given.

        The schema is that of `mmgraph.explain.schema`.

        Args:
            path: File to write.
            pictures: Embed thumbnails of the images.
        """
        from mmgraph.explain.schema import to_json

        described = to_json(self, pictures=pictures)
        if path is not None:
            text = json.dumps(described, ensure_ascii=False, allow_nan=False)
            with written_at_once(Path(path)) as draft:
                draft.write_text(text, "utf-8", errors="backslashreplace")
        return described

    @classmethod
    def from_json(cls, source: dict[str, Any] | str | Path) -> Explanation:
        """Return an explanation from what `to_json` returned, or from the file it wrote.

        Raises:
            DataError: It is none.
        """
        from mmgraph.explain.schema import read_json

        record = read_json(source)
        return cls(**{field.name: getattr(record, field.name) for field in fields(record)})

    def plot(self) -> Figure:
        """Draw pictures and texts shaded by score, see `mmgraph.explain.plot_explanation`."""
        from mmgraph.explain.drawing import plot_explanation

        return plot_explanation(self)

    def __str__(self) -> str:
        """Say what was predicted, what each part of the model says, and which rows decided."""
        from mmgraph.explain.wording import describe

        return describe(self)

    __repr__ = __str__

    def to_html(self, path: str | Path) -> None:
        """Write a page to look around in, see `mmgraph.explain.to_html`.

        Args:
            path: File to write.
        """
        from mmgraph.explain.html import to_html

        to_html(self, path)

    def _repr_html_(self) -> str:
        """Return the page as notebooks show it."""
        from mmgraph.explain.html import make_frame

        return make_frame(self)
