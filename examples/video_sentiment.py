"""Sentiment of spoken opinions from what is seen, received and said.

    python examples/video_sentiment.py                       # a small generated set of clips
    python examples/video_sentiment.py --mosi mosi_data.pkl  # CMU-MOSI's or MOSEI's features

Without a file, films of a few pictures (`Video`), their sound (`Audio`) and a sentence (`Text`) are
generated, each of which tells the sentiment in part. With one, the published features of text,
audio and vision are read as sequences (`Features`), and the strength of the sentiment, from -3 to
3, is predicted: mean absolute error, correlation, and accuracy of the sign without zeros.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from mmgraph import (
    Audio,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Text,
    Video,
    evaluate_predictions,
)
from mmgraph.datasets import load_mosi

RATE = 8000
WORDS = {
    "positive": ["lovely", "great", "I would watch it again", "so warm"],
    "negative": ["dull", "a waste", "I left early", "so cold"],
}


def make_clips(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return clips in which picture, sound and words tell the sentiment, each with errors."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        label = random.choice(["positive", "negative"])
        seen, received, said = (label == "positive") ^ (random.random(3) < 0.2)
        light = 80 + 90 * seen + random.normal(0, 10)
        film = np.clip(random.normal(light, 30, (10, 48, 48, 3)), 0, 255).astype(np.uint8)
        clock = np.arange(RATE) / RATE
        pitch = (330 if received else 220) * 2 ** random.normal(0, 0.05)
        sound = np.sin(2 * np.pi * pitch * clock) + random.normal(0, 0.3, RATE)
        words = random.choice(WORDS["positive" if said else "negative"], 2)
        made.append(
            {"film": film, "sound": (sound, RATE), "words": " and ".join(words), "label": label}
        )
    return pd.DataFrame(made)


def generated(rows: int, epochs: int) -> None:
    train, test = make_clips(rows), make_clips(rows, seed=1)
    columns = {
        "film": Video("film", frames=4, size=64),
        "sound": Audio("sound"),
        "words": Text("words", features=None),
    }
    for chosen in (["film"], ["sound"], ["words"], list(columns)):
        clf = MultimodalGraphClassifier(
            [columns[name] for name in chosen], epochs=epochs, verbose=False
        ).fit(train, train["label"])
        print(f"{' + '.join(chosen):22} accuracy={clf.score(test, test['label']):.3f}", flush=True)


def published(path: str, rows: int | None, epochs: int) -> None:
    clips = load_mosi(path)
    train, test = clips.part("train", "val")[:rows], clips.part("test")[:rows]
    regressor = MultimodalGraphRegressor(clips.modalities, epochs=epochs, verbose=False)
    # Clips of one video stay together while epochs are chosen.
    predicted = regressor.fit(train, clips.label, groups=clips.groups).predict(test)
    scores = evaluate_predictions(clips.metrics, test[clips.label], predicted)
    print("  ".join(f"{name}={score:.3f}" for name, score in scores.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mosi", help="pickle of MMSA, MulT or MultiBench")
    parser.add_argument("--rows", type=int, help="training rows")
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    start = time.perf_counter()
    if args.mosi:
        published(args.mosi, args.rows, args.epochs)
    else:
        generated(args.rows or 240, args.epochs)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
