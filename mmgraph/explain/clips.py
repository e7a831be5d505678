"""Sounds in explanations: what a browser can play, and how loud they are in time."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np

from mmgraph.modalities.base import Sound

#: Steps of the outline.
_STEPS = 160


def to_wav(sound: Sound) -> str:
    """Return a sound as the data URI of a WAV file of 16 bits.

    Example:
        >>> to_wav(Sound(np.zeros(8), 8000))[:22]
        'data:audio/wav;base64,'
    """
    samples = np.round(32767 * np.clip(sound.samples, -1, 1)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(samples.tobytes())
    return f"data:audio/wav;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def outline(sound: Sound) -> list[int]:
    """Return the largest amplitude of each of up to 160 steps, in hundredths of the largest.

    Example:
        >>> outline(Sound(np.array([0.0, -0.5, 0.25]), 8000))
        [0, 100, 50]
    """
    steps = np.array_split(np.abs(sound.samples), min(_STEPS, len(sound.samples)))
    peaks = np.array([step.max(initial=0.0) for step in steps])
    return np.round(100 * peaks / max(peaks.max(initial=0.0), 1e-12)).astype(int).tolist()
