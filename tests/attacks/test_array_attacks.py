"""Arrays in files: headers that ask for more than there is, bombs, objects, links elsewhere."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import DataError, Features
from mmgraph.data.transform import transform
from mmgraph.system.arrays import read_npy, read_npz

ARRAYS = [
    *(np.arange(6.0).reshape(2, 3), np.asfortranarray(np.eye(3)), np.zeros((0, 4), "f2")),
    *(np.array(3), np.array(["a", "bc"]), np.ones((1, 2, 1), "?"), np.array([1, 2], ">i4")),
    np.array([(1, 2.0)], "i4,f8"),
]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_header(text, body=b""):
    header = text.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def headed(shape, descr="'<f8'", body=b"\0" * 16):
    return with_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}", body)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_are_read_as_numpy_does(array):
    found = read_npy(npy(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_compressed_files_are_read_as_numpy_does():
    file = io.BytesIO()
    np.savez_compressed(file, a=ARRAYS[0], b=ARRAYS[4])
    found = read_npz(file.getvalue())
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], ARRAYS[0])


ATTACKS = {
    "a terabyte in a header": headed("(1000000, 1000000)"),
    "a shape that overflows": headed(f"({2**62}, 4)"),
    "a negative shape": headed("(-1, -2)"),
    "sizes that are no numbers": headed("(1.5,)"),
    "truth for a size": headed("(True, 2)"),
    "too many axes": headed("(1," * 40 + "2" + ")" * 40),
    "objects": headed("(2,)", "'|O'"),
    "objects in a field": headed("(1,)", "[('a', '|O'), ('b', '<f8')]"),
    "a call in a header": with_header("{'descr': __import__('os').system('true')}"),
    "a deep header": with_header("(" * 5000),
    "a header without end": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    "a version to come": b"\x93NUMPY\x09\x00" + bytes(20),
    "cut off": npy(ARRAYS[0])[:-1],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_headers_are_compared_with_the_bytes(attack):
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"it |its header"):
        read_npy(ATTACKS[attack])
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    with pytest.raises(DataError, match="column 'f'"):
        read_cell(ATTACKS[attack])


def test_bombs_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(3):
            archive.writestr(f"{number}.npy", headed("(12500000,)", body=bytes(10**8)))
    tracemalloc.start()
    with pytest.raises(DataError, match="more than"):
        read_cell(file.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def read_cell(data):
    import pandas as pd

    modality = Features("f").fit([[[0.0, 1.0]], [[1.0, 3.0]]])
    return transform([modality], pd.DataFrame({"f": [data]}))


@given(st.data())
def test_changed_files_are_arrays_or_refused(data):
    file = bytearray(npy(data.draw(st.sampled_from(ARRAYS))))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(6, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_npy(bytes(file))
    except ValueError:
        return
    assert found.nbytes <= len(file)


@pytest.mark.parametrize("way", ["link", "outside", "virtual", "huge"])
def test_hdf5_that_is_not_in_the_file(tmp_path, way):
    h5py = pytest.importorskip("h5py")
    from mmgraph.datasets.mm_imdb import _read_own

    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.arange(3.0)
    (tmp_path / "secret.bin").write_bytes(bytes(80))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["good"] = np.arange(3.0)
        if way == "link":
            file["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
        elif way == "outside":
            outside = [(str(tmp_path / "secret.bin"), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset("x", (10,), "f8", external=outside)
        elif way == "virtual":
            layout = h5py.VirtualLayout((3,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (3,))
            file.create_virtual_dataset("x", layout)
        else:
            file.create_dataset("x", (10**6, 10**6), "f8", chunks=(1, 1000))
    size = path.stat().st_size
    with h5py.File(path) as file:
        assert _read_own(file, "good", size).tolist() == [0, 1, 2]
        with pytest.raises(ValueError, match=r"no array of this file|larger than the file"):
            _read_own(file, "x", size)


def test_old_torch_reads_no_pickles(tmp_path, monkeypatch):
    import torch

    from mmgraph.system.pickled import read_pickled

    torch.save({"a": torch.ones(1)}, tmp_path / "a.pth")
    assert read_pickled(tmp_path / "a.pth")["a"].item() == 1
    for version in ("2.5.1+cu121", "1.13.0"):
        monkeypatch.setattr(torch, "__version__", version)
        with pytest.raises(ImportError, match="could be made to run code"):
            read_pickled(tmp_path / "a.pth")


def test_no_code_beside_a_model_is_run(tmp_path):
    pytest.importorskip("transformers")
    import json

    from mmgraph.modalities.tokens.transformer import TransformerFeatures

    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}})
    )
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ValueError, match="trust_remote_code"):
        _ = TransformerFeatures(tmp_path, "some").channels
    assert not (tmp_path / "ran").exists()
