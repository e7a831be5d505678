import builtins
import collections
import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmgraph import DataError
from mmgraph.datasets.pickles import read_pickle


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write(path, content, protocol):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_numbers_strings_and_containers(tmp_path, protocol):
    content = {
        "audio": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.eye(3)),
        "names": np.array(["a", "bc"]),
        "objects": np.array(["a", None, 3], dtype=object),
        "number": np.float64(2.5),
        "nested": [({1, 2}, (3, b"x"), collections.OrderedDict(a=1), True, 1 + 2j)],
    }
    again = read_pickle(write(tmp_path / "data.pkl", content, protocol))
    assert again.keys() == content.keys()
    for name in ("audio", "fortran", "names", "objects"):
        np.testing.assert_array_equal(again[name], content[name])
        assert again[name].dtype == content[name].dtype
    assert again["number"] == 2.5
    assert again["nested"] == content["nested"]


KEYS = st.text() | st.integers(-(2**63), 2**63) | st.booleans() | st.none() | st.floats()
LEAVES = KEYS | st.binary() | st.complex_numbers() | st.sets(KEYS, max_size=4)
CONTENT = st.recursive(
    LEAVES | arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(max_dims=3, min_side=0)),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(CONTENT, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_what_python_reads(tmp_path_factory, content, protocol):
    path = write(tmp_path_factory.getbasetemp() / "data.pkl", content, protocol)
    assert_same(read_pickle(path), pickle.loads(path.read_bytes()))


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        assert ours.flags.writeable
    elif isinstance(theirs, dict):
        assert_same(list(ours), list(theirs))
        assert_same(list(ours.values()), list(theirs.values()))
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert repr(ours) == repr(theirs) or ours == theirs


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_kind_of_array(tmp_path, protocol):
    fields = [("n", "<i4"), ("x", ">f8", (2,)), ("s", "U3"), ("b", "?"), ("d", "M8[3D]")]
    content = [
        np.array([(1, (2.5, 3.5), "a", True, "2020-01-01")], dtype=fields),
        np.array(["2020-01-01", "NaT"], "M8[s]"),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(6, dtype=">u2")[::2],
        np.array([[1, "a"], [None, (2,)]], dtype=object, order="F"),
        np.array([np.arange(2), ["a"]], dtype=object),
        np.array(3.5),
        np.zeros((0, 7)),
    ]
    content += [content[0][0], np.float32(1.5), np.str_("é"), np.bytes_(b"a"), np.bool_(True)]
    path = write(tmp_path / "data.pkl", content, protocol)
    expected = pickle.loads(path.read_bytes())
    for one, other in zip(read_pickle(path), expected, strict=True):
        assert one.dtype == other.dtype
        assert repr(one) == repr(other)


def test_numpy_1(tmp_path):
    path = tmp_path / "old.pkl"
    data = pickle.dumps([np.arange(3), np.float64(2)], protocol=2)
    assert b"numpy._core" in data
    path.write_bytes(data.replace(b"numpy._core", b"numpy.core"))
    again = read_pickle(path)
    assert again[0].tolist() == [0, 1, 2]
    assert again[1] == 2


def test_what_is_shared_is_no_bomb(tmp_path):
    zeros = np.zeros(1000)
    again = read_pickle(write(tmp_path / "data.pkl", [zeros] * 1000, 4))
    assert all(each is again[0] for each in again)


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize(
    "evil",
    [
        Call(os.system, "touch gotcha"),
        Call(builtins.eval, "open('gotcha', 'w')"),
        Call(builtins.getattr, [], "append"),
        Call(np.load, "gotcha.npy"),
        Call(torch.load, "gotcha.pt"),
        Call(collections.Counter, "aa"),
        np.array([Call(os.system, "touch gotcha")], dtype=object),
        os.getcwd,
    ],
    ids=["system", "eval", "getattr", "numpy.load", "torch.load", "Counter", "in array", "name"],
)
def test_code_is_refused_and_not_run(tmp_path, monkeypatch, evil, protocol):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "evil.pkl", {"train": [evil]}, protocol)
    with pytest.raises(DataError, match=r"evil\.pkl: holds .* it is refused"):
        read_pickle(path)
    assert not (tmp_path / "gotcha").exists()


def test_code_by_codecs_is_refused(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"c_codecs\nencode\n(Vabc\nVrot13\ntR.")
    with pytest.raises(DataError, match=r"_codecs\.encode with 'rot13'"):
        read_pickle(path)


def test_python_2_strings(tmp_path):
    path = tmp_path / "old.pkl"
    path.write_bytes(b"\x80\x02}U\x03keyU\x04caf\xe9s.")
    assert read_pickle(path) == {"key": "café"}


@pytest.mark.parametrize("kept", [0, 1, 40])
def test_cut_off_files(tmp_path, kept):
    path = tmp_path / "cut.pkl"
    path.write_bytes(pickle.dumps({"audio": np.zeros(9)})[:kept])
    with pytest.raises(DataError, match=r"cut\.pkl: cannot be read as a pickle.*download it again"):
        read_pickle(path)
    with pytest.raises(DataError, match="no such file"):
        read_pickle(tmp_path / "absent.pkl")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_bytes_the_other_way_round(tmp_path, protocol):
    for array in (np.array([1, 2], ">i2"), np.array([], ">i2")):
        path = write(tmp_path / "data.pkl", [array], protocol)
        assert_same(read_pickle(path), pickle.loads(path.read_bytes()))
