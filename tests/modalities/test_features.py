import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph.data.cells import modality_cells
from mmgraph.data.transform import fit_modality
from mmgraph.errors import CellError, DataError
from mmgraph.graph.relations import Chain
from mmgraph.modalities.features import Features, read_array

ROWS = np.array([[1.0, 2, 3], [3, 2, 7]])


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.npy").write_bytes(npy(ROWS))
    (tmp_path / "one.npz").write_bytes(npz(x=ROWS))
    return tmp_path


@pytest.mark.parametrize(
    "raw",
    [
        ROWS,
        ROWS.astype(np.int8),
        ROWS.astype(np.float16),
        ROWS.tolist(),
        tuple(map(tuple, ROWS.tolist())),
        np.array([np.array([1.0, 2, 3]), np.array([3.0, 2, 7])], dtype=object),
        torch.tensor(ROWS, requires_grad=True),
        torch.tensor(ROWS, dtype=torch.bfloat16),
        "[[1, 2, 3], [3, 2, 7]]",
        npy(ROWS),
        memoryview(npz(features=ROWS)),
    ],
)
def test_arrays_of_all_kinds(raw):
    array = read_array(raw)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, ROWS)


@pytest.mark.parametrize("name", ["one.npy", "one.npz"])
def test_files(folder, name):
    np.testing.assert_array_equal(read_array(folder / name), ROWS)
    inside = Features("x", root=folder).fit([[name], [str(folder / name)]])
    assert inside.mean_.tolist() == [2, 2, 5]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (3.5, r"got 3.5; numbers in columns of their own are Tabular\("),
        (np.zeros((2, 2, 2)), r"got the shape \[2, 2, 2\]; reshape it"),
        (np.array(["a", "b"]), "got an array of <U1; convert it to float32"),
        (np.zeros(3, complex), "got an array of complex128"),
        ([0.5, None], "got an array of object"),
        ([[1, 2], [3]], "got lists of different lengths"),
        ("[0.1 0.2]", "got text that is no list of numbers"),
        ("no.npy", r"there is no file 'no.npy'; correct the path, or name .*root="),
        (b"RIFF", "got 4 bytes in another format; save it with numpy.save"),
        (npy(ROWS)[:-5], "cannot be read"),
        (npz(a=ROWS, b=ROWS), r"expected one array in .* bytes, got \['a', 'b'\]"),
        (npz(), r"another format|got \[\]"),
        (npz(a=ROWS)[:60], "cannot be read"),
        ("a\0b", "cannot be read|no file"),
    ],
)
def test_what_is_no_array(raw, message):
    with pytest.raises(CellError, match=message):
        read_array(raw)


def test_pickles_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    for raw in (npy(np.array([Trap()], dtype=object)), pickle.dumps(Trap())):
        with pytest.raises(CellError, match=r"save it (again )?with numpy.save"):
            read_array(raw)
    assert not list(tmp_path.iterdir())


def test_standardised_by_the_training_rows():
    features = Features("x").fit([[ROWS[0]], [], [ROWS[1]]])
    assert features.std_.tolist() == [1, 1, 2]  # a constant is not divided
    ((one,), missing, (two, three)) = features.transform([[[5, 2, 5]], [], [ROWS, [2, 9, 1e9]]])
    assert one["features"].tolist() == [[3, 0, 0]]
    assert missing == []
    assert two["features"].tolist() == [[-1, 0, -1], [1, 0, 1]]
    assert three["features"].tolist() == [[0, 7, 10]]  # cut


def test_constants_of_any_size_are_not_blown_up():
    features = Features("x").fit([[[1e4 + 1e-3 * row, 1e-4 * row]] for row in range(5)])
    assert features.std_[0] == 1
    assert features.std_[1] == pytest.approx(1e-4 * 2**0.5, rel=1e-5)


def test_entries_that_are_not_finite_count_as_the_mean():
    cells = [[[1.0, -np.inf]], [[3.0, 4.0]], [[np.nan, 6.0]], [[2.0, 1e300]]]
    features = Features("x").fit(cells)
    assert features.mean_.tolist() == [2, 5]
    with pytest.warns(UserWarning, match="x: 3 of 8 entries are NaN or infinite and count as"):
        rows = features.transform(cells)
    assert [row[0]["features"][0, 1].item() for row in rows] == [0, -1, 1, 0]
    assert rows[2][0]["features"][0, 0] == 0


def test_widths_must_agree():
    cells = [[np.zeros(4)], [], [np.zeros((2, 4))], [np.zeros(3)]]
    with pytest.raises(CellError, match=r"expected 4 features, .*got 3; compute them") as caught:
        Features("x").fit(cells)
    assert caught.value.row == 3
    features = Features("x", unreadable="missing").fit(cells)
    with pytest.warns(UserWarning, match="1 unreadable values in 4 rows count as missing"):
        assert [len(row) for row in features.transform(cells)] == [1, 0, 1, 0]
    with pytest.raises(CellError, match="expected 4 features"):
        Features("x").fit(cells[:1]).transform([[], [np.zeros(5)]])


def test_sequences_are_chained():
    assert Features("x").fit([[[1.0, 2.0]], [[2.0, 2.0]]]).relations() == {}
    assert Features("x").fit([[np.zeros((2, 3))]]).relations() == {"chain": Chain()}


@pytest.mark.parametrize("cells", [[], [[]], [[np.zeros((0, 4))]]])
def test_nothing_to_learn_from(cells):
    features = Features("x").fit(cells)
    samples = features.transform([[], [np.zeros((0, 4))]])
    assert samples == [[], []]
    assert features.make_encoder(8)(features.collate(samples)).x.shape == (2, 0, 8)


def test_place_counts_from_one():
    features = Features("x").fit([[ROWS]])
    ((item,),) = features.transform([[ROWS]])
    assert [features.place(item, index).label for index in (0, 1)] == ["vector 1", "vector 2"]


def test_lists_in_frames_are_one_vector(tmp_path):
    frame = pd.DataFrame({"v": [[1.0, 2.0], None, [3, 4]], "w": [[[1, 2], [3, 4]], [[5, 6]], []]})
    frame.to_json(tmp_path / "frame.jsonl", orient="records", lines=True)
    for table in (frame, pd.read_json(tmp_path / "frame.jsonl", lines=True, dtype=False)):
        features = fit_modality(Features(["v", "w"]), table, seed=0)
        rows = features.transform(modality_cells(features, table))
        assert [[len(item["features"]) for item in row] for row in rows] == [[1, 2], [1], [1]]


def test_errors_name_row_and_column():
    frame = pd.DataFrame({"v": [[1.0, 2.0], [1.0]]}, index=["a", "b"])
    with pytest.raises(DataError, match=r"row 'b'.* column 'v': expected 2 features"):
        fit_modality(Features("v"), frame, seed=0)


def test_save_and_load(tmp_path):
    features = Features("x").fit([[ROWS]])
    state = json.loads(json.dumps(features.save(tmp_path)))
    loaded = Features("x").load(tmp_path, state)
    assert torch.equal(loaded.mean_, features.mean_)
    assert loaded.relations() == {"chain": Chain()}


def test_unfitted():
    with pytest.raises(RuntimeError, match="x: call fit first"):
        Features("x").transform([[ROWS]])
