"""Columns, categories and texts of any characters: trained with, saved and read again."""

import pandas as pd
import pytest

from mmgraph import DataError, Tabular, Text, load

NAMES = ["type", "", "x" * 300, "a\nb", "\x1b[31m", "\udc80c", "a/b"]
CELLS = ["a\ud800b", "c d", "\x1b[31m", "e\0", "\udfff", "é", "e\u0301"]


def make_frame(columns, cells):
    rows = [
        [cells[(row + place) % len(cells)] for place in range(len(columns))] for row in range(24)
    ]
    return pd.DataFrame(rows, columns=pd.Index(columns, dtype=object), dtype=object)


@pytest.mark.parametrize("place", ["model", "model.mmgraph"])
def test_names_and_cells_of_any_characters(make_classifier, tmp_path, place):
    frame = make_frame(NAMES, CELLS)
    texts = [Text(name, features=None) for name in NAMES[:-1]]
    table = Tabular(NAMES[-1:], kinds={NAMES[-1]: "category"})
    labels = pd.Series(["r", "g"] * 12, name="label \ud800")
    clf = make_classifier([*texts, table], epochs=1, refit=False).fit(frame, labels)
    clf.save(tmp_path / place)
    again = load(tmp_path / place)
    assert again.predict(frame).tolist() == clf.predict(frame).tolist()
    assert again.feature_names_in_.tolist() == NAMES
    assert again.facts_["label"] == labels.name
    found = again.modalities_[-1].columns_[0]
    assert len({*found.categories, *found.rare}) == len(CELLS)  # none was merged


@pytest.mark.parametrize("name", ["type", "a.b", "a/b", "\0", "x" * 300])
def test_names_that_no_modality_can_have(make_classifier, name):
    frame = make_frame(["text"], CELLS)
    with pytest.raises(DataError, match=r"no modality can be called .*; give it another name="):
        make_classifier([Text("text", features=None, name=name)]).fit(frame, ["r", "g"] * 12)
