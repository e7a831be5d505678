import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tolerance import SMALL, rounding

from mmgraph import DataError, Image, Text, load
from mmgraph.saving import archive


@pytest.fixture
def fitted(frame, make_classifier):
    clf = make_classifier([Text("text", features=None)], epochs=1, refit=False)
    return clf.fit(frame, frame["label"])


@pytest.fixture
def model(fitted, tmp_path):
    """Return the path of a small saved model in one file."""
    fitted.save(tmp_path / "model.mmgraph")
    return tmp_path / "model.mmgraph"


def make_zip(path, members, *, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return path


def test_file_predicts_as_the_folder_does(fitted, frame, model, tmp_path):
    fitted.save(tmp_path / "model")
    expected = fitted.predict_proba(frame)
    np.testing.assert_array_equal(load(model).predict_proba(frame), expected)
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(frame), expected)


def test_file_holds_the_folder(fitted, model, tmp_path):
    fitted.save(tmp_path / "folder")
    archive.unpack(model, tmp_path / "unpacked")
    written, unpacked = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "folder", tmp_path / "unpacked")
    )
    assert written == unpacked
    assert {path.suffix for path in unpacked} <= {".json", ".safetensors", ".model", ".md", ""}


def test_equal_models_are_equal_files(fitted, model, tmp_path):
    fitted.save(tmp_path / "again.mmgraph")
    assert (tmp_path / "again.mmgraph").read_bytes() == model.read_bytes()


def test_pretrained_models_need_nothing_else(frame, make_classifier, tmp_path):
    modalities = [Image("image", size=64), Text("text", cache=False)]
    clf = make_classifier(modalities, epochs=1, refit=False).fit(frame, frame["label"])
    clf.save(tmp_path / "model.mmgraph")
    loaded = load(tmp_path / "model.mmgraph")
    (tmp_path / "model.mmgraph").unlink()  # the language model is read when it is first needed
    np.testing.assert_allclose(
        loaded.predict_proba(frame), clf.predict_proba(frame), atol=rounding(SMALL)
    )
    loaded.save(tmp_path / "again")
    assert load(tmp_path / "again").classes_.tolist() == clf.classes_.tolist()


def test_nothing_else_is_overwritten(fitted, model, tmp_path):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        fitted.save(model)
    fitted.save(model, overwrite=True)
    for name, content in (("a", b"thesis"), ("b", b"PK\x03\x04 of another program")):
        other = tmp_path / f"{name}.mmgraph"
        other.write_bytes(content)
        with pytest.raises(FileExistsError, match="not a saved model"):
            fitted.save(other, overwrite=True)
        assert other.read_bytes() == content


def test_file_and_folder_replace_each_other(fitted, model, tmp_path):
    folder = tmp_path / "model"
    fitted.save(folder)
    folder.rename(tmp_path / "folder.mmgraph")
    fitted.save(tmp_path / "folder.mmgraph", overwrite=True)
    assert (tmp_path / "folder.mmgraph").is_file()
    model.rename(tmp_path / "file")
    fitted.save(tmp_path / "file", overwrite=True)
    assert (tmp_path / "file").is_dir()
    assert load(tmp_path / "file").multilabel_ is False
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    path = make_zip(tmp_path / "in.mmgraph", [("config.json", "{}"), (name, "x")])
    with pytest.raises(DataError, match=r"in\.mmgraph: holds a file named .*evil"):
        archive.unpack(path, tmp_path / "a" / "b")
    assert not list(tmp_path.rglob("*evil*"))


def test_bombs_are_refused(tmp_path):
    path = make_zip(
        tmp_path / "bomb.mmgraph", [("zeros", bytes(10**6))], compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(DataError, match="could fill the disk"):
        archive.unpack(path, tmp_path / "out")
    # Many names for the same bytes: nothing is compressed, and yet it blows up.
    path = make_zip(tmp_path / "overlap.mmgraph", [("a", bytes(10**5))])
    with zipfile.ZipFile(path, "a") as zipped:
        first = zipped.infolist()[0]
        for number in range(9):
            member = zipfile.ZipInfo(f"b{number}")
            for field in ("file_size", "compress_size", "CRC", "header_offset"):
                setattr(member, field, getattr(first, field))
            zipped.filelist.append(member)
            zipped._didModify = True
    with pytest.raises(DataError, match="could fill the disk"):
        archive.unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_and_repeated_names_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link"):
        archive.unpack(make_zip(tmp_path / "l.mmgraph", [(link, "/etc")]), tmp_path / "out")
    path = make_zip(tmp_path / "r.mmgraph", [("a", "1"), ("A", "2")])
    with pytest.raises(DataError, match="one twice"):
        archive.unpack(path, tmp_path / "out")


def test_damaged_files_are_one_clear_error(model, tmp_path):
    whole = model.read_bytes()
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("flipped", whole.replace(b'"format"', b'"formal"', 1)),
        ("text", b"no model at all"),
        ("empty", b""),
    ):
        path = tmp_path / f"{name}.mmgraph"
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}\.mmgraph"):
            load(path)


def test_errors_name_the_file_and_not_where_it_was_unpacked(model, tmp_path):
    archive.unpack(model, tmp_path / "lacking")
    (tmp_path / "lacking" / "modalities" / "text" / "tokenizer.model").unlink()
    archive.pack(tmp_path / "lacking", tmp_path / "lacking.mmgraph")
    with pytest.raises(DataError, match=r"lacking\.mmgraph.*: damaged") as caught:
        load(tmp_path / "lacking.mmgraph")
    assert "mmgraph-" not in str(caught.value)


def test_nothing_is_left_where_unpacking_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bad = make_zip(tmp_path / "bad.mmgraph", [("../a", "x")])
    with pytest.raises(DataError):
        archive.unpacked(bad)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["bad.mmgraph"]
