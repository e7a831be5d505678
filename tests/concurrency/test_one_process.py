"""Several users of models at once: threads, asyncio, forks, spawned and pooled processes.

A second or so each; `SOAK_SECONDS=600 pytest tests/concurrency` goes on for longer, with more.
"""

import asyncio
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from mmgraph import Image, MultimodalGraphClassifier, Tabular, Text, load

SECONDS = float(os.environ.get("SOAK_SECONDS", "1"))
# Python keeps one list of filters for all threads, so that one thread's end another's.
pytestmark = pytest.mark.filterwarnings("ignore")
soak = pytest.mark.skipif("SOAK_SECONDS" not in os.environ, reason="SOAK_SECONDS is not set")

ROWS = pd.DataFrame(
    {
        "text": ["red rose", "blue sky", "a rose", "the sky"] * 4,
        "number": range(16),
        "image": [np.full((8, 8, 3), 16 * number, np.uint8) for number in range(16)],
    }
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    modalities = [
        *(Text("text", features=None), Tabular(["number"])),
        Image("image", backbone=None, size=16),
    ]
    options = {"channels": 8, "num_layers": 1, "epochs": 1, "refit": False, "verbose": False}
    clf = MultimodalGraphClassifier(modalities, **options).fit(ROWS, ["warm", "cold"] * 8)
    path = tmp_path_factory.mktemp("saved") / "model.mmgraph"
    clf.save(path)
    return path


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def expected(path):
    return load(path).predict_proba(ROWS)


def until_the_end(work, end, done):
    """Repeat some work; return how often it was done, or raise what it raises."""
    count = 0
    while not count or (time.monotonic() < end and not done.is_set()):
        try:
            work()
        except BaseException:
            done.set()
            raise
        count += 1
    return count


def all_at_once(*works):
    """Do each work in a thread of its own, over and over."""
    end, done = time.monotonic() + SECONDS, threading.Event()
    with ThreadPoolExecutor(len(works)) as pool:
        counts = [pool.submit(until_the_end, work, end, done) for work in works]
        return [count.result() for count in counts]


def test_predictions_while_models_come_and_go(path, expected, temporary):
    shared = load(path)

    def predict():
        np.testing.assert_array_equal(shared.predict_proba(ROWS), expected)

    def load_and_drop():
        loaded = load(path)
        np.testing.assert_array_equal(loaded.predict_proba(ROWS[:3]), expected[:3])
        del loaded

    counts = all_at_once(predict, predict, load_and_drop, load_and_drop)
    assert min(counts) >= 1
    assert len(os.listdir(temporary)) == 1  # what the shared one reads from
    del shared, predict
    assert not os.listdir(temporary)


def test_predictions_while_another_is_fitted_saved_and_explained(path, expected, tmp_path):
    shared = load(path)
    one, two = ROWS[["text"]], ["warm", "cold"] * 8

    def fit_and_save():
        text = Text("text", features=None)
        quick = {"channels": 4, "num_layers": 1, "epochs": 1, "refit": False, "verbose": False}
        clf = MultimodalGraphClassifier([text], **quick).fit(one, two)
        clf.save(tmp_path / "model", overwrite=True)
        assert load(tmp_path / "model").predict(one).tolist() == clf.predict(one).tolist()

    def predict():
        np.testing.assert_array_equal(shared.predict_proba(ROWS), expected)

    def explain():
        (found,) = shared.explain(ROWS[:1], method="occlusion")
        assert np.isfinite([node.score for node in found.nodes]).all()

    assert min(all_at_once(fit_and_save, predict, explain)) >= 1


def test_an_asyncio_server(path, expected):
    shared = load(path)

    async def answer(row):
        await asyncio.sleep(0.001 * (row % 3))
        rows = ROWS.iloc[[row]].to_dict("records")
        found = await asyncio.to_thread(shared.predict_proba, rows)
        np.testing.assert_allclose(found[0], expected[row], atol=1e-6)
        return row

    async def serve():
        rows = list(range(len(ROWS)))
        gone = asyncio.create_task(asyncio.to_thread(load, path))
        late = asyncio.create_task(answer(0))
        late.cancel()  # a client that went away
        assert await asyncio.gather(*map(answer, rows)) == rows
        np.testing.assert_array_equal((await gone).predict_proba(ROWS), expected)

    end = time.monotonic() + SECONDS / 2
    while True:
        asyncio.run(serve())
        if time.monotonic() > end:
            break


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of POSIX")
def test_forks_share_a_model_that_threads_use(path, expected, temporary):
    shared = load(path)
    children = []

    def predict():
        np.testing.assert_array_equal(shared.predict_proba(ROWS), expected)

    def fork():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads are meant
            child = os.fork()
        if not child:
            code = 1
            try:
                code = int(not np.array_equal(shared.predict_proba(ROWS), expected))
            finally:
                os._exit(code)
        children.append(child)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    fork()
    all_at_once(predict, predict, fork)
    assert len(os.listdir(temporary)) == 1
    predict()  # nobody took away what it reads from


def predict_alone(model, rows):
    return model.predict_proba(rows)


@soak  # it imports everything anew
def test_a_spawned_process(path, expected):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    shared = load(path)
    process = context.Process(target=predict_path, args=(queue, path, pickle.dumps(shared), ROWS))
    process.start()
    by_path, by_pickle = queue.get()
    process.join()
    assert process.exitcode == 0
    np.testing.assert_array_equal(by_path, expected)
    np.testing.assert_array_equal(by_pickle, expected)
    np.testing.assert_array_equal(shared.predict_proba(ROWS), expected)


def predict_path(queue, path, model, rows):
    queue.put((load(path).predict_proba(rows), pickle.loads(model).predict_proba(rows)))


@soak
def test_a_pool_of_loky(path, expected):
    joblib = pytest.importorskip("joblib")
    shared = load(path)
    with joblib.parallel_config("loky", n_jobs=2):
        tasks = [joblib.delayed(predict_alone)(shared, ROWS) for _ in range(8)]
        for found in joblib.Parallel()(tasks):
            np.testing.assert_array_equal(found, expected)


FILL = """
import sys, time
import numpy as np
from pathlib import Path
from mmgraph.system.cache import FeatureCache
seed, end = int(sys.argv[2]), float(sys.argv[3])
random = np.random.default_rng(seed)
rounds = 0
while not rounds or time.time() < end:
    cache = FeatureCache("encoder", Path(sys.argv[1]))
    keys = random.integers(0, 400, 40)
    cache.put_many({bytes([k % 256, k // 256]): np.full((9, 90), k, np.float32) for k in keys})
    for key, array in cache.get_many([bytes([k % 256, k // 256]) for k in range(400)]).items():
        assert array.shape == (9, 90) and (array == key[0] + 256 * key[1]).all()
    assert cache._works
    rounds += 1
print(rounds)
"""


def test_processes_with_one_cache(tmp_path):
    """Eight with `SOAK_SECONDS`, else three: none ends with an error, and none gives up."""
    count = 8 if "SOAK_SECONDS" in os.environ else 3
    end = str(time.time() + SECONDS + count)
    command = [sys.executable, "-W", "error", "-c", FILL, str(tmp_path)]
    started = [
        subprocess.Popen([*command, str(seed), end], stdout=subprocess.PIPE, text=True)
        for seed in range(count)
    ]
    rounds = [int(each.communicate()[0]) for each in started]
    assert [each.returncode for each in started] == [0] * count
    assert min(rounds) >= 1
