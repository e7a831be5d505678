import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mmgraph import Items
from mmgraph.nn.linear.features import MeanFeatures, NgramFeatures
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.solve import solve
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
    model = LinearModel({"image": [MeanFeatures(WIDTH)], "text": [NgramFeatures("words")]}, CLASSES)
    batches = [
        {"image": dense(images[rows]), "text": sparse(texts[rows])}
        for rows in (slice(0, 25), slice(25, 60))
    ]
    task = Multiclass(CLASSES)
    task.class_weight = torch.tensor([1.0, 3.0, 0.5])
    solve(model, model.measure(batches), target, task)
    return model


def both(images, texts):
    return {"image": dense(images), "text": sparse(texts)}


def test_equals_scikit_learn(samples, fitted):
    images, texts, target = samples
    real = torch.tensor([row is not None for row in images])
    x = torch.stack([torch.zeros(WIDTH) if row is None else row for row in images])
    standard = (x - x[real].mean(0)) / x[real].std(0, correction=0) * real.unsqueeze(1)
    (image_bag,), (text_bag,) = fitted.pooled["image"], fitted.pooled["text"]
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
    complete = real & torch.tensor([row is not None for row in texts])
    np.testing.assert_allclose(probability[complete], expected[complete], atol=1e-3)


@torch.no_grad()
def test_modalities_add_up(samples, fitted):
    images, texts, _ = samples
    logits = {(i, t): fitted(both([images[i]], [texts[t]])) for i in (0, 1) for t in (0, 1)}
    torch.testing.assert_close(
        logits[0, 0] + logits[1, 1], logits[0, 1] + logits[1, 0], atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(logits[0, 0], logits[1, 0], atol=0.01)


@torch.no_grad()
def test_what_is_there_alone_is_weighed_alone(samples, fitted):
    images, texts, target = samples
    lone = LinearModel({"image": [MeanFeatures(WIDTH)]}, CLASSES)
    task = Multiclass(CLASSES)
    task.class_weight = torch.tensor([1.0, 3.0, 0.5])
    real = [number for number, image in enumerate(images) if image is not None]
    solve(lone, lone.measure([{"image": dense([images[n] for n in real])}]), target[real], task)
    expected = lone({"image": dense(images[:3])})
    torch.testing.assert_close(fitted(both(images[:3], [None] * 3)), expected, atol=2e-3, rtol=1e-3)
    mixed = fitted(both(images[:3], [texts[0], None, None]))
    assert torch.equal(mixed[1:], fitted(both(images[:3], [None] * 3))[1:])
    torch.testing.assert_close(mixed[:1], fitted(both(images[:1], texts[:1])))


@torch.no_grad()
def test_what_is_missing_adds_nothing(fitted):
    assert fitted(both([None] * 2, [None] * 2)).abs().max() == 0


@torch.no_grad()
def test_state_dict_brings_all_sizes(samples, fitted):
    images, texts, _ = samples
    fresh = LinearModel({"image": [MeanFeatures(WIDTH)], "text": [NgramFeatures("words")]}, CLASSES)
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh(both(images, texts)), fitted(both(images, texts)))


def test_a_modality_that_training_never_had(samples):
    images, texts, target = samples
    model = LinearModel({"image": [MeanFeatures(WIDTH)], "text": [NgramFeatures("words")]}, CLASSES)
    solve(model, model.measure([both(images, [None] * 60)]), target, Multiclass(CLASSES))
    with torch.no_grad():
        with_texts, without = model(both(images, texts)), model(both(images, [None] * 60))
    torch.testing.assert_close(with_texts, without)


@torch.no_grad()
def test_a_constant_feature_does_no_harm(samples):
    images, texts, target = samples
    constant = [None if row is None else row * torch.tensor([1, 1, 1, 1, 0]) for row in images]
    model = LinearModel({"image": [MeanFeatures(WIDTH)], "text": [NgramFeatures("words")]}, CLASSES)
    solve(model, model.measure([both(constant, texts)]), target, Multiclass(CLASSES))
    assert model(both(constant, texts)).isfinite().all()
    assert model.weight[4].abs().max() == 0
