"""Several processes fit one model together, as one process would."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import MultimodalGraphClassifier, Tabular, Text, load
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.sampling import BucketSampler, StepSampler
from mmgraph.data.transform import transform
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression
from mmgraph.training import find_launch

#: What each of two processes does, as a launcher starts them.
FIT = """
import os, sys
import numpy as np
import pandas as pd
import torch
from mmgraph import MultimodalGraphClassifier, Tabular, Text
from mmgraph.system import distributed
from mmgraph.nn.model import MultimodalModel
from mmgraph.training import TrainingModule

torch.set_num_threads(1)
torch.nn.Dropout.forward = lambda self, x: x  # encoders have some of their own
folder, rank = sys.argv[1], os.environ["RANK"]
frame = pd.read_csv(os.path.join(folder, "table.csv"))
modalities = [Text("text", features=None), Tabular(["number"])]
clf = MultimodalGraphClassifier(
    modalities, channels=4, num_layers=1, epochs=2, batch_size=8, dropout=0.0, verbose=False,
    validation=0.2, checkpoint_dir=os.path.join(folder, "state"), device="cpu",
)
clf.fit(frame, "label")
np.savez(
    os.path.join(folder, f"{rank}.npz"),
    train=[entry["train_loss"] for entry in clf.history_],
    val=[entry["val_loss"] for entry in clf.history_],
    accuracy=[entry["val_accuracy"] for entry in clf.history_],
    weights=clf.model_.weights,
    linear=clf.model_.linear.weight.detach(),
    probability=clf.predict_proba(frame),
)
clf.save(os.path.join(folder, "model"))
"""

#: A process that is gone all at once.
DIE = """
import os, signal
from mmgraph.training import TrainingModule

def die(self):
    if os.environ["RANK"] == "1" and self.current_epoch == 1:
        os.kill(os.getpid(), signal.SIGKILL)

TrainingModule.on_train_epoch_start = die
"""

#: What can go wrong in one process, and ends in all of them.
SPOIL = """
def interrupt(self):
    self.stop_asked = rank == "1" and self.current_epoch == 1

TrainingModule.on_train_epoch_start = interrupt
clf.set_params(epochs=50, checkpoint_dir=None).fit(frame, "label")
assert len(clf.history_) == 2  # of which the second broke off, in both processes

def spoil(self):
    if rank == "1":
        self.model.fused_logits = lambda items: 0 * logits(self.model, items) + float("nan")

logits = MultimodalModel.fused_logits
TrainingModule.on_train_epoch_start = spoil
try:
    clf.set_params(refit=False).fit(frame, "label")
except FloatingPointError as error:
    assert "epoch 1: the loss is not finite for rows" in str(error)
    assert "look at their inputs" in str(error)  # those of the first process are fine
else:
    raise AssertionError("the loss of one process was not finite")
try:
    clf.fit(frame.iloc[:: 1 if rank == "0" else -1], "label")
except ValueError as error:
    assert "the same rows in the same order in every process" in str(error)
else:
    raise AssertionError("other rows in the other process")
try:
    clf.fit(frame.drop(columns="text"), "label")
except ValueError as error:
    assert "expected the column 'text'" in str(error)  # the first one tells the others
else:
    raise AssertionError("no such column")
try:
    with distributed.first_of_machine_first():
        raise KeyError("the same in both")
except KeyError:  # the other one does not wait for one that failed
    pass
"""


def table():
    """Return 51 rows: 41 to learn from, so that the last batch of 8 has one row."""
    random = np.random.default_rng(0)
    label = np.array(["cat", "dog", "dog"] * 17)
    words = {"cat": ["meow", "purr", "paw"], "dog": ["bark", "woof", "paw"]}
    text = [" ".join(random.choice(words[name], 1 + row % 6)) for row, name in enumerate(label)]
    number = np.where(random.random(51) < 0.3, np.nan, random.normal(size=51))
    return pd.DataFrame({"text": text, "number": number, "label": label})


def free_port():
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def run(folder, script):
    """Return how two processes of a script ended."""
    table().to_csv(folder / "table.csv", index=False)
    common = {
        **os.environ,
        **{"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())},
        "MMGRAPH_CACHE": str(folder / "cache"),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(folder)],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    try:
        return [process.wait(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Return the folder of what two processes left."""
    folder = tmp_path_factory.mktemp("together")
    assert run(folder, FIT + SPOIL) == [0, 0]
    return folder


@pytest.fixture(scope="module")
def alone(together):
    """Return what one process makes of the same rows and batches."""
    clf = MultimodalGraphClassifier(
        [Text("text", features=None), Tabular(["number"])],
        **{"channels": 4, "num_layers": 1, "epochs": 2, "batch_size": 8, "dropout": 0.0},
        **{"validation": 0.2, "verbose": False, "device": "cpu"},
    )
    with without_dropout():
        return clf.fit(pd.read_csv(together / "table.csv"), "label")


@contextmanager
def without_dropout():
    """Switch off the dropout that encoders have of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Dropout, "forward", lambda self, x: x)
        yield


def test_processes_end_with_the_same_model(together):
    first, second = (np.load(together / f"{rank}.npz") for rank in range(2))
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_they_learn_as_one_process_does(together, alone):
    found = np.load(together / "0.npz")
    assert len(alone.history_) > 1
    for name, key in {"train": "train_loss", "val": "val_loss", "accuracy": "val_accuracy"}.items():
        expected = [entry[key] for entry in alone.history_]
        np.testing.assert_allclose(found[name], expected, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found["linear"], alone.model_.linear.weight.detach(), atol=1e-6)
    np.testing.assert_allclose(found["weights"], alone.model_.weights, atol=1e-3)
    probability = alone.predict_proba(table())
    np.testing.assert_allclose(found["probability"], probability, atol=1e-3)


def test_one_process_writes(together):
    np.testing.assert_array_equal(
        load(together / "model").predict_proba(pd.read_csv(together / "table.csv")),
        np.load(together / "0.npz")["probability"],
    )
    assert not list((together / "state").iterdir())


def test_a_process_that_dies_ends_the_others_and_the_fit_goes_on(together, tmp_path):
    first, second = run(tmp_path, DIE + FIT)
    assert (second, first != 0) == (-signal.SIGKILL, True)  # rather than waiting for it
    assert list((tmp_path / "state").iterdir())
    assert run(tmp_path, FIT) == [0, 0]
    unbroken, found = (np.load(folder / "1.npz") for folder in (together, tmp_path))
    for name in unbroken.files:
        np.testing.assert_array_equal(found[name], unbroken[name], err_msg=name)


def test_accumulated_parts_learn_as_whole_batches(together, alone):
    clf = MultimodalGraphClassifier(
        **{**alone.get_params(deep=False), "accumulate": 3, "refit": False}
    )
    with without_dropout():
        clf.fit(pd.read_csv(together / "table.csv"), "label")
    for key in ("train_loss", "train_accuracy", "val_loss"):
        expected = [entry[key] for entry in alone.history_]
        np.testing.assert_allclose([entry[key] for entry in clf.history_], expected, atol=1e-5)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=100),
    *(st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**31)),
)
def test_every_row_is_in_one_part(lengths, batch_size, processes, accumulate, seed):
    parts = []
    for process in range(processes):
        generator = torch.Generator().manual_seed(seed)
        steps = BucketSampler(np.array(lengths), batch_size, generator=generator)
        sampler = StepSampler(steps, process, processes, accumulate=accumulate)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler) == len(parts[0])
        assert all(part.rows for part in parts[-1])
    counted = [row for each in parts for part in each if part.counted for row in part.rows]
    assert sorted(counted) == list(range(len(lengths)))
    steps = {tuple(part.step) for part in parts[0]}
    assert steps == {tuple(part.step) for part in parts[-1]}


@pytest.mark.parametrize(
    ("task", "target"),
    [
        (Multiclass(3), torch.tensor([0, 1, 1, 2, 1, 1, 0])),
        (Multiclass(3, balanced=False), torch.tensor([0, 1, 1, 2, 1, 1, 0])),
        (Multilabel(3), torch.randint(2, (7, 3)).float()),
        (Regression(3), torch.randn(7, 3)),
    ],
    ids=["balanced", "classes", "labels", "numbers"],
)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_parts_of_a_loss_add_up(task, target, smoothing):
    task.fit(target)
    logits = torch.randn(7, 3)
    whole = task.loss(logits, target, label_smoothing=smoothing)
    parts = [slice(start, None, 3) for start in range(3)]
    losses = [task.loss(logits[rows], target[rows], label_smoothing=smoothing) for rows in parts]
    shares = [task.total_weight(target[rows]) / task.total_weight(target) for rows in parts]
    together = sum(loss * share for loss, share in zip(losses, shares, strict=True))
    torch.testing.assert_close(together, whole)


def test_a_row_that_stands_in_is_marked():
    text = Text("text", features=None).fit([["a b"]])
    frame = pd.DataFrame({"text": ["a", "b", "c"]})
    dataset = SampleDataset([text], transform([text], frame), torch.arange(3))
    parts = list(StepSampler([[0, 1], [2]], process=1, processes=2))
    whole, lone = (dataset[part] for part in parts)
    assert (whole.target.tolist(), whole.step_target.tolist(), whole.counted) == ([1], [0, 1], True)
    assert (lone.target.tolist(), lone.step_target.tolist(), lone.counted) == ([2], [2], False)
    assert replace(lone.to("cpu"), items={}) == replace(lone, items={})


def test_how_launchers_are_recognised(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SLURM")]:
        monkeypatch.delenv(name)
    assert find_launch() is None
    for name, value in {"WORLD_SIZE": "8", "RANK": "5", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    launch = find_launch()
    assert (launch.machines, launch.on_machine, launch.environment.global_rank()) == (2, 4, 5)
    for name in ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name)
    slurm = {"SLURM_NTASKS": "6", "SLURM_PROCID": "4", "SLURM_NNODES": "3", "SLURM_LOCALID": "0"}
    for name, value in (slurm | {"SLURM_JOB_NAME": "fit", "SLURM_NTASKS_PER_NODE": "2"}).items():
        monkeypatch.setenv(name, value)
    launch = find_launch()
    assert (launch.machines, launch.on_machine, launch.environment.global_rank()) == (3, 2, 4)
