"""What is fitted is not lost: what a save survives, and what unpacked files outlive."""

import os
import pickle
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mmgraph import DataError, Text, load
from mmgraph.saving import archive, rescue
from mmgraph.saving.model import check_model_place

posix = pytest.mark.skipif(sys.platform == "win32", reason="forks and links")


@pytest.fixture(scope="module")
def texts():
    """Return a table without pictures."""
    import pandas as pd

    return pd.DataFrame({"text": ["red rose", "blue sky"] * 10, "label": ["warm", "cold"] * 10})


@pytest.fixture
def fitted(texts, make_classifier):
    clf = make_classifier([Text("text", features=None)], epochs=1, refit=False)
    return clf.fit(texts, texts["label"])


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return a folder that holds all temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def unpacked_in(folder):
    return list(folder.glob("mmgraph-unpacked-*"))


def test_unpacked_files_go_with_the_last_model(fitted, temporary, tmp_path):
    fitted.save(tmp_path / "model.mmgraph")
    one, other = load(tmp_path / "model.mmgraph"), load(tmp_path / "model.mmgraph")
    assert len(unpacked_in(temporary)) == 1
    again = pickle.loads(pickle.dumps(one))
    del one, other
    assert len(unpacked_in(temporary)) == 1
    del again
    assert not unpacked_in(temporary)


@posix
def test_forks_leave_unpacked_files_and_kills_are_swept(fitted, texts, temporary, tmp_path):
    path = tmp_path / "model.mmgraph"
    fitted.save(path)
    for killed in (False, True):
        child = os.fork()
        if not child:
            archive._unpacked.clear()
            held = archive.unpacked(path)  # one of the fork's own
            if killed:
                os.kill(os.getpid(), signal.SIGKILL)
            held.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert len(unpacked_in(temporary)) == killed
    model = load(path)
    (folder,) = unpacked_in(temporary)
    child = os.fork()
    if not child:
        model.modalities_[0].files_.release()  # as a fork does that ends by sys.exit
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.is_dir()
    assert len(model.predict(texts)) == len(texts)


@posix
def test_a_link_to_a_model_is_kept(fitted, tmp_path):
    fitted.save(tmp_path / "v1")
    (tmp_path / "current").symlink_to("v1")
    before = (tmp_path / "v1").stat().st_ino
    fitted.save(tmp_path / "current", overwrite=True)
    assert (tmp_path / "current").is_symlink()
    assert (tmp_path / "v1").stat().st_ino != before
    assert load(tmp_path / "current").classes_.tolist() == ["cold", "warm"]


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(fitted, tmp_path, monkeypatch):
    from mmgraph.saving import model

    path, read = tmp_path / "model", model._read_config
    fitted.save(path)
    other = load(path)
    other.fitted_params_["random_state"] = 7
    calls = []

    def replaced(path, **options):
        config = read(path, **options)
        calls.append(path)
        if len(calls) == 1:
            other.save(path, overwrite=True)
        return config

    monkeypatch.setattr(model, "_read_config", replaced)
    assert load(path).random_state == 7


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 300, "C:x", "\ud800", "a\0b"])
def test_names_that_cannot_be_saved_are_refused_before_training(texts, make_classifier, name):
    clf = make_classifier([Text("text", features=None, name=name)])
    with pytest.raises(DataError, match="no modality can be called"):
        clf.fit(texts, texts["label"])


def test_labels_that_cannot_be_written_are_refused_before_training(texts, make_classifier):
    clf = make_classifier([Text("text", features=None)])
    for label in ("warm \ud800", "cold \0 <b>"):
        with pytest.raises(DataError, match="expected labels that can be written"):
            clf.fit(texts, [label, "other"] * 10)


def test_labels_of_any_text_are_saved(texts, make_classifier, tmp_path):
    labels = ["warm \x1b[31m\u202e", "cold <b>|`"] * 10
    clf = make_classifier([Text("text", features=None)], epochs=1, refit=False)
    clf.fit(texts, labels).save(tmp_path / "model.mmgraph")
    loaded = load(tmp_path / "model.mmgraph")
    assert loaded.classes_.tolist() == sorted(set(labels))
    np.testing.assert_array_equal(loaded.predict(texts), clf.predict(texts))


def test_a_failed_save_says_that_the_model_is_in_memory(fitted, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|exists") as caught:
        fitted.save(tmp_path / "file" / "model")
    assert "still in memory" in caught.value.__notes__[0]


class Fitted:
    """Can be saved in new folders within the allowed ones, as if the disk were full elsewhere."""

    def __init__(self, *allowed):
        self.allowed = allowed

    def save(self, path, *, overwrite=False):
        if path.parent not in self.allowed or not path.is_dir():
            raise OSError(28, "No space left on device")
        (path / "config.json").write_text("{}")


def test_what_cannot_be_saved_is_kept_elsewhere(tmp_path, temporary):
    path = tmp_path / "models" / "model"
    path.parent.mkdir()
    with pytest.raises(OSError, match=r"No space.*models.model-rescued-\w+: move it"):
        rescue.save_or_rescue(Fitted(path.parent, temporary), path, overwrite=False)
    with pytest.raises(OSError, match=r"No space.*temporary.model-rescued-\w+: move it"):
        rescue.save_or_rescue(Fitted(temporary), path, overwrite=False)
    (kept,) = temporary.iterdir()
    assert os.listdir(kept) == ["config.json"]
    with pytest.raises(OSError, match="the model is lost"):
        rescue.save_or_rescue(Fitted(), path, overwrite=False)
    assert list(temporary.iterdir()) == [kept]


def test_places_are_refused_before_the_work(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("important")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="not a saved model"):
        check_model_place(tmp_path / "notes", overwrite=True)
    for place in (tmp_path / "file" / "m", tmp_path / ("x" * 300), Path("/proc/no/m")):
        with pytest.raises(OSError, match="cannot be written"):
            check_model_place(place, overwrite=False)
    check_model_place(tmp_path / "new" / "er" / "m.mmgraph", overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["file", "notes"]
