"""Drawings with sentences, each kind of which needs another relation between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.made.statements import STATEMENTS, Row, earlier_turn
from mmgraph.errors import unknown_name
from mmgraph.links.sequence import Sequence
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of relations, the simplest first.
RELATION_KINDS = (*STATEMENTS, "earlier_turn")
#: Turns of a dialogue.
_TURNS = 4


def make_relations(kind: str, n: int = 20_000, *, seed: int = 0) -> MultimodalDataset:
    """Return drawings with sentences, which a model understands if it sees one kind of relation.

    What each kind takes is known, so that a model's accuracy says which relations it sees:

    | kind | what a row asks | what it takes |
    |---|---|---|
    | `one_modality` | which colour does the sentence name? | one modality |
    | `additive` | drawn and announced dots: more than five? | the sum of both |
    | `exclusive_or` | a circle with "apple", or a square with "pear"? | a product of both |
    | `binding` | "a red circle and a blue square"? | which goes with which |
    | `spatial` | "the circle is left of the square"? | where things are |
    | `counting` | "there are more circles than squares"? | how many there are |
    | `odd_one_out` | of three drawings: "the odd one out is red"? | drawings seen together |
    | `earlier_turn` | "is it my color?", which the first turn stated | rows seen together |

    From `exclusive_or` on, the answer is drawn before drawing and words, so that neither of them
    tells it, nor a sum of what each tells: a model without interactions stays at one half.

    Args:
        kind: One of the above.
        n: Rows, of which a tenth each is for validation and test. Default: 20000.
        seed: What random numbers start from. Default: 0.

    Returns:
        Columns image (PNG bytes of 64 × 64 pixels; lists of three for `odd_one_out`; None where a
        turn has none), text, label ("yes" or "no"; a colour for `one_modality`; "stated" for the
        first turn of a dialogue) and split. `earlier_turn` has dialogue (the group) and turn, too,
        and its `links`.

    Raises:
        ValueError: There is no such kind, or fewer than 10 rows are asked for.

    Example:
        >>> data = make_relations("spatial", n=100)
        >>> data.frame["text"][0], data.frame["label"][0]
        ('the triangle is right of the square', 'yes')
    """
    import pandas as pd

    if kind not in RELATION_KINDS:
        raise ValueError(unknown_name("kind of relation", kind, RELATION_KINDS))
    if n < 10:
        raise ValueError(f"n: expected at least 10 rows, of which one is for validation; got {n}")
    random = np.random.default_rng([seed, RELATION_KINDS.index(kind)])
    told = kind == "earlier_turn"
    rows = _dialogues(n, random) if told else [STATEMENTS[kind](random) for _ in range(n)]
    frame = pd.DataFrame(
        {
            "image": [_cell(row.images) for row in rows],
            "text": [row.text for row in rows],
            "label": [row.label for row in rows],
            "split": _splits(n, _TURNS if told else 1),
        }
    )
    if told:
        frame["dialogue"] = frame.index // _TURNS
        frame["turn"] = frame.index % _TURNS
    return MultimodalDataset(
        name=f"relations: {kind}",
        frame=frame,
        # Drawings and words are few and simple, and are learnt from scratch in minutes.
        modalities=[
            Image("image", size=64, backbone=None, rotation=0.0, flip=False, color=0.0),
            Text("text", features=None),
        ],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        groups="dialogue" if told else None,
        links=[Sequence("dialogue", order="turn", future=0)] if told else (),
        licence="none: made by mmgraph",
        citation="mmgraph.datasets.make_relations",
        homepage="none: made by mmgraph",
    )


def _dialogues(n: int, random: np.random.Generator) -> list[Row]:
    rows: list[Row] = []
    while len(rows) < n:
        rows += earlier_turn(random, _TURNS)
    return rows[:n]


def _cell(images: list[bytes]) -> bytes | list[bytes] | None:
    if len(images) < 2:
        return images[0] if images else None
    return images


def _splits(n: int, together: int) -> pd.Series:
    """Return eight tenths "train", one "val" and one "test", so many rows in a row together."""
    import pandas as pd

    tenth = np.arange(n) // together % 10
    return pd.Series(np.select([tenth == 8, tenth == 9], ["val", "test"], "train"))
