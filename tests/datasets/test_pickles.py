import builtins
import collections
import os
import pickle

import numpy as np
import pytest
import torch

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
