"""From the values of a table's columns to nodes."""

from __future__ import annotations

from torch import nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes

#: Category ids that belong to no column: of a number, and of a value that is not known.
NO_CATEGORY, OTHER_CATEGORY, FIRST_CATEGORY = 0, 1, 2


class ColumnEncoder(nn.Module):
    r"""One node a value: a line in the value for numbers, an embedding for categories.

    These are the feature tokens of the FT-Transformer (https://arxiv.org/abs/2106.11959),
    normalised.

    .. math::
        x_j = \mathrm{LayerNorm}(b_j + \textstyle\sum_k v_{jk} W_{jk} + \mathrm{Embedding}(c_j))

    for value v and category c of column j. Category 0 stands for none, and its embedding is
    zero; 1 stands for those that are not known, and its embedding begins as zero, for there may
    be none in training.

    Args:
        columns: Number of columns.
        channels: Features of a node.
        width: Numbers that a value consists of; 0 where there are only categories. Default: 1.
        categories: Number of category ids of all columns together; 0 where there are none.
            Default: 0.

    Shapes:
        Items with `column` [flat], `number` [flat, width] and `category` [flat] -> Nodes of
        the given channels
    """

    def __init__(self, columns: int, channels: int, *, width: int = 1, categories: int = 0) -> None:
        super().__init__()
        self.width, self.channels = width, channels
        self.bias = _embedding(columns, channels, channels)
        self.weight = _embedding(columns, width * channels, channels) if width else None
        self.embedding = _embedding(categories, channels, channels) if categories else None
        if self.embedding is not None:
            self.embedding.padding_idx = NO_CATEGORY
            nn.init.zeros_(self.embedding.weight[:FIRST_CATEGORY])
        self.norm = nn.LayerNorm(channels)

    def forward(self, items: Items) -> Nodes:
        """Return a node for every value."""
        column = items.data["column"]
        x = self.bias(column)  # [flat, channels]
        if self.weight is not None:
            weight = self.weight(column).view(-1, self.width, self.channels)
            number = items.data["number"].to(weight.dtype).unsqueeze(1)
            x = x + (number @ weight).squeeze(1)
        if self.embedding is not None:
            x = x + self.embedding(items.data["category"])
        return items.nodes(self.norm(x))


def _embedding(count: int, size: int, channels: int) -> nn.Embedding:
    """Return vectors whose parts have a length of 1 each, on average."""
    embedding = nn.Embedding(count, size)
    nn.init.normal_(embedding.weight, std=channels**-0.5)
    return embedding
