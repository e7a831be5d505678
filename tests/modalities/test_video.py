import io

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from mmgraph import Image, Video
from mmgraph.errors import CellError
from mmgraph.modalities.decoding.video import decode_video, spread_evenly

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)]


def pictures(count=10, side=32):
    """Make pictures that change colour every second picture."""
    return np.stack([np.full((side, side, 3), COLORS[n // 2], np.uint8) for n in range(count)])


def animation(count=10):
    frames = [PILImage.fromarray(picture) for picture in pictures(count)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def film(path, count=10, rate=5):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for picture in pictures(count):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def colors(found):
    return [
        np.asarray(PILImage.open(p) if hasattr(p, "suffix") else p)[8, 8, :3].tolist()
        for p in found.pictures
    ]


@pytest.mark.parametrize(("count", "wanted"), [(10, 5), (7, 3), (3, 8), (1, 1), (100, 7)])
def test_pictures_are_spread_evenly(count, wanted):
    chosen = spread_evenly(count, wanted)
    assert len(chosen) == min(count, wanted)
    assert len(set(chosen)) == len(chosen)
    assert set(np.diff(chosen)) <= {count // wanted, count // wanted + 1} or count <= wanted
    assert abs(sum(chosen) / len(chosen) - (count - 1) / 2) <= 0.75


def test_arrays_folders_and_animations(tmp_path):
    for number, picture in enumerate(pictures()):
        PILImage.fromarray(picture).save(tmp_path / f"{number:02}.png")
    for raw in (pictures(), tmp_path, str(tmp_path)):
        found = decode_video(raw, 5)
        assert colors(found) == [list(color) for color in COLORS]
        assert found.end == pytest.approx(10 / 25)
        assert found.seconds == pytest.approx([n / 25 for n in (1, 3, 5, 7, 9)])
    found = decode_video(animation(), 2)
    # Pillow joins equal pictures of a GIF: five remain, of 200 ms each.
    assert colors(found) == [list(COLORS[1]), list(COLORS[3])]
    assert found.seconds == pytest.approx([0.2, 0.6])
    assert found.end == pytest.approx(1.0)


def test_video_files(tmp_path):
    path = film(tmp_path / "film.mp4")
    for raw in (str(path), path.read_bytes()):
        found = decode_video(raw, 5)
        np.testing.assert_allclose(colors(found), COLORS, atol=40)  # the codec loses a little
        assert found.seconds == pytest.approx([0.2, 0.6, 1.0, 1.4, 1.8])
        assert found.end == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"no video", "cannot be decoded"),
        ("nowhere.mp4", "does not exist"),
        (np.zeros((8, 8, 3)), r"\[pictures, height, width, 3\], got \[8, 8, 3\]"),
        (np.zeros((0, 8, 8, 3)), "stack its pictures"),
        (5, "got int"),
    ],
)
def test_what_is_no_video(raw, message):
    with pytest.raises(CellError, match=message):
        decode_video(raw, 4)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(CellError, match="holds no pictures"):
        decode_video(tmp_path, 4)


def test_a_node_is_the_mean_of_a_picture_in_its_time():
    video = Video("clip", frames=5, size=64).fit([[pictures()], []])
    (item,), nothing = video.transform([[pictures()], []])
    assert nothing == []
    image = Image("x", size=64).fit([])
    regions = image.transform([[pictures()[3]]])[0][0]["features"]
    expected = (regions.mean(0) - video.mean_) / video.std_
    torch.testing.assert_close(item["features"][1], expected, atol=1e-4, rtol=1e-4)
    assert video.place(item, 1).span == pytest.approx((0.12, 0.2))
    assert video.place(item, 4).span == pytest.approx((0.36, 0.4))
    nodes = video.make_encoder(8)(video.collate([[item], []]))
    assert nodes.mask.sum(1).tolist() == [5, 0]


def test_what_looks_like_video():
    assert Video.accepts(["a.mp4", "b.MOV"])
    assert Video.accepts([pictures()])
    for values in ([], ["a.png"], [np.zeros((8, 8, 3))], [b"text"], [4]):
        assert not Video.accepts(values)
    with pytest.raises(ValueError, match="frames=0"):
        Video("clip", frames=0)
