"""Predict tables whose images and sounds are damaged at random: nothing may crash, hang or be lost.

    python examples/benchmarks/mutate_files.py [--images 5000] [--sounds 1000]

Bytes are changed, removed, repeated, or the end is cut off. Every damaged file stands in a table
between whole ones. What can still be read is predicted; what cannot counts as missing, with
`unreadable="missing"`, and otherwise ends in one DataError that names row and column.
"""

import argparse
import io
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import soundfile
from PIL import Image as Picture

from mmgraph import Audio, DataError, Image, MultimodalGraphClassifier

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]
SOUNDS = ["WAV", "FLAC", "OGG"]
#: Longer than this for one batch of files is a hang.
LONGEST_SECONDS = 60


def make_image(kind: str, seed: int) -> bytes:
    """Return a small picture with some structure."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 255, (4, 4, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def make_sound(kind: str, seed: int) -> bytes:
    """Return a fifth of a second of a tone."""
    time = np.arange(1600) / 8000
    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(2000 * (1 + seed % 5) * time) / 2, 8000, format=kind)
    return buffer.getvalue()


def mutate(data: bytes, draw: random.Random) -> bytes:
    """Damage some bytes."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 8, 64])):
        place = draw.randrange(max(len(changed), 1))
        what = draw.choice(["change", "change", "header", "cut", "remove", "repeat"])
        if what == "cut":
            del changed[place:]
        elif what == "remove":
            del changed[place : place + draw.choice([1, 4, 64])]
        elif what == "repeat":
            changed[place:place] = changed[place : place + draw.choice([1, 4, 64])]
        elif changed:
            place = draw.randrange(min(64, len(changed))) if what == "header" else place
            changed[place % len(changed)] = draw.choice([0, 255, draw.randrange(256)])
    return bytes(changed) or b"\0"  # no bytes at all are a missing value, and no error


def fit(modality: Image | Audio, files: list[bytes]) -> MultimodalGraphClassifier:
    """Fit a small model on whole files."""
    frame = pd.DataFrame({modality.columns: files})
    label = ["even" if number % 2 else "odd" for number in range(len(files))]
    clf = MultimodalGraphClassifier([modality], channels=16, epochs=1, verbose=False)
    return clf.fit(frame, label)


def run(
    name: str, tolerant: Image | Audio, strict: Image | Audio, make: Callable, count: int, seed: int
) -> None:
    """Predict damaged files between whole ones, and print what came of them."""
    kinds = FORMATS if name == "image" else SOUNDS
    whole = [make(kind, number) for number, kind in enumerate(kinds * 4)]
    models = {"missing": fit(tolerant, whole), "raise": fit(strict, whole)}
    draw, outcome, longest = random.Random(seed), Counter(), 0.0
    expected = models["missing"].predict_proba(pd.DataFrame({name: whole}))
    done = 0
    while done < count:
        damaged = [mutate(draw.choice(whole), draw) for _ in range(min(50, count - done))]
        frame = pd.DataFrame({name: whole + damaged})
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = models["missing"].predict_proba(frame)
            readable = models["missing"].count_items(frame)[name].to_numpy()[len(whole) :]
        assert found.shape[0] == len(frame), "a row is lost"
        assert np.isfinite(found).all(), "a prediction is not finite"
        assert np.allclose(found[: len(whole)], expected, atol=1e-5), "a neighbour has changed"
        for data, items in zip(damaged, readable, strict=True):
            outcome["still readable" if items else "missing"] += 1
            if not items:
                check_error(models["raise"], pd.DataFrame({name: [whole[0], data]}), name)
        longest = max(longest, time.perf_counter() - start)
        assert longest < LONGEST_SECONDS, f"{longest:.0f} s for {len(damaged)} files"
        done += len(damaged)
    print(f"{count} damaged {name} files: {dict(outcome)}, none crashed or lost;", end=" ")
    print(f"the longest 50 took {longest:.1f} s", flush=True)


def check_error(model: MultimodalGraphClassifier, frame: pd.DataFrame, name: str) -> None:
    """See that an unreadable file ends in the one error there is for it."""
    try:
        model.predict(frame)
        message = "an unreadable file was predicted"
    except DataError as error:
        message = str(error)
    assert message.startswith(f"row 1, column '{name}': "), message


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--sounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    image = [Image("image", backbone=None, size=32, unreadable=how) for how in ("missing", "raise")]
    run("image", *image, make_image, args.images, args.seed)
    audio = [Audio("audio", unreadable=how) for how in ("missing", "raise")]
    run("audio", *audio, make_sound, args.sounds, args.seed)


if __name__ == "__main__":
    main()
