import os
import re
import signal
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from mmgraph import Text
from mmgraph.nn.fusion import ConcatFusion
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.tasks import Multiclass
from mmgraph.system.allocator import kept_memory
from mmgraph.training import (
    BestWeights,
    Training,
    TrainingModule,
    TrainingResult,
    stop_on_interrupt,
    train,
)

TEXT = Text("text", features=None)


def test_best_epochs():
    held_out = [{"epoch": n, "val_loss": loss} for n, loss in enumerate([3.0, 1.0, 2.0])]
    assert TrainingResult(held_out, interrupted=False).best_epochs == 2
    without = [{"epoch": n} for n in range(3)]
    assert TrainingResult(without, interrupted=False).best_epochs == 3


def test_best_weights_are_restored_and_training_stops(frame, make_classifier, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 2.5, 4.0, 5.0, 6.0])
    kept = []
    step = TrainingModule.on_train_epoch_start

    def validation_step(self, batch, _):
        self.log("val_loss", next(losses), on_epoch=True, batch_size=1)

    def remember(self):
        kept.append({k: v.clone() for k, v in self.averaged().state_dict().items()})
        step(self)

    monkeypatch.setattr(TrainingModule, "validation_step", validation_step)
    monkeypatch.setattr(TrainingModule, "on_train_epoch_start", remember)
    clf = make_classifier([TEXT], epochs=9, refit=False, linear=False)
    clf.fit(frame, frame["label"])
    assert len(clf.history_) == 2 + 4  # the best one, and four without a better one
    fitted = clf.model_.state_dict()
    best = {name: torch.equal(value, kept[2][name]) for name, value in fitted.items()}
    assert all(best.values())
    assert not torch.equal(fitted["head.weight"], kept[3]["head.weight"])


def test_ctrl_c_keeps_what_was_learnt(frame, make_classifier, monkeypatch):
    def interrupt(self):
        if self.current_epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingModule, "on_train_epoch_start", interrupt)
    before = signal.getsignal(signal.SIGINT)
    clf = make_classifier([TEXT], epochs=50).fit(frame, frame["label"])
    assert len(clf.history_) < 5
    assert len(clf.predict(frame)) == 24
    assert signal.getsignal(signal.SIGINT) is before


def test_second_ctrl_c_interrupts():
    stopped = []

    def interrupt_twice():
        with stop_on_interrupt(lambda: stopped.append(1)):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert stopped == [1]


def test_other_threads_leave_signals_alone():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work():
        with stop_on_interrupt(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize(("logs", "pattern"), [("csv", "metrics.csv"), ("tensorboard", "events*")])
def test_logs_where_asked(frame, make_classifier, tmp_path, logs, pattern):
    clf = make_classifier([TEXT], log_dir=tmp_path / "logs", logs=logs)
    clf.fit(frame, frame["label"])
    assert list((tmp_path / "logs").rglob(pattern))


def test_no_files_unasked(frame, make_classifier, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    make_classifier([TEXT]).fit(frame, frame["label"])
    assert set(tmp_path.rglob("*")) == before


def test_loss_that_is_not_finite(frame, make_classifier):
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        make_classifier([TEXT], learning_rate=float("1e30"), epochs=20).fit(frame, frame["label"])


def test_progress_bar(frame, make_classifier, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    make_classifier([TEXT], verbose=True, epochs=1).fit(frame, frame["label"])
    assert "Epoch 0" in "".join(capsys.readouterr())


@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_kept_memory_can_be_nested_and_undone(monkeypatch, libc):
    calls = []

    class Library:
        def mallopt(self, parameter, value):
            calls.append((parameter, value))

        def malloc_trim(self, pad):
            calls.append(("trim", pad))

    monkeypatch.setattr("platform.libc_ver", lambda: (libc, "2"))
    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    with kept_memory():
        inside = list(calls)
    if libc == "musl":
        assert not calls
    else:
        assert dict(inside)[-3] > dict(calls[3:6])[-3]
        assert calls[-1] == ("trim", 0)


def test_patience_starts_anew_with_each_better_epoch(frame, make_classifier, monkeypatch):
    losses = iter([3.0, 4.0, 4.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0])

    def validation_step(self, batch, _):
        self.log("val_loss", next(losses), on_epoch=True, batch_size=1)

    monkeypatch.setattr(TrainingModule, "validation_step", validation_step)
    clf = make_classifier([TEXT], epochs=9, refit=False, linear=False)
    assert len(clf.fit(frame, frame["label"]).history_) == 4 + BestWeights(4).patience


@pytest.mark.parametrize("epochs", range(1, 13))
def test_any_number_of_steps(epochs):
    model = MultimodalModel({}, ConcatFusion(["text"], 4), Multiclass(2))
    module = TrainingModule(model, Training())
    module.trainer = SimpleNamespace(estimated_stepping_batches=epochs)
    (optimizer,), (schedule,) = module.configure_optimizers()
    for _ in range(epochs):
        optimizer.step()
        schedule["scheduler"].step()
    assert optimizer.param_groups[0]["lr"] < 2e-3


def test_loss_that_is_not_finite_without_held_out_rows(frame, make_classifier):
    clf = make_classifier([TEXT], learning_rate=1e30, epochs=20, validation=0.0)
    with pytest.raises(
        FloatingPointError,
        match=r"epoch [12]: the loss is not finite for rows .*; lower learning_rate",
    ):
        clf.fit(frame, frame["label"])


def test_ctrl_c_while_training_on_all_rows_keeps_the_first_model(
    frame, make_classifier, monkeypatch
):
    trainings = []

    def train_twice(model, *arguments):
        trainings.append(model)
        result = train(model, *arguments)
        return replace(result, interrupted=len(trainings) == 2)

    monkeypatch.setattr("mmgraph.training.procedure.train", train_twice)
    clf = make_classifier([TEXT]).fit(frame, frame["label"])
    assert len(trainings) == 2
    assert clf.model_ is trainings[0]
    assert clf.model_.linear.weight.numel() > 0


def break_off(monkeypatch, epoch, spoil):
    """Spoil the logits of the fused part from some epoch on."""
    step = TrainingModule.training_step

    def training_step(self, batch, number):
        if self.current_epoch == epoch:
            model, fused = self.model, self.model.fused_logits

            def fused_logits(items):
                return spoil(fused(items)) if model.training else fused(items)

            monkeypatch.setattr(model, "fused_logits", fused_logits)
        return step(self, batch, number)

    monkeypatch.setattr(TrainingModule, "training_step", training_step)


def test_rows_are_named_and_the_best_weights_kept(frame, make_classifier, monkeypatch, caplog):
    def spoil(logits):
        return logits.index_fill(0, torch.tensor([1]), float("nan"))

    break_off(monkeypatch, 2, spoil)
    frame = frame.set_axis([f"row {number}" for number in range(len(frame))])
    clf = make_classifier([TEXT], epochs=6).fit(frame, frame["label"])
    assert [entry["epoch"] for entry in clf.history_] == [0, 1]
    (message,) = [each.message for each in caplog.records if "not finite" in each.message]
    named = re.fullmatch(
        r"epoch 3: the loss is not finite for rows ('row \d+'); look at their inputs, or lower "
        r"learning_rate \(now .*\)\. Training stopped, the best weights so far are kept",
        message,
    )
    assert named
    assert eval(named[1]) in frame.index
    assert np.isfinite(clf.predict_proba(frame)).all()


def test_a_batch_too_large_says_what_to_lower(frame, make_classifier, monkeypatch):
    def exhaust(items):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 12345 bytes")

    break_off(monkeypatch, 0, exhaust)
    with pytest.raises(MemoryError, match=r"a batch of \d+ rows .* text nodes .*lower batch_size"):
        make_classifier([TEXT], epochs=2).fit(frame, frame["label"])


def test_a_gpu_too_small_says_what_to_lower(frame, make_classifier, monkeypatch):
    def exhaust(self, *args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Tensor, "backward", exhaust)
    with pytest.raises(MemoryError, match="lower batch_size"):
        make_classifier([TEXT], epochs=2, linear=False).fit(frame, frame["label"])


def test_other_errors_are_left_as_they_are(frame, make_classifier, monkeypatch):
    def fail(logits):
        raise RuntimeError("something else")

    break_off(monkeypatch, 0, fail)
    with pytest.raises(RuntimeError, match="something else"):
        make_classifier([TEXT], epochs=2).fit(frame, frame["label"])


@pytest.mark.parametrize(
    ("losses", "falling"),
    [([1.0, 0.9], True), ([1.0, 0.999], False), ([1.0, 1.1], False), ([1.0], False), ([], False)],
)
def test_a_loss_that_still_falls_is_told_from_a_plateau(losses, falling):
    history = [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(losses)]
    assert TrainingResult(history, interrupted=False).still_falling is falling


def test_training_without_held_out_rows_says_nothing_of_them():
    history = [{"epoch": epoch, "train_loss": 1.0 - epoch / 2} for epoch in range(2)]
    assert not TrainingResult(history, interrupted=False).still_falling
