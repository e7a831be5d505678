import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmgraph.system import cache as cache_module
from mmgraph.system.cache import FeatureCache, cache_folder, cache_size, clear_cache


def array(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_returns_what_was_put(tmp_path):
    cache = FeatureCache("key", tmp_path)
    stored = {b"a": array(2, 3), b"b": array(0, 3), b"c": array(4).astype(np.float16)}
    cache.put_many(stored)
    found = FeatureCache("key", tmp_path).get_many([b"a", b"b", b"c", b"d"])
    assert set(found) == set(stored)
    for digest, value in stored.items():
        assert found[digest].dtype == value.dtype
        np.testing.assert_array_equal(found[digest], value)
        assert found[digest].flags.writeable


def test_stores_arrays_that_are_not_contiguous(tmp_path):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(2, 3).T})
    np.testing.assert_array_equal(cache.get_many([b"a"])[b"a"], array(2, 3).T)


def test_nothing_asked_and_nothing_put_touches_no_disk(tmp_path):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({})
    assert cache.get_many([]) == {}
    assert list(tmp_path.iterdir()) == []


def test_more_hashes_than_one_query_takes(tmp_path):
    cache = FeatureCache("key", tmp_path)
    stored = {index.to_bytes(4, "big"): np.float32([index]) for index in range(1203)}
    cache.put_many(stored)
    found = cache.get_many(list(stored))
    assert found == stored


def test_keys_do_not_mix(tmp_path):
    FeatureCache("one", tmp_path).put_many({b"a": array(1)})
    assert FeatureCache("two", tmp_path).get_many([b"a"]) == {}


@pytest.mark.parametrize("damage", ["whole", "end", "cut"])
def test_damaged_database_is_begun_anew(tmp_path, damage):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({index.to_bytes(2, "big"): array(500) for index in range(50)})
    size = cache.path.stat().st_size
    with cache.path.open("r+b") as file:
        if damage == "cut":
            file.truncate(size // 2)
        else:
            file.seek(0 if damage == "whole" else 4096)
            file.write(b"\xff" * (size if damage == "whole" else size - 4096))
    again = FeatureCache("key", tmp_path)
    assert again.get_many([b"\x00\x01"]) == {}
    again.put_many({b"a": array(2)})
    assert list(again.get_many([b"a"])) == [b"a"]


def test_rows_that_make_no_sense_are_begun_anew(tmp_path):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(2)})
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE features SET shape = '[3]'")
    database.close()
    assert cache.get_many([b"a"]) == {}


def test_folder_that_cannot_be_written_warns_once(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = FeatureCache("key", blocked)
    with pytest.warns(UserWarning, match="features are not cached"):
        assert cache.get_many([b"a"]) == {}
    cache.put_many({b"a": array(1)})
    assert FeatureCache("key", blocked).get_many([b"a"]) == {}


def connect_to(monkeypatch, make):
    """Let caches connect by another function of the real one and the path."""
    connect = sqlite3.connect
    monkeypatch.setattr(cache_module.sqlite3, "connect", lambda path, timeout: make(connect, path))


def test_full_disk_warns_and_keeps_what_was_there(tmp_path, monkeypatch):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(1)})

    def small(connect, path):
        database = connect(path)
        database.execute("PRAGMA max_page_count=4")
        return database

    with monkeypatch.context() as patch:
        connect_to(patch, small)
        with pytest.warns(UserWarning, match="features are not cached.*disk is full"):
            cache.put_many({b"b": array(100_000)})
    assert list(FeatureCache("key", tmp_path).get_many([b"a", b"b"])) == [b"a"]


def test_read_only_cache_warns_and_goes_on(tmp_path, monkeypatch):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(1)})
    connect_to(
        monkeypatch, lambda connect, path: connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    )
    again = FeatureCache("key", tmp_path)
    with pytest.warns(UserWarning, match="features are not cached.*readonly"):
        again.put_many({b"b": array(1)})
    assert again.get_many([b"a"]) == {}


def test_locked_database_warns_and_goes_on(tmp_path, monkeypatch):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(1)})
    connect = sqlite3.connect
    monkeypatch.setattr(
        cache_module.sqlite3, "connect", lambda path, timeout: connect(path, timeout=0.05)
    )
    other = connect(cache.path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.warns(UserWarning, match="locked"):
        cache.put_many({b"b": array(1)})
    other.rollback()
    other.close()
    assert set(FeatureCache("key", tmp_path).get_many([b"a", b"b"])) == {b"a"}


WRITER = """
import sys
from pathlib import Path
import numpy as np
from mmgraph.system.cache import FeatureCache
cache = FeatureCache("key", Path(sys.argv[1]))
for index in range(30):
    cache.put_many({bytes([int(sys.argv[2]), index]): np.zeros(100, np.float32)})
"""


def test_two_processes_at_once(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error", "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, number], env=environment) for number in "12"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    hashes = [bytes([number, index]) for number in (1, 2) for index in range(30)]
    assert len(FeatureCache("key", tmp_path).get_many(hashes)) == 60


def test_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MMGRAPH_CACHE", str(tmp_path / "chosen"))
    assert cache_folder() == tmp_path / "chosen"
    monkeypatch.delenv("MMGRAPH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mmgraph"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "mmgraph"


def test_clear_cache_deletes_features_only(tmp_path):
    cache = FeatureCache("key", tmp_path)
    cache.put_many({b"a": array(1000)})
    (tmp_path / "mine.txt").write_text("keep")
    size = cache_size(tmp_path)
    assert size > 4000
    assert clear_cache(tmp_path) == size
    assert cache_size(tmp_path) == 0
    assert (tmp_path / "mine.txt").exists()
    assert cache.get_many([b"a"]) == {}
