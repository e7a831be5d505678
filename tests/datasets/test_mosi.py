import pickle

import numpy as np
import pytest

from mmgraph import DataError
from mmgraph.datasets import load_mosi

STEPS, SIZES = 6, {"text": 4, "audio": 3, "vision": 2}


def split(clips, *, lengths=False, label="labels", byte_ids=True):
    """Make clips of 1, 2, ... steps; padding stands in front, as in MulT, or behind, as in MMSA."""
    random = np.random.default_rng(clips)
    part = {label: np.linspace(-3, 3, clips).reshape((clips,) if lengths else (clips, 1, 1))}
    for name, size in SIZES.items():
        values = np.zeros((clips, STEPS, size), np.float32)
        for clip in range(clips):
            own = random.normal(1, 0.1, (min(clip + 1, STEPS), size))
            place = slice(len(own)) if lengths else slice(STEPS - len(own), STEPS)
            values[clip, place] = own
        part[name] = values
        if lengths and name != "text":
            part[f"{name}_lengths"] = [min(clip + 1, STEPS) for clip in range(clips)]
    names = [f"clip{clip}" for clip in range(clips)]
    part["id"] = [[name.encode(), b"0.5"] for name in names] if byte_ids else names
    return part


def write(path, content):
    path.write_bytes(pickle.dumps(content))
    return path


def test_mult(tmp_path):
    content = {"train": split(4), "valid": split(2), "test": split(3)}
    content["train"]["audio"][2, -1, 0] = -np.inf
    content["train"]["vision"][1] = 0
    frame = load_mosi(write(tmp_path / "mosi_data.pkl", content)).frame
    assert frame["split"].tolist() == ["train"] * 4 + ["val"] * 2 + ["test"] * 3
    assert frame["id"][1] == "clip1_0.5"
    assert [len(each) for each in frame["text"][:4]] == [1, 2, 3, 4]
    np.testing.assert_array_equal(frame["text"][1], content["train"]["text"][1, -2:])
    assert frame["audio"][2][-1, 0] == 0
    assert np.isfinite(frame["audio"][2]).all()
    assert frame["vision"][1] is None
    np.testing.assert_allclose(frame["label"][:4], np.linspace(-3, 3, 4))


def test_mmsa(tmp_path):
    parts = {
        name: split(n, lengths=True, label="regression_labels", byte_ids=False)
        | {"raw_text": np.array(["so good"] * n), "annotations": ["Positive"] * n}
        for name, n in (("train", 3), ("valid", 2), ("test", 2))
    }
    frame = load_mosi(write(tmp_path / "unaligned_50.pkl", parts)).frame
    assert frame["raw_text"][0] == "so good"
    assert frame["id"][1] == "clip1"
    assert [len(each) for each in frame["vision"][:3]] == [1, 2, 3]
    np.testing.assert_array_equal(frame["audio"][1], parts["train"]["audio"][1, :2])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["train"].pop("audio"), "train: expected the key audio, got"),
        (lambda c: c["train"].pop("labels"), "train: expected the key labels"),
        (lambda c: c["test"].update(vision=np.zeros((3, 2))), r"test: expected vision as \[clips"),
        (lambda c: c["test"].update(text=np.zeros((1, 2, 4))), "for 2 clips, got"),
        (lambda c: c["test"].update(id=["a"]), "as many of each"),
        (lambda c: c.update(valid=[1]), "valid: expected a dict of arrays, got list"),
    ],
)
def test_what_is_lacking_is_named(tmp_path, spoil, message):
    content = {"train": split(3), "valid": split(2), "test": split(2)}
    spoil(content)
    with pytest.raises(DataError, match=message):
        load_mosi(write(tmp_path / "data.pkl", content))


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}])
def test_other_pickles(tmp_path, content):
    with pytest.raises(DataError, match="expected the keys train, valid and test"):
        load_mosi(write(tmp_path / "data.pkl", content))
