"""Training that goes on after it was killed."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmgraph import DataError, Text, load
from mmgraph.training import Checkpoint, TrainingModule

TEXT = Text("text", features=None)

#: Fits in processes one after the other, each of which kills itself as soon as a certain file has
#: been written a number of times. They are forks, so that packages are imported once.
SCRIPT = """
import json, os, signal, sys
import pandas as pd
from mmgraph import MultimodalGraphClassifier, Text
from mmgraph.training import Checkpoint

write = Checkpoint.on_train_epoch_end

def fit(folder, name, epoch):
    def write_and_die(self, trainer, module):
        write(self, trainer, module)
        if self.path.name == name and trainer.current_epoch == epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    Checkpoint.on_train_epoch_end = write_and_die
    frame = pd.read_csv(os.path.join(folder, "..", "table.csv"))
    clf = MultimodalGraphClassifier(
        [Text("text", features=None)], channels=8, epochs=4, batch_size=8, dropout=0.3,
        modality_dropout=0.2, validation=0.2, graph=True,
        checkpoint_dir=os.path.join(folder, "state"),
        verbose=False,
    )
    clf.fit(frame, frame["label"])
    clf.save(os.path.join(folder, "model"))

ends = []
for run in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        fit(*run)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ends.append((code, sorted(os.listdir(os.path.join(run[0], "state")))))
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    import pandas as pd

    random = np.random.default_rng(0)
    label = np.tile(["cat", "dog"], 20)
    words = {"cat": ["meow", "purr", "paw"], "dog": ["bark", "woof", "paw"]}
    text = [" ".join(random.choice(words[name], 4)) for name in label]
    return pd.DataFrame({"text": text, "label": label})


def test_a_killed_fit_ends_as_the_unbroken_one(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    unbroken, killed = str(tmp_path / "unbroken"), str(tmp_path / "killed")
    runs = [
        (unbroken, "", -1),
        (killed, "held_out.ckpt", 1),
        (killed, "all_rows.ckpt", 0),
        (killed, "", -1),
    ]
    for folder in (unbroken, killed):
        os.mkdir(folder)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, json.dumps(runs)],
        **{"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "stdout": subprocess.PIPE},
        check=True,
    )
    ends = json.loads(done.stdout)
    assert [code for code, _ in ends] == [0, -9, -9, 0]
    both = ["all_rows.ckpt", "held_out.ckpt"]
    assert [files for _, files in ends] == [[], both[1:], both, []]
    unbroken, killed = (load(tmp_path / name / "model") for name in ("unbroken", "killed"))
    others = killed.model_.state_dict()
    for name, value in unbroken.model_.state_dict().items():
        assert torch.equal(value, others[name]), name
    losses = [[entry["train_loss"] for entry in clf.history_] for clf in (unbroken, killed)]
    assert losses[0] == losses[1]
    assert len(losses[0]) > 2


@pytest.fixture
def interrupted(frame, make_classifier, tmp_path, monkeypatch):
    """Return a classifier whose fit broke off after two epochs."""
    clf = make_classifier([TEXT], epochs=4, checkpoint_dir=tmp_path)

    def fail(self):
        if self.current_epoch == 2:
            raise KeyError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(TrainingModule, "on_train_epoch_start", fail)
        with pytest.raises(KeyError, match="power cut"):
            clf.fit(frame, frame["label"])
    return clf


def test_goes_on_where_it_broke_off(interrupted, frame, monkeypatch):
    epochs = []
    monkeypatch.setattr(
        TrainingModule, "on_train_epoch_start", lambda self: epochs.append(self.current_epoch)
    )
    interrupted.set_params(refit=False).fit(frame, frame["label"])
    assert epochs == [2, 3]
    assert [entry["epoch"] for entry in interrupted.history_] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 0.5}, {"epochs": 5}, {"batch_size": 3}, {"channels": 24}],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_are_refused(interrupted, frame, change):
    with pytest.raises(DataError, match="other rows, labels or settings"):
        interrupted.set_params(**change).fit(frame, frame["label"])


def test_other_rows_are_refused(interrupted, frame):
    with pytest.raises(DataError, match=r"held_out\.ckpt: is of a training with other rows"):
        interrupted.fit(frame, frame["label"].iloc[::-1].tolist())


def test_a_damaged_file_is_refused(interrupted, frame, tmp_path):
    (path,) = tmp_path.glob("*.ckpt")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="damaged, or not a checkpoint"):
        interrupted.fit(frame, frame["label"])


def test_a_file_that_would_run_code_is_refused(interrupted, frame, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    (path,) = tmp_path.glob("*.ckpt")
    torch.save({"identity": Hostile()}, path)
    with pytest.raises(DataError, match="damaged, or not a checkpoint"):
        interrupted.fit(frame, frame["label"])
    assert not (tmp_path / "ran").exists()


def test_training_goes_on_where_nothing_can_be_written(
    frame, make_classifier, tmp_path, monkeypatch, caplog
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    clf = make_classifier([TEXT], epochs=3, refit=False, checkpoint_dir=tmp_path / "state")
    clf.fit(frame, frame["label"])
    assert len(clf.history_) == 3
    warned = [each for each in caplog.records if "no checkpoint can be written" in each.message]
    assert len(warned) == 1
    assert not list((tmp_path / "state").iterdir())


def test_nothing_is_kept_unasked(frame, make_classifier, monkeypatch):
    monkeypatch.setattr(Checkpoint, "find", lambda self: pytest.fail("asked for a checkpoint"))
    make_classifier([TEXT], epochs=1).fit(frame, frame["label"])
