"""A saved model's checksums: any change of any file is found, and old models have none."""

import hashlib
import json
import random

import pytest

from mmgraph import DataError, Text, load

SUMS = "SHA256SUMS"


@pytest.fixture
def saved(frame, make_classifier, tmp_path):
    clf = make_classifier([Text("text", features=None)], epochs=1, refit=False)
    clf.fit(frame, frame["label"]).save(tmp_path / "model")
    return tmp_path / "model"


#: Files that people may edit or delete.
FREE = ("README.md", "training_rows.json")


def files(folder):
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if path.name not in (SUMS, *FREE)]


def test_each_file_has_its_sum(saved):
    lines = (saved / SUMS).read_text().splitlines()
    expected = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(saved).as_posix()}"
        for path in files(saved)
    ]
    assert lines == expected
    assert len(lines) == 4


def test_a_changed_byte_of_any_file_is_found(saved):
    draw = random.Random(0)
    for path in files(saved):
        before = path.read_bytes()
        place = draw.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        with pytest.raises(DataError, match="damaged"):
            load(saved)
        path.write_bytes(before)
    assert load(saved).classes_.tolist() == ["blue", "green", "red"]


def test_another_possible_value_is_found_too(saved):
    path = saved / "config.json"
    config = json.loads(path.read_text())
    config["targets"]["classes"] = ["red", "green", "blue"]
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"config\.json: damaged.*remove SHA256SUMS"):
        load(saved)
    (saved / SUMS).unlink()
    assert load(saved).classes_.tolist() == ["red", "green", "blue"]


def test_the_card_may_be_edited(saved):
    (saved / "README.md").write_text("# Our model")
    load(saved)


@pytest.mark.parametrize(
    "line", ["", "ab", "00  ../../etc/passwd", "00  /etc/passwd", "00  " + "x" * 9000]
)
def test_sums_that_are_none_are_refused(saved, line):
    (saved / SUMS).write_text((saved / SUMS).read_text() + line + "\n")
    with pytest.raises(DataError, match="damaged") as caught:
        load(saved)
    assert len(str(caught.value)) < 500


def test_sums_without_the_config_are_refused(saved):
    (saved / SUMS).write_text("")
    with pytest.raises(DataError, match=r"no checksum of config\.json"):
        load(saved)
