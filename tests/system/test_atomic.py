import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mmgraph.system import swap
from mmgraph.system.atomic import draft_beside, followed, heal, put_draft, written_at_once

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and kills of POSIX")


@pytest.fixture(params=["exchange", "rename"])
def way(request, monkeypatch):
    """Replace folders as the system here can, and as any can."""
    if request.param == "rename":
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    return request.param


def write_folder(path, text):
    with draft_beside(path) as draft:
        (draft / "model" / "inner").mkdir(parents=True)
        for name in ("a", "inner/b"):
            (draft / "model" / name).write_text(text)
        put_draft(draft / "model", path)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_there_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with written_at_once(path) as draft:
        assert draft.suffix == ".csv"
        draft.write_text("1")
        assert not path.exists()
    assert path.read_text() == "1"
    with pytest.raises(UnicodeEncodeError), written_at_once(path) as draft:
        draft.write_text("2 \ud800", "utf-8")
    assert path.read_text() == "1"
    assert os.listdir(path.parent) == ["table.csv"]


def test_names_of_all_lengths(tmp_path):
    path = tmp_path / ("ü" * 125 + ".json")  # 255 bytes
    with written_at_once(path) as draft:
        draft.write_text("{}")
    assert os.listdir(tmp_path) == [path.name]


@posix
def test_modes_and_links_are_kept(tmp_path):
    (tmp_path / "data").mkdir()
    real, link = tmp_path / "data" / "a.txt", tmp_path / "link"
    link.symlink_to("data/a.txt")
    for text in ("made", "replaced"):  # the link leads nowhere at first
        with written_at_once(link) as draft:
            draft.write_text(text)
        assert link.is_symlink()
        assert real.read_text() == text
        real.chmod(0o640)
    assert mode(real) == 0o640
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(OSError, match="back to itself"):
        followed(link)


@posix
def test_modes_of_folders_are_kept(tmp_path, way):
    write_folder(tmp_path / "model", "1")
    (tmp_path / "model").chmod(0o750)
    (tmp_path / "model" / "inner" / "b").chmod(0o604)
    write_folder(tmp_path / "model", "2")
    assert (mode(tmp_path / "model"), mode(tmp_path / "model" / "inner" / "b")) == (0o750, 0o604)
    assert (tmp_path / "model" / "inner" / "b").read_text() == "2"


@posix
def test_new_files_have_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_folder(tmp_path / "model", "1")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "model"), mode(tmp_path / "model" / "a")) == (0o750, 0o640)


@posix
def test_pipes_are_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_at_once(pipe) as draft:
        draft.write_text("hello")
    assert os.read(reader, 9) == b"hello"
    os.close(reader)


def test_folders_and_files_replace_each_other(tmp_path, way):
    path = tmp_path / "model"
    write_folder(path, "1")
    with draft_beside(path) as draft:
        (draft / "file").write_text("2")
        put_draft(draft / "file", path)
    assert path.read_text() == "2"
    write_folder(path, "3")
    assert (path / "a").read_text() == "3"
    assert os.listdir(tmp_path) == ["model"]


def test_a_failed_exchange_leaves_all_as_it_was(tmp_path, way, monkeypatch):
    path, rename = tmp_path / "model", Path.rename

    def fail(self, target):
        if target == path and self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    def fail_exchange(one, other):
        raise OSError(5, "Input/output error")

    write_folder(path, "1")
    monkeypatch.setattr(Path, "rename", fail)
    if way == "exchange":
        monkeypatch.setattr(swap, "_exchange", fail_exchange)
    with pytest.raises(OSError, match="Input/output"):
        write_folder(path, "2")
    assert (path / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("left", [("old",), ("old", "new")])
def test_an_interrupted_exchange_is_finished(tmp_path, left):
    draft = tmp_path / ".model-abcdefgh.held"
    for name in left:
        (draft / name).mkdir(parents=True)
        (draft / name / "a").write_text(name)
    heal(tmp_path / "model")
    assert (tmp_path / "model" / "a").read_text() == left[-1]
    write_folder(tmp_path / "model", "next")
    assert os.listdir(tmp_path) == ["model"]


def test_drafts_of_other_names_are_left(tmp_path):
    other = tmp_path / ".model-2-abcdefgh.held"
    (other / "old").mkdir(parents=True)
    write_folder(tmp_path / "model", "1")
    assert (other / "old").is_dir()


def test_what_cannot_be_removed_is_named(tmp_path, monkeypatch):
    def fail(path, *_, **__):
        raise PermissionError(13, "Permission denied")

    write_folder(tmp_path / "model", "1")
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", fail)
        with pytest.warns(UserWarning, match="remove it"):
            write_folder(tmp_path / "model", "2")
    assert (tmp_path / "model" / "a").read_text() == "2"
    write_folder(tmp_path / "model", "3")
    assert os.listdir(tmp_path) == ["model"]


@posix
@pytest.mark.parametrize("how", ["exchange", "rename"])
def test_kills_leave_a_whole_folder(tmp_path, how):
    script = Path(__file__).parents[1] / "tools" / "kill_saves.py"
    command = [sys.executable, script, tmp_path, "200", how]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20  # so many came within a save
