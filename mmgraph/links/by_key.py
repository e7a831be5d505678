"""Links by keys: a column names other rows by what stands in their key column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

from mmgraph.links.base import (
    MOST,
    Edges,
    FoundLinks,
    LinkKind,
    RowKeys,
    check_most,
    first_places,
    some_of,
)


@dataclass(frozen=True)
class Link(LinkKind):
    """A column whose cells name other rows: a reply's parent, the parts of a product, citations.

    There are two relations: `column`, from a row to those that it names, and `column_reversed`, to
    those that name it. Cells may hold one key, a list of keys, or nothing. Keys that no row has
    are counted and left out, as are links of a row to itself and links that are there twice.

    Args:
        column: The column that names other rows.
        key: The column with each row's own key. Of training rows with the same key the first one
            is linked to.
        most: Most rows of each relation that a row sees; of more, some. Default: 32.

    Raises:
        ValueError: `most` is no number of rows.

    Example:
        >>> from mmgraph import MultimodalGraphClassifier
        >>> clf = MultimodalGraphClassifier(links=[Link("parent_id", key="id")])
    """

    column: str
    _: KW_ONLY
    key: str
    most: int = MOST

    def __post_init__(self) -> None:
        check_most(self, most=self.most)

    @property
    def columns(self) -> list[str]:
        """The column that names rows, and the one that they are named by."""
        return [self.column, self.key]

    @property
    def relations(self) -> list[str]:
        """From a row to those it names, and to those that name it."""
        return [self.column, f"{self.column}_reversed"]

    def find(self, rows: RowKeys) -> FoundLinks:
        """Return the links in both directions."""
        naming = rows.cells[self.column]
        return link_by_names(self.relations, naming, rows, self.key, self.most)


def link_by_names(
    relations: list[str],
    naming: Sequence[Sequence[str]],
    rows: RowKeys,
    key: str,
    most: int,
) -> FoundLinks:
    """Return links in both directions, given the keys that each row names.

    Args:
        relations: Names of both relations.
        naming: For each row the keys that it names, by its number.
        rows: All rows.
        key: The column with each row's own key.
        most: Most rows of each relation that a row sees.
    """
    places = first_places(rows.cells[key])
    keys = [rows.first(key, row) for row in range(rows.length)]
    #: The row that stands for each: the first one with its key.
    standing = [row if name is None else places[name] for row, name in enumerate(keys)]
    named_by: dict[int, list[int]] = {}
    dangling = 0
    for row in range(rows.length):
        names = naming[row]
        if row >= rows.known:
            dangling += sum(name not in places for name in names)
        if standing[row] == row:
            for place in _places(names, places, row):
                named_by.setdefault(place, []).append(row)

    def seen(row: int, found: list[int]) -> list[int]:
        known = [each for each in found if each < rows.known]
        return some_of(known, found[len(known) :], most, keys[row])

    forward = [
        (row, place, 0)
        for row in rows.asked
        for place in seen(row, sorted(_places(naming[row], places, standing[row])))
    ]
    back = [
        (row, place, 0)
        for row in rows.asked
        for place in seen(row, [each for each in named_by.get(standing[row], ()) if each != row])
    ]
    said = [f"{dangling} keys name no row"] if dangling else []
    repeated = sum(standing[row] != row for row in rows.asked if standing[row] >= rows.known)
    said += [f"{repeated} rows have a key that a row before them has"] if repeated else []
    found = [Edges.of(name, each) for name, each in zip(relations, (forward, back), strict=True)]
    return FoundLinks(found, ", ".join(said))


def _places(names: Sequence[str], places: dict[str, int], own: int) -> Iterator[int]:
    """Yield the rows that some keys name, each once, but for the row itself."""
    yield from dict.fromkeys(
        places[name] for name in names if name in places and places[name] != own
    )
