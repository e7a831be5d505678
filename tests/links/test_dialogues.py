"""Sets of dialogues link their utterances."""

import pickle

import numpy as np
import pytest

from mmgraph import MultimodalGraphClassifier, Sequence
from mmgraph.datasets import load_iemocap, load_meld


def dialogues(count, size):
    """Return the seven dicts of a pickle: a first turn tells what the second one feels."""
    random = np.random.default_rng(0)
    names = [f"d{number}" for number in range(count)]
    feeling = {name: [2, number % 2] for number, name in enumerate(names)}
    told = {
        n: [np.r_[x[1], random.normal(size=size)], np.zeros(size + 1)] for n, x in feeling.items()
    }
    noise = {name: [random.normal(size=size) for _ in range(2)] for name in names}
    ids = {name: [f"{name}_u{turn}" for turn in range(2)] for name in names}
    speakers = {name: ["F", "M"] for name in names}
    return ids, speakers, feeling, told, noise, noise, {name: ["Well.", "No!"] for name in names}


@pytest.mark.parametrize(("load", "more"), [(load_iemocap, ()), (load_meld, ({},))])
def test_an_utterance_hears_what_was_said_before(load, more, tmp_path):
    names = [f"d{number}" for number in range(40)]
    content = (*dialogues(40, 3), names[:30], names[30:], *more)
    (tmp_path / "data.pkl").write_bytes(pickle.dumps(content))
    data = load(tmp_path / "data.pkl")
    assert data.links == [Sequence("dialogue", order="turn", speaker="speaker")]
    clf = MultimodalGraphClassifier(
        data.modalities, links=data.links, graph=False, verbose=False
    ).fit(data.part("train"), "label", groups="dialogue")
    test = data.part("test")
    second = test["turn"] == 1
    assert (clf.predict(test) == test["label"])[second].mean() > 0.9
