import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mmgraph import Items
from mmgraph.nn.additive import AdditiveModel
from mmgraph.nn.bags import MeanBag, NgramBag
from mmgraph.nn.tasks import Multiclass

CLASSES, WIDTH = 3, 5


def dense(rows):
    """Make one item of features for each row, none where the row is None."""
    real = [row for row in rows if row is not None]
    features = torch.stack(real) if real else torch.zeros(0, WIDTH)
    sample = torch.tensor([n for n, row in enumerate(rows) if row is not None], dtype=torch.long)
    return Items({"features": features}, torch.ones(len(real), dtype=torch.long), sample, len(rows))


def sparse(rows):
    """Make one item of n-grams for each row, none where the row is None."""
    real = [row for row in rows if row is not None]
    length = torch.tensor([len(row) for row in real], dtype=torch.long)
    data = {
        "words": torch.tensor([code for row in real for code in row]).long(),
        "words_length": length,
    }
    sample = torch.tensor([n for n, row in enumerate(rows) if row is not None], dtype=torch.long)
    return Items(data, length, sample, len(rows))


@pytest.fixture
def samples():
    """Return features, n-grams and classes of 60 samples, with some of each missing."""
    random = np.random.default_rng(0)
    target = random.integers(0, CLASSES, 60)
    features = torch.tensor(random.normal(target[:, None] * [1, 0, -2, 0, 0.1], 3)).float()
    ngrams = [random.choice(9, 4, p=np.roll([0.4, *[0.075] * 8], t)).tolist() for t in target]
    images = [None if n % 7 == 3 else row for n, row in enumerate(features)]
    texts = [None if n % 9 == 4 else row for n, row in enumerate(ngrams)]
    return images, texts, torch.tensor(target)


@pytest.fixture
def fitted(samples):
    images, texts, target = samples
    model = AdditiveModel({"image": [MeanBag(WIDTH)], "text": [NgramBag("words")]}, CLASSES)
    batches = [
        {"image": dense(images[rows]), "text": sparse(texts[rows])}
        for rows in (slice(0, 25), slice(25, 60))
    ]
    task = Multiclass(CLASSES)
    task.class_weight = torch.tensor([1.0, 3.0, 0.5])
    model.fit(batches, target, task)
    return model


def both(images, texts):
    return {"image": dense(images), "text": sparse(texts)}


def test_equals_scikit_learn(samples, fitted):
    images, texts, target = samples
    real = torch.tensor([row is not None for row in images])
    x = torch.stack([torch.zeros(WIDTH) if row is None else row for row in images])
    standard = (x - x[real].mean(0)) / x[real].std(0, correction=0) * real.unsqueeze(1)
    (image_bag,), (text_bag,) = fitted.bags["image"], fitted.bags["text"]
    joined = np.hstack(
        [
            standard * image_bag.scale / WIDTH**0.5,
            text_bag(sparse(texts)).to_dense() * text_bag.scale,
        ]
    )
    regression = LogisticRegression(
        C=1, class_weight={0: 1.0, 1: 3.0, 2: 0.5}, max_iter=1000, tol=1e-8
    )
    expected = regression.fit(joined, target).predict_proba(joined)
    with torch.no_grad():
        probability = fitted(both(images, texts)).softmax(1)
    np.testing.assert_allclose(probability, expected, atol=1e-3)


@torch.no_grad()
def test_modalities_add_up(samples, fitted):
    images, texts, _ = samples
    images, texts, none = images[:3], texts[:3], [None] * 3
    together = fitted(both(images, texts))
    apart = fitted(both(images, none)) + fitted(both(none, texts)) - fitted.bias
    assert not torch.allclose(together, fitted(both(images, none)), atol=0.01)
    torch.testing.assert_close(together, apart)


@torch.no_grad()
def test_what_is_missing_adds_nothing(fitted):
    logits = fitted(both([None] * 2, [None] * 2))
    torch.testing.assert_close(logits, fitted.bias.expand(2, -1))


@torch.no_grad()
def test_state_dict_brings_all_sizes(samples, fitted):
    images, texts, _ = samples
    fresh = AdditiveModel({"image": [MeanBag(WIDTH)], "text": [NgramBag("words")]}, CLASSES)
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh(both(images, texts)), fitted(both(images, texts)))


def test_a_modality_that_training_never_had(samples):
    images, texts, target = samples
    model = AdditiveModel({"image": [MeanBag(WIDTH)], "text": [NgramBag("words")]}, CLASSES)
    model.fit([both(images, [None] * 60)], target, Multiclass(CLASSES))
    with torch.no_grad():
        with_texts, without = model(both(images, texts)), model(both(images, [None] * 60))
    torch.testing.assert_close(with_texts, without)


@torch.no_grad()
def test_a_constant_feature_does_no_harm(samples):
    images, texts, target = samples
    constant = [None if row is None else row * torch.tensor([1, 1, 1, 1, 0]) for row in images]
    model = AdditiveModel({"image": [MeanBag(WIDTH)], "text": [NgramBag("words")]}, CLASSES)
    model.fit([both(constant, texts)], target, Multiclass(CLASSES))
    assert model(both(constant, texts)).isfinite().all()
    assert model.weight[4].abs().max() == 0
