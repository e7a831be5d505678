import io

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import Audio
from mmgraph.errors import CellError
from mmgraph.modalities.decoding.audio import decode_audio
from mmgraph.nn.encoders.audio import FrameEncoder, MaskedConv

RATE = 8000


def tone(hertz, seconds=0.5, rate=RATE):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def written(samples, kind, rate=RATE):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def test_a_tone_is_loudest_in_its_band():
    audio = Audio("clip", mels=40, cache=False)
    cells = [[(tone(hertz), RATE)] for hertz in (300, 1000, 3000)]
    bands = [int(item["mel"].float().mean(0).argmax()) for (item,) in audio.transform(cells)]
    assert bands == sorted(set(bands))
    # On the mel scale of 40 bands up to 8 kHz, a kilohertz lies at about a third.
    assert bands[1] == pytest.approx(40 * 15 / 45, abs=2)


def test_a_frame_every_ten_milliseconds_and_a_node_every_forty():
    audio = Audio("clip", cache=False).fit([[(tone(500), RATE)]])
    samples = audio.transform([[(tone(500, 0.5), RATE), (tone(500, 0.03), RATE)], []])
    assert [len(item["mel"]) for item in samples[0]] == [50, 3]
    items = audio.collate(samples)
    assert items.length.tolist() == [13, 1]
    nodes = audio.make_encoder(8).eval()(items)
    assert nodes.mask.sum(1).tolist() == [14, 0]
    place = audio.place(samples[0][0], 2)
    assert place.span == pytest.approx((0.08, 0.12))
    assert audio.place(samples[0][0], 12).span == pytest.approx((0.48, 0.5))


def test_loudness_does_not_matter_but_a_masked_part_does():
    audio = Audio("clip", cache=False)
    (loud,), (soft,) = audio.transform([[(tone(500), RATE)], [(0.01 * tone(500), RATE)]])
    torch.testing.assert_close(loud["mel"], soft["mel"], atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_formats(tmp_path, kind):
    samples = tone(500)
    path = tmp_path / f"clip.{kind.lower()}"
    path.write_bytes(written(samples, kind))
    for raw in (path, str(path), path.read_bytes(), {"path": str(path), "bytes": None}):
        signal = decode_audio(raw, 16_000, seconds=9.0)
        assert len(signal.samples) == pytest.approx(8000, abs=1)
        assert not signal.cut
    assert np.abs(signal.samples).max() == pytest.approx(1, abs=0.1)


def test_channels_are_mixed_and_long_clips_cut(caplog):
    stereo = np.stack([tone(500), -tone(500)], axis=1)
    samples, cut = decode_audio((stereo, RATE), RATE, seconds=0.25)
    assert (len(samples), cut) == (2000, True)
    assert np.abs(samples).max() < 1e-6
    audio = Audio("clip", seconds=0.2, cache=False)
    with caplog.at_level("INFO", "mmgraph"):
        (item,) = audio.transform([[(tone(500), RATE)]])[0]
    assert len(item["mel"]) == 20
    assert "1 clips cut to seconds=0.2" in caplog.text


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "cannot be decoded"),
        (b"this is a text, not a sound", "cannot be decoded"),
        ("nowhere.wav", "does not exist"),
        ("https://example.org/a.wav", "download it"),
        ((np.zeros(0), RATE), "no samples"),
        ((np.array([0.0, np.nan]), RATE), "NaN or infinity"),
        ((np.zeros(9), 0), "samples a second"),
        ((np.zeros((2, 900)), RATE), "transpose it"),
        ((np.zeros((2, 2, 2)), RATE), "pass each clip by itself"),
        ((np.array(["a"]), RATE), "convert them to float"),
        (5, "expected a clip as path"),
    ],
)
def test_what_is_no_sound(raw, message):
    with pytest.raises(CellError, match=message):
        Audio("clip").transform([[raw]])
    with pytest.warns(UserWarning, match="1 unreadable values in 1 rows"):
        assert Audio("clip", unreadable="missing").transform([[raw]]) == [[]]


WAVE = written(tone(500, 0.05), "WAV")
FLAC = written(tone(500, 0.05), "FLAC")


@given(
    st.sampled_from([WAVE, FLAC]), st.integers(0, 400), st.binary(max_size=8), st.integers(0, 900)
)
def test_mutated_files_are_read_or_refused(content, start, new, kept):
    mutated = (content[:start] + new + content[start + len(new) :])[: len(content) - kept // 3]
    try:
        signal = decode_audio(mutated, RATE, seconds=1.0)
    except CellError:
        return
    assert np.isfinite(signal.samples).all()
    assert len(signal.samples) <= RATE


def test_what_looks_like_audio():
    assert Audio.accepts(["a.wav", "b.MP3"])
    assert Audio.accepts([WAVE, FLAC])
    assert Audio.accepts([(np.zeros(9), 8000), {"array": np.zeros(9), "sampling_rate": 8000}])
    for values in ([], ["a.png"], [5], [np.zeros(9)], [b"text"], [{"a": 1}], ["a.wav", "b.png"]):
        assert not Audio.accepts(values)


def test_augmentation_changes_time_and_pitch_and_masks():
    audio = Audio("clip", cache=False).fit([[(tone(500), RATE)]])
    ((item,),) = audio.transform([[(tone(500), RATE)]])
    torch.manual_seed(0)
    changed = [audio.augment(item)["mel"] for _ in range(20)]
    lengths = {len(mel) for mel in changed}
    assert min(lengths) >= 50 / 1.16
    assert max(lengths) <= 50 / 0.84
    assert len(lengths) > 5
    assert all(mel.shape[1] == 64 and mel.isfinite().all() for mel in changed)
    still = Audio("clip", speed=0.0, pitch=0.0, masks=0.0, cache=False)
    assert torch.equal(still.augment(item)["mel"], item["mel"])


def test_spectrograms_are_kept_by_content(tmp_path, monkeypatch):
    path = tmp_path / "clip.wav"
    path.write_bytes(WAVE)
    audio = Audio("clip")
    ((first,),) = audio.transform([[str(path)]])
    monkeypatch.setattr("mmgraph.modalities.audio.decode_audio", None)  # not called again
    ((again,),) = audio.transform([[WAVE]])
    assert torch.equal(first["mel"], again["mel"])


def test_masked_convolution_by_hand():
    conv = MaskedConv(1, 1, (2, 1)).eval()
    torch.nn.init.ones_(conv.conv.weight)
    x = torch.ones(2, 1, 4, 1)
    x[1, :, 3:] = 0
    maps, length = conv(x, torch.tensor([4, 3]))
    assert length.tolist() == [2, 2]
    torch.testing.assert_close(
        maps.flatten(1), torch.tensor([[2.0, 3.0], [2.0, 2.0]]), atol=1e-3, rtol=0
    )


def test_batches_without_any_sound_train():
    encoder = FrameEncoder(16, 8).train()
    audio = Audio("clip", mels=16).fit([])
    nodes = encoder(audio.collate([[], []]))
    nodes.x.sum().backward()
    assert nodes.mask.shape == (2, 0)
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())
    assert all(b.isfinite().all() for b in encoder.buffers())
