import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgraph.errors import CellError
from mmgraph.modalities.decoding import image
from mmgraph.modalities.decoding.image import decode_image, image_hash


def pixel(raw) -> tuple[int, int, int]:
    image = decode_image(raw)
    assert image.mode == "RGB"
    return image.getpixel((0, 0))


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def palette(transparent: bool) -> bytes:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    return encoded(image, **({"transparency": 1} if transparent else {}))


def sixteen_bit(value: int) -> bytes:
    return encoded(Image.fromarray(np.full((2, 2), value, np.uint16)))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (encoded(Image.new("RGB", (2, 2), (10, 20, 30))), (10, 20, 30)),
        (encoded(Image.new("L", (2, 2), 77)), (77, 77, 77)),
        (encoded(Image.new("1", (2, 2), 1)), (255, 255, 255)),
        (encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 0))), (255, 255, 255)),
        (encoded(Image.new("RGBA", (2, 2), (100, 50, 0, 51))), (224, 214, 204)),
        (encoded(Image.new("LA", (2, 2), (0, 51))), (204, 204, 204)),
        (palette(False), (200, 100, 50)),
        (palette(True), (255, 255, 255)),
        (encoded(Image.new("L", (2, 2), 9), transparency=9), (255, 255, 255)),
        (encoded(Image.new("RGB", (2, 2), (1, 2, 3)), transparency=(1, 2, 3)), (255, 255, 255)),
        (encoded(Image.new("CMYK", (2, 2), (0, 0, 0, 255)), "TIFF"), (0, 0, 0)),
        (encoded(Image.new("CMYK", (2, 2), (0, 0, 0, 0)), "TIFF"), (255, 255, 255)),
        (encoded(Image.new("RGB", (2, 2), (255, 0, 0)), "GIF"), (255, 0, 0)),
        (sixteen_bit(65535), (255, 255, 255)),
        (sixteen_bit(257 * 40), (40, 40, 40)),
        (Image.new("I", (2, 2), 257 * 40), (40, 40, 40)),
        (Image.new("I;16", (2, 2), 257 * 40), (40, 40, 40)),
        (Image.new("I;16B", (2, 2), 257 * 40), (40, 40, 40)),
        (Image.new("F", (2, 2), 0.2), (51, 51, 51)),
        (Image.new("RGBa", (2, 2), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("La", (2, 2), (0, 0)), (255, 255, 255)),
        (np.full((2, 2), 9, np.uint8), (9, 9, 9)),
        (np.full((2, 2, 1), 9, np.uint8), (9, 9, 9)),
        (np.full((2, 2, 3), (1, 2, 3), np.uint8), (1, 2, 3)),
        (np.full((2, 2, 4), (100, 50, 0, 51), np.uint8), (224, 214, 204)),
        (np.full((2, 2), 257 * 40, np.uint16), (40, 40, 40)),
        (np.full((2, 2), 257 * 40, ">u2"), (40, 40, 40)),
        (np.ones((2, 2), bool), (255, 255, 255)),
        (np.full((2, 2, 3), 0.2, np.float32), (51, 51, 51)),
        (np.full((2, 2), 1.0, np.float64), (255, 255, 255)),
        (np.full((2, 2, 4), (0, 0, 0, 0.2), np.float16), (204, 204, 204)),
    ],
)
def test_known_pixel_values(raw, expected):
    assert pixel(raw) == expected


def test_path_string_and_bytes_agree(tmp_path):
    data = encoded(Image.new("RGB", (3, 2), (1, 2, 3)))
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for raw in (path, str(path), data, bytearray(data), memoryview(data)):
        assert pixel(raw) == (1, 2, 3)
        assert image_hash(raw) == image_hash(data)


def test_exif_turns_the_image():
    image = Image.new("RGB", (3, 2))
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: the top left goes to the top right
    turned = decode_image(encoded(image, exif=exif))
    assert turned.size == (2, 3)
    assert turned.getpixel((1, 0)) == (255, 0, 0)


def test_the_image_of_the_caller_stays_as_it_is():
    image = Image.new("RGB", (2, 2))
    decode_image(image).putpixel((0, 0), (9, 9, 9))
    assert image.getpixel((0, 0)) == (0, 0, 0)


def test_arrays_may_be_views():
    array = np.arange(24, dtype=np.uint8).reshape(3, 2, 4).transpose(1, 2, 0)
    assert decode_image(array).getpixel((0, 0)) == tuple(array[0, 0])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("missing.png", r"missing\.png.* does not exist.*root"),
        ("", r"folder|does not exist"),
        ("a\0b.png", "cannot be read"),
        (".", "is a folder"),
        ("https://example.org/a.png", "download it first"),
        (b"", "unknown format"),
        (b"not an image", "unknown format"),
        (17, "got int"),
        (np.zeros((3, 8, 8), np.uint8), r"\[3, 8, 8\].*last axis"),
        (np.zeros((8,), np.uint8), r"\[8\]"),
        (np.zeros((0, 8), np.uint8), "none"),
        (np.zeros((8, 8), np.int64), "got int64"),
        (np.full((8, 8), 200.0), "0 to 1, got 200"),
        (np.full((8, 8), np.nan), "0 to 1, got nan"),
        (Image.new("RGB", (0, 5)), "0 x 5"),
        (Image.new("I", (2, 2), 70000), "70000"),
    ],
)
def test_what_is_no_image_says_so(raw, reason):
    with pytest.raises(CellError, match=reason):
        decode_image(raw)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_file_names_its_path(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    path = tmp_path / f"half.{kind.lower()}"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CellError, match=rf"half\.{kind.lower()}.*cannot be decoded"):
        decode_image(path)
    lazy = Image.open(path)
    with pytest.raises(CellError, match=r"PIL image.*cannot be decoded"):
        image_hash(lazy)
    lazy.close()


def claims(width: int, height: int) -> bytes:
    """A PNG that says it is huge, and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_huge_image_is_refused_with_the_limit(side):
    with pytest.raises(CellError, match="89,478,485 pixels"):
        decode_image(claims(side, side))


def test_huge_files_are_refused_unread(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10**12)  # takes no space: there is nothing in it
    with pytest.raises(CellError, match=r"huge\.png'.* has 1,000,000,000,000"):
        decode_image(path)
    with pytest.raises(CellError, match="at most 715,827,880 bytes"):
        image_hash(path)


def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", "/dev/zero"):
        with pytest.raises(CellError, match=r"cannot be read \(it is a pipe or a device\)"):
            decode_image(path)


def test_limit_holds_for_images_in_memory(monkeypatch):
    monkeypatch.setattr(image, "MAX_PIXELS", 3)
    with pytest.raises(CellError, match="2 x 2"):
        decode_image(Image.new("RGB", (2, 2)))


def test_hash_tells_contents_apart():
    flat = Image.new("P", (2, 2), 1)
    flat.putpalette([0, 0, 0, 200, 100, 50])
    other = flat.copy()
    other.putpalette([0, 0, 0, 200, 100, 51])
    raws = [
        *(flat, other, Image.new("RGB", (2, 2)), Image.new("RGB", (1, 4)), Image.new("L", (2, 2))),
        *(np.zeros((2, 2), np.uint8), np.zeros((4, 1), np.uint8), np.zeros((2, 2), bool), b"a"),
    ]
    assert len({image_hash(raw) for raw in raws}) == len(raws)
    assert image_hash(flat) == image_hash(flat.copy())
    assert image_hash(np.zeros((2, 2))) == image_hash(np.zeros((2, 2)))


def test_hash_of_a_missing_file():
    with pytest.raises(CellError, match="does not exist"):
        image_hash(Path("missing.png"))
