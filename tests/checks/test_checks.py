"""What a check finds of faults that were put into a table, and of none in a clean one."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage

from mmgraph import DataError, Features, Image, Tabular, Text, check
from mmgraph.checks.duplicates import components
from mmgraph.checks.fingerprints import alike_pictures, alike_texts, normal_text, thumbnails
from mmgraph.checks.labels import confident_errors
from mmgraph.checks.leaks import _tell

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
MODALITIES = [Image("photo", backbone=None, size=16), Text("title", features=None)]
WORDS = ["oak", "river", "lamp", "stone", "cloud", "paper", "bread", "glass", "sand", "iron"]


def drawing(random, color):
    """Return a picture of random patches, in which a colour is common."""
    patches = random.integers(0, 256, (8, 8, 3))
    patches[random.random((8, 8)) < 0.5] = color
    return np.kron(patches, np.ones((4, 4, 1))).astype(np.uint8)


def make_table(count=90):
    """Return a table without faults: colour and title say the label, neither always."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(count):
        label = list(COLORS)[number % 3]
        said = label if random.random() < 0.6 else random.choice(list(COLORS))
        rows.append(
            {
                "photo": drawing(random, COLORS[label]),
                "title": " ".join([*random.choice(WORDS, 6), said, f"n{number}"]),
                "size": float(random.normal()),
                "label": label,
                "split": "test" if number % 5 == 0 else "train",
            }
        )
    return pd.DataFrame(rows, index=[f"r{number}" for number in range(count)])


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def clean(table):
    return check(table, "label", modalities=MODALITIES)


def test_a_clean_table_has_no_errors(clean):
    assert clean.errors == []
    assert not clean.of("leak")
    assert not clean.of("duplicate")
    assert {each.kind for each in clean.findings} >= {"classes", "length"}


def test_false_labels_come_first(table):
    random = np.random.default_rng(1)
    wrong = random.choice(len(table), 6, replace=False)
    turned = table.copy()
    for row in wrong:
        others = [each for each in COLORS if each != table["label"].iloc[row]]
        turned.iloc[row, 3] = others[0]
    found = check(turned, "label", modalities=MODALITIES).of("label")
    assert len({each.rows[0] for each in found[:12]} & set(wrong)) >= 4
    assert found[0].suggestion == table["label"].iloc[found[0].rows[0]]
    assert found[0].score > 0


def test_copies_in_the_other_split(table):
    row = table[table["split"] == "train"].iloc[[3, 4]]
    file = io.BytesIO()
    PILImage.fromarray(row["photo"].iloc[1]).resize((48, 48)).save(
        file, "JPEG", quality=95, subsampling=0
    )
    copies = row.assign(
        split="test",
        photo=pd.Series([row["photo"].iloc[0], file.getvalue()], index=row.index, dtype=object),
        title=[row["title"].iloc[0].upper(), f"{row['title'].iloc[1]}!"],
    )
    found = check(pd.concat([table, copies]), "label", modalities=MODALITIES)
    pairs = [each.rows for each in found.errors]
    originals = [table.index.get_loc(name) for name in row.index]
    assert pairs == [(originals[0], len(table)), (originals[1], len(table) + 1)]
    assert "they lie in test, train" in found.errors[0].message
    assert {each.kind for each in found.errors} == {"duplicate"}


def test_copies_within_a_split_and_with_other_labels(table):
    copy = table.iloc[[1]]
    found = check(pd.concat([table, copy]), "label", modalities=MODALITIES).of("duplicate")
    assert [each.severity for each in found] == ["note"]
    other = "red" if copy["label"].iloc[0] != "red" else "blue"
    changed = pd.concat([table, copy.assign(label=other)])
    [finding] = check(changed, "label", modalities=MODALITIES).of("duplicate")
    assert finding.severity == "warning"
    assert "labels differ" in finding.message


def test_groups_stand_for_splits(table):
    grouped = table.drop(columns="split").assign(series=range(len(table)))
    grouped = pd.concat([grouped, grouped.iloc[[1]].assign(series=-1)])
    [finding] = check(grouped, "label", groups="series", modalities=MODALITIES).errors
    assert "of several groups" in finding.message
    grouped.iloc[-1, -1] = 1
    assert not check(grouped, "label", groups="series", modalities=MODALITIES).errors


@pytest.mark.parametrize(
    ("leak", "severity"),
    [
        (lambda label, n: f"{label[0]}x{n}", "error"),
        (lambda label, n: f"archive/{label}/{n}.svg", "error"),
        (lambda label, n: {"red": 0, "green": 10, "blue": 20}[label] + n % 7, "error"),
        (lambda label, n: None if label == "red" else n % 2, None),
        (lambda label, n: label if n % 10 else "red", "warning"),
        (lambda label, n: n, None),
    ],
)
def test_leaks(table, leak, severity):
    values = [leak(label, n) for n, label in enumerate(table["label"])]
    frame = table.assign(extra=pd.Series(values, index=table.index, dtype=object))
    found = check(frame, "label", modalities=MODALITIES).of("leak")
    assert [(each.column, each.severity) for each in found] == (
        [] if severity is None else [("extra", severity)]
    )


def test_what_is_left_out_tells_a_leak():
    random = np.random.default_rng(0)
    code, fold = random.integers(0, 3, 300), np.arange(300) % 5
    accuracy, _ = _tell([f"id {number}" for number in range(300)], code, fold)
    assert accuracy < 0.45
    accuracy, how = _tell([f"{label} {random.integers(10**6)}" for label in code], code, fold)
    assert accuracy == 1
    assert "word" in how


def test_unreadable_values(table, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no picture")
    broken = table.copy()
    broken["photo"] = broken["photo"].astype(object)
    broken.iat[7, 0] = str(tmp_path / "broken.png")
    broken.iat[9, 0] = str(tmp_path / "nowhere.png")
    found = check(broken, "label", modalities=MODALITIES)
    assert [(each.rows, each.column) for each in found.errors] == [((7,), "photo"), ((9,), "photo")]
    assert "cannot be decoded" in found.errors[0].message


def test_missing_values_and_labels(table):
    frame = table.copy()
    frame.iloc[::3, frame.columns.get_loc("size")] = None  # all of one class
    frame.iloc[4, frame.columns.get_loc("label")] = None
    found = check(frame, "label", modalities=[*MODALITIES, Tabular(["size"])])
    missing = found.of("missing")
    assert missing[0].rows == (4,)
    assert "tell the label" in next(each for each in missing if each.column == "size").message
    # Places are those of the table that came.
    assert all(4 not in each.rows for each in found.of("label"))


def test_rare_classes(table):
    frame = table.assign(label=["lone", *table["label"][1:]])
    found = check(frame, "label", modalities=MODALITIES).of("classes")
    assert found[0].severity == "note"
    assert found[1].severity == "error"
    assert found[1].rows == (0,)
    assert any("no row of the split 'train'" in each.message for each in found)


def test_numbers_have_no_classes(table):
    frame = table.drop(columns="label")
    found = check(frame, "size", modalities=MODALITIES)
    assert not found.of("label")
    assert not found.of("leak")


def test_inputs_are_inferred(table):
    found = check(table.drop(columns="photo"), "label")
    assert [type(each) for each in found.modalities] == [Text, Tabular]


def test_errors(table):
    with pytest.raises(DataError, match="expected the column 'kind'"):
        check(table, "kind")
    with pytest.raises(DataError, match="expected the column 'series'"):
        check(table, "label", groups="series")
    with pytest.raises(DataError, match="expected labels"):
        check(table.assign(label=None), "label")


def test_values_that_very_many_rows_share(table):
    # One picture for all rows makes none a duplicate, but equal rows are found all the same.
    frame = table.copy()
    frame["photo"] = [frame["photo"].iloc[0]] * len(frame)
    assert not check(frame, "label", modalities=MODALITIES).of("duplicate")
    [finding] = check(
        pd.concat([frame, frame.iloc[[3]].assign(split="test")]), "label", modalities=MODALITIES
    ).errors
    assert finding.rows == (3, len(frame))


def test_rows_of_columns_are_equal_by_chance(table):
    frame = table[["label", "split"]].assign(kind=[n % 4 for n in range(len(table))])
    found = check(frame, "label", modalities=[Tabular(["kind"])]).of("duplicate")
    assert len(found) == 4
    assert {each.severity for each in found} == {"warning"}


def test_long_arrays_are_told_apart(table):
    vectors = [np.arange(5000.0) for _ in range(len(table))]
    vectors[0][2500] = -1
    vectors[1][2500] = -2
    frame = table[["label"]].assign(vector=pd.Series(vectors, index=table.index))
    found = check(frame[:2], "label", modalities=[Features("vector")]).of("duplicate")
    assert not found


def test_labels_that_cannot_be_checked_are_told(table):
    modality = Text("title", features="nowhere")
    [finding] = check(table, "label", modalities=[modality]).of("label")
    assert finding.severity == "note"
    assert "not checked" in finding.message


EVIL = "=1+1 <script>alert(1)</script>\x1b[2J"


def test_pages_and_tables_are_inert(table, tmp_path):
    frame = pd.concat([table, table.iloc[[1]].assign(split="test")])
    frame["title"] = [EVIL, *frame["title"][1:]]
    frame = frame.rename(columns={"size": EVIL})
    frame.iloc[::3, 2] = None
    found = check(frame, "label", modalities=MODALITIES)
    found.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("data:image/jpeg") >= 2
    found.to_csv(tmp_path / "findings.csv")
    written = pd.read_csv(tmp_path / "findings.csv")
    assert (written["column"].dropna() != EVIL).all()
    assert {"r1"} <= set(written["row"])
    assert "\x1b" not in repr(found)
    assert len(repr(found).splitlines()) <= 21
    assert found._repr_html_().startswith("<p>")
    assert found.to_dict()["errors"] == len(found.errors) == 1


@settings(max_examples=20)
@given(st.lists(st.text(max_size=30), max_size=8))
def test_equal_texts_are_alike(texts):
    normal = [normal_text(text) for text in texts]
    pairs = {tuple(pair) for pair in alike_texts(normal).tolist()}
    for one in range(len(normal)):
        for other in range(one + 1, len(normal)):
            if normal[one] and normal[one] == normal[other]:
                assert (one, other) in pairs


def test_pictures_that_are_alike():
    random = np.random.default_rng(0)
    one, other = drawing(random, COLORS["red"]), drawing(random, COLORS["red"])
    blue = PILImage.new("RGB", (5, 5), COLORS["blue"])
    smaller = PILImage.fromarray(one).resize((48, 48))
    cells = [[one], [other], [], [smaller], [blue], ["nowhere.png"], [blue.resize((9, 9))]]
    small = thumbnails(Image("photo"), cells)
    assert np.isnan(small).any(1).tolist() == [False, False, True, False, False, True, False]
    assert alike_pictures(small).tolist() == [[0, 3], [4, 6]]


def test_components_are_apart():
    pairs = np.array([[0, 1], [4, 6], [1, 3]])
    assert components(pairs, 8) == [(0, 1, 3), (4, 6)]
    assert components(np.zeros((0, 2), int), 3) == []


def test_confident_errors_by_hand():
    p = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6], [0.45, 0.55]])
    # The means of the labelled rows are .59 for the first class and .55 for the second, so that
    # the fourth and the fifth row belong to the other class; the last one hardly does.
    code = np.array([0, 0, 1, 1, 0, 0])
    usual = [p[code == j, j].mean() for j in (0, 1)]
    assert usual == pytest.approx([0.5875, 0.55])
    count = ((p >= usual) & (np.arange(2) != code[:, None])).any(1).sum()
    assert len(confident_errors(p, code)) == count
    assert confident_errors(p, code)[:2] == [(3, 0), (4, 1)]
