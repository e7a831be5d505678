import ctypes
import platform

import pytest
import torch

from mmgraph.system.allocator import kept_memory


@pytest.fixture
def calls(monkeypatch):
    """Return what is asked of a C library that stands in for glibc."""
    calls = []

    class Library:
        def mallopt(self, parameter, value):
            calls.append((parameter, value))

        def malloc_trim(self, pad):
            calls.append("trim")

    for name in ("MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_CONF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.40"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    return calls


def test_tensors_live_on_after_it():
    with kept_memory():
        kept = torch.arange(2**20)
        assert int(torch.ones(2**20).sum()) == 2**20
    assert int(kept[-1]) == 2**20 - 1


def test_defaults_hold_again(calls):
    with kept_memory():
        inside = dict(calls)
        calls.clear()
    assert calls == [*((parameter, 128 * 1024) for parameter in inside), "trim"]
    assert all(value > 128 * 1024 for value in inside.values())


def test_defaults_hold_again_after_an_error(calls):
    with pytest.raises(KeyError), kept_memory():
        raise KeyError
    assert calls[-1] == "trim"
    assert dict(calls[:-1]) == dict.fromkeys(dict(calls[:3]), 128 * 1024)


@pytest.mark.parametrize("libc", ["", "musl"])
def test_other_libraries_are_left_alone(calls, monkeypatch, libc):
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    with kept_memory():
        pass
    assert not calls


def test_choices_of_the_user_are_left_alone(calls, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    with kept_memory():
        pass
    assert not calls
