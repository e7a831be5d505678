import importlib
import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.errors import CellError, MissingPackageError
from mmgraph.modalities.decoding.audio import audio_hash, decode_audio

RATE = 8000


def tone(seconds: float = 1.0, pitch: float = 440.0, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def encoded(samples, kind="WAV", rate=RATE, **options) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, **options)
    return buffer.getvalue()


def decoded(raw, rate=RATE, seconds=10.0) -> np.ndarray:
    return decode_audio(raw, rate, seconds=seconds).samples


@pytest.mark.parametrize(
    ("kind", "error"), [("WAV", 1e-4), ("FLAC", 1e-4), ("AIFF", 1e-4), ("OGG", 0.06), ("MP3", 0.06)]
)
def test_formats(kind, error, tmp_path):
    data = encoded(tone(), kind)
    path = tmp_path / "clip"
    path.write_bytes(data)
    for raw in (data, bytearray(data), memoryview(data), path, str(path), {"bytes": data}):
        samples = decoded(raw)
        assert samples.dtype == np.float32
        assert len(samples) == RATE
        # The codecs fade in; what matters is the middle.
        np.testing.assert_allclose(samples[2000:6000], tone()[2000:6000], atol=error)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([16384, -32768], np.int16), [0.5, -1.0]),
        (np.array([2**30, -(2**31)], np.int32), [0.5, -1.0]),
        (np.array([0, 128, 192], np.uint8), [-1.0, 0.0, 0.5]),
        (np.array([0.25, -2.0]), [0.25, -2.0]),
        (np.array([0.25], np.float16), [0.25]),
        (np.array([[0.25, 0.75], [0.0, 1.0]]), [0.5, 0.5]),
        (np.array([[16384], [0]], np.int16), [0.5, 0.0]),
    ],
)
def test_arrays_become_mono_floats(values, expected):
    np.testing.assert_allclose(decoded((values, RATE)), expected)


def test_channels_of_files_are_mixed():
    stereo = np.stack([tone(), np.zeros(RATE)], axis=1)
    np.testing.assert_allclose(decoded(encoded(stereo)), tone() / 2, atol=1e-4)


@pytest.mark.parametrize("rate", [4000, 11025, 16000, 44100, 96000])
def test_resampling_keeps_duration_and_pitch(rate):
    samples = decoded((tone(0.5, 440.0, rate), rate), 16000)
    assert len(samples) == 8000
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(8000)))
    assert spectrum.argmax() * 2 == pytest.approx(440, abs=2)
    assert np.abs(samples[2000:6000]).max() == pytest.approx(0.5, abs=0.01)


def test_only_the_beginning_is_read():
    ramp = np.linspace(0, 0.9, 10 * RATE)
    for raw in ((ramp, RATE), encoded(ramp, "FLAC")):
        whole, long = (decode_audio(raw, RATE, seconds=seconds) for seconds in (10.0, 2.5))
        assert (len(whole.samples), whole.cut) == (10 * RATE, False)
        assert (len(long.samples), long.cut) == (20_000, True)
        np.testing.assert_array_equal(long.samples, whole.samples[:20_000])


def test_hugging_face_clips(tmp_path):
    samples = tone()
    (tmp_path / "a.wav").write_bytes(encoded(samples))

    class AudioDecoder(dict):
        """Newer versions of datasets give an object that is asked like the dict of old."""

    whole = {"array": samples, "sampling_rate": RATE, "path": "gone.wav"}
    for raw in (whole, AudioDecoder(whole), {"array": list(samples), "sampling_rate": RATE}):
        np.testing.assert_allclose(decoded(raw), samples, atol=1e-6)
    for raw in (
        {"bytes": encoded(samples), "path": "gone.wav"},
        {"bytes": None, "path": str(tmp_path / "a.wav")},
    ):
        np.testing.assert_allclose(decoded(raw), samples, atol=1e-4)


def test_hash_is_of_the_content(tmp_path):
    data = encoded(tone())
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(data)
    hashes = {audio_hash(raw) for raw in (data, tmp_path / "a.wav", str(tmp_path / "b.wav"))}
    assert len(hashes) == 1
    pair = (tone(), RATE)
    assert audio_hash(pair) == audio_hash({"array": tone(), "sampling_rate": RATE})
    others = [data, (tone(), 16000), (tone().astype(np.float32), RATE), (tone()[:-1], RATE)]
    assert audio_hash(pair) not in set(map(audio_hash, others))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "clip of 0 bytes cannot be decoded"),
        (b"just some text, and no sound", "cannot be decoded"),
        (encoded(np.zeros(0)), "has no samples"),
        ((np.zeros(0), RATE), "the array has no samples"),
        ((np.array([0.0, np.nan]), RATE), "the array has NaN or infinity"),
        ((np.array([0.0, 1e300]), RATE), "the array has NaN or infinity"),
        (encoded(np.array([0.0, np.inf]), subtype="FLOAT"), "has NaN or infinity"),
        ((tone(), 0), "1,000 to 768,000 samples a second, but the array has 0"),
        ((tone(), 2_000_000_000), "has 2000000000"),
        ((tone(), float("nan")), "has nan"),
        ((tone(), "8000"), "has '8000'"),
        ((np.zeros((2, 100)), RATE), r"got \[2, 100\]; transpose it"),
        ((np.zeros((100, 40)), RATE), r"got \[100, 40\]; transpose it"),
        ((np.zeros((2, 3, 4)), RATE), "pass each clip by itself"),
        ((np.zeros(5, bool), RATE), "got bool; convert them to float"),
        ((np.zeros(5, complex), RATE), "got complex128"),
        ((np.array(["a"]), RATE), "got <U1"),
        (([[1.0, 2.0], [3.0]], RATE), "give every channel as many samples"),
        ("missing.wav", "does not exist; correct the path, or name the folder"),
        ("https://example.org/a.wav", "download it"),
        ("a\0b.wav", "correct the path"),
        (3.5, "got float; convert it"),
        ({"text": "hello"}, "got NoneType"),
    ],
    # Encoded sounds hold the time they were made at, which would name the test.
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,
)
def test_what_is_no_clip(raw, message):
    with pytest.raises(CellError, match=message):
        decoded(raw)


def test_folders_and_texts_are_no_clips(tmp_path):
    (tmp_path / "text.wav").write_text("RIFFraff")
    for path, message in ((tmp_path, "is a folder"), (tmp_path / "text.wav", "cannot be decoded")):
        with pytest.raises(CellError, match=message):
            decoded(path)
    with pytest.raises(CellError, match="is a folder"):
        audio_hash(tmp_path)


def test_headers_are_not_believed():
    """Bytes that claim hours of sound, or a rate beyond reason, cost no memory."""
    data = bytearray(encoded(tone(0.01)))
    place = data.index(b"data") + 4
    struct.pack_into("<I", data, place, 2**32 - 9)
    assert len(decoded(bytes(data))) == 80
    struct.pack_into("<I", data, data.index(b"fmt ") + 12, 2_000_000_000)
    with pytest.raises(CellError, match="samples a second"):
        decoded(bytes(data))


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@settings(max_examples=40)
@given(data=st.data())
def test_broken_files_are_cell_errors(kind, data):
    broken = bytearray(encoded(tone(0.1), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        # Headers are where damage does most.
        place = data.draw(st.integers(0, 99) | st.integers(0, len(broken) - 1))
        broken[min(place, len(broken) - 1)] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    try:
        samples, _ = decode_audio(bytes(broken), 8000, seconds=1.0)
    except CellError:
        return
    assert 0 < len(samples) <= 8000
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("package", ["librosa", "soundfile"])
def test_missing_packages_are_named(package, monkeypatch):
    def fail(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    raw = (tone(), RATE) if package == "librosa" else encoded(tone())
    with pytest.raises(MissingPackageError, match=rf'{package}: pip install "mmgraph\[audio\]"'):
        decoded(raw, 16000)
