import os
import pickle
import signal
import sys

import pytest

from mmgraph.system.held import HeldFolder, find_held, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")


def in_fork(work):
    """Run something in a fork of this process, which then ends without its cleaning up."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_goes_when_it_is_dropped(tmp_path):
    held = HeldFolder(tmp_path, prefix="a-")
    (held.path / "file").write_text("x")
    assert os.listdir(tmp_path) == [held.path.name]
    del held
    assert not os.listdir(tmp_path)


def test_a_fork_that_lets_go_leaves_it_to_the_others(tmp_path):
    held = HeldFolder(tmp_path, prefix="a-")
    in_fork(held.release)
    assert held.path.is_dir()
    held.release()
    assert not held.path.exists()


def test_a_fork_keeps_what_its_parent_let_go_of(tmp_path):
    held = HeldFolder(tmp_path, prefix="a-")
    (ours, theirs), (reader, writer) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        os.read(reader, 1)  # until the parent has let go
        os.write(theirs, b"there" if held.path.is_dir() else b"gone!")
        held.release()
        os._exit(0)
    held.release()
    os.close(writer)
    assert os.read(ours, 5) == b"there"
    os.waitpid(child, 0)
    assert not held.path.exists()
    for number in (ours, theirs, reader):
        os.close(number)


def test_a_pickled_one_is_held_as_well(tmp_path):
    held = HeldFolder(tmp_path, prefix="a-")
    again = pickle.loads(pickle.dumps(held))
    del held
    assert again.path.is_dir()
    path = again.path
    del again
    assert not path.exists()


def test_what_a_kill_left_is_swept_and_nothing_else(tmp_path):
    in_fork(lambda: (HeldFolder(tmp_path, prefix="a-"), kill_self()))
    (left,) = find_held(tmp_path, prefix="a-")
    alive = HeldFolder(tmp_path, prefix="a-")
    others = [tmp_path / name for name in ("a-notes", "a-abcdefgh", "b-abcdefgh.held", "a-b.held")]
    for other in others:
        other.mkdir()
    (tmp_path / "a-12345678.held").symlink_to(others[0])
    sweep(tmp_path, prefix="a-")
    assert not left.exists()
    assert alive.path.is_dir()
    assert all(other.is_dir() for other in others)
    assert (tmp_path / "a-12345678.held").is_symlink()


def test_a_lock_that_a_daemon_closed_closes_no_other_file(tmp_path):
    held = HeldFolder(tmp_path, prefix="a-")
    lock = held._let_go.peek()[2][1]
    os.close(lock._file)
    other = os.open(os.devnull, os.O_RDONLY)  # takes the same number
    assert other == lock._file
    held.release()
    os.close(other)
    assert not held.path.exists()
