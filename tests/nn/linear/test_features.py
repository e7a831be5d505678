import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from mmgraph.graph.items import Items
from mmgraph.modalities.tokens.ngrams import character_ngrams, word_ngrams
from mmgraph.nn.linear.features import MeanFeatures, NgramFeatures
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.patches import PatchFeatures
from mmgraph.nn.linear.solve import solve
from mmgraph.nn.tasks import Multiclass

TEXTS = ["a cat sat", "the cat, the dog", "Dogs bark", "nap", "the end of the day", "cats nap"]
KINDS = {
    "characters": (character_ngrams, {"analyzer": "char_wb", "ngram_range": (2, 5)}),
    "words": (word_ngrams, {"token_pattern": r"\S+", "ngram_range": (1, 2)}),
}


def text_items(texts, key, ngrams):
    """Join texts, one a sample; None is a sample without a text."""
    hashes = [torch.from_numpy(ngrams(text)) for text in texts if text is not None]
    sample = [row for row, text in enumerate(texts) if text is not None]
    return Items(
        data={
            key: torch.cat([torch.zeros(0, dtype=torch.long), *hashes]),
            f"{key}_length": torch.tensor([len(each) for each in hashes]).long(),
        },
        length=torch.ones(len(sample), dtype=torch.long),
        sample=torch.tensor(sample).long(),
        batch_size=len(texts),
    )


def feature_items(x, sample, batch_size):
    length = torch.full((len(x),), x.shape[1] if x.ndim == 3 else 1)
    return Items({"features": x}, length, torch.tensor(sample).long(), batch_size)


@pytest.mark.parametrize("kind", KINDS)
def test_ngrams_weigh_as_scikit_learn_does(kind):
    ngrams, options = KINDS[kind]
    features = NgramFeatures(kind)
    features.fit([text_items(TEXTS[:3], kind, ngrams), text_items(TEXTS[3:], kind, ngrams)])
    expected = TfidfVectorizer(sublinear_tf=True, **options).fit(TEXTS)
    new = [*TEXTS, "a new cat 狗"]
    ours, theirs = features(text_items(new, kind, ngrams)).to_dense(), expected.transform(new)
    assert ours.shape == theirs.shape
    # The columns stand in another order, which inner products do not see.
    np.testing.assert_allclose(ours @ ours.T, (theirs @ theirs.T).toarray(), atol=1e-6)


def test_ngrams_of_texts_without_words():
    for ngrams in (character_ngrams, word_ngrams):
        assert len(ngrams("")) == len(ngrams(" \n ")) == 0
    assert len(word_ngrams("狗")) == 1
    same = [character_ngrams(text).tolist() for text in ("\uff23\uff21\uff34", "cat")]
    assert same[0] == same[1]


def test_ngrams_leave_stop_words_out():
    stopped = word_ngrams("the cat and the dog", frozenset({"the", "and"}))
    np.testing.assert_array_equal(stopped, word_ngrams("cat dog"))


def test_most_frequent_ngrams_are_kept():
    features = NgramFeatures("words", max_features=1)
    items = text_items(["cat", "cat", "dog"], "words", word_ngrams)
    features.fit([items])
    assert features(items).to_dense().flatten().tolist() == [1, 1, 0]


def test_ngram_bag_without_any_text():
    features = NgramFeatures("words")
    items = text_items([None, None], "words", word_ngrams)
    features.fit([items])
    assert features(items).shape == (2, 0)
    assert features.present(items).tolist() == [False, False]


def test_mean_bag_by_hand():
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 5.0], [5.0, 5.0]]])
    features = MeanFeatures(2)
    assert features(feature_items(x, [0, 0], 2)).tolist() == [[3.5, 4.0], [0.0, 0.0]]
    assert features.present(feature_items(x, [1, 1], 2)).tolist() == [False, True]


def test_patch_bag_tells_textures_apart():
    torch.manual_seed(0)
    stripes = torch.zeros(6, 3, 48, 48)
    stripes[:3, :, ::4] = 255
    stripes[3:, :, :, ::4] = 255
    noise = torch.randint(0, 20, stripes.shape)
    pixels = (stripes + noise).clamp(max=255).to(torch.uint8)
    items = Items({"pixels": pixels}, torch.ones(6).long(), torch.arange(6), 7)
    features = PatchFeatures(8)
    features.fit([items])
    x = features(items)
    assert x.shape == (7, features.width) == (7, 32)
    assert not x[6].any()
    within, across = (x[0] - x[1]).norm(), (x[0] - x[4]).norm()
    assert across > 3 * within
    alone = Items({"pixels": pixels[4:5]}, torch.ones(1).long(), torch.zeros(1).long(), 1)
    torch.testing.assert_close(features(alone)[0], x[4])
    empty = Items({"pixels": pixels[:0]}, torch.zeros(0).long(), torch.zeros(0).long(), 1)
    features.fit([empty])  # nothing to learn, nothing lost
    torch.testing.assert_close(features(items), x)


def linear_problem():
    torch.manual_seed(0)
    x = torch.randn(40, 5) * torch.tensor([1.0, 10, 1, 0.1, 3]) + 4
    target = (x[:, 0] > 4).long() + (x[:, 1] > 4).long()
    return x, target


def test_linear_model_is_scikit_learns_regression():
    x, target = linear_problem()
    model = LinearModel({"image": [MeanFeatures(5)]}, 3)
    batches = [
        {"image": feature_items(x[a:b], list(range(b - a)), b - a)} for a, b in ((0, 25), (25, 40))
    ]
    solve(model, model.measure(batches), target, Multiclass(3))
    scaled = 2 * ((x - x.mean(0)) / x.std(0, correction=0)) / 5**0.5
    expected = LogisticRegression(C=1, max_iter=1000, tol=1e-8).fit(scaled, target)
    ours = torch.cat([model(batch) for batch in batches]).softmax(1).detach()
    np.testing.assert_allclose(ours, expected.predict_proba(scaled), atol=2e-3)


def test_linear_model_of_both_bags_can_be_restored():
    x, target = linear_problem()
    pooled = {"image": [MeanFeatures(5)], "text": [NgramFeatures("words")]}
    texts = ["cat" if kind else "dog" for kind in target]
    words = text_items(texts, "words", word_ngrams)
    items = {"image": feature_items(x, list(range(40)), 40), "text": words}
    model = LinearModel(pooled, 3)
    solve(model, model.measure([items]), target, Multiclass(3))
    again = LinearModel(pooled | {"text": [NgramFeatures("words")]}, 3)
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(items), model(items))


def test_unknown_ngrams_count_for_nothing():
    features = NgramFeatures("words")
    features.fit([text_items(["cat", "dog"], "words", word_ngrams)])
    x = features(text_items(["cat emu", "emu", None], "words", word_ngrams)).to_dense()
    assert x.sum(1).tolist() == [1, 0, 0]


def test_items_without_nodes_are_not_present():
    items = Items({}, torch.tensor([0, 0, 3]), torch.tensor([0, 0, 1]), 3)
    assert MeanFeatures(2).present(items).tolist() == [False, True, False]
