"""Which other files an ONNX program reads: its weights may lie beside it, and nowhere else.

ONNX files are protocol buffers. Only the few fields on the way to tensors are looked at, so that
no package is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from mmgraph.errors import DataError

#: Fields that lead to tensors, by kind of message (onnx.proto): number of the field -> its kind.
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}

_MOST_DEPTH = 32


def check_files(path: Path) -> None:
    """Raise where a program reads other files than ones beside it.

    Args:
        path: The .onnx file.

    Raises:
        DataError: It does.
        ValueError: It is damaged.
    """
    for name in _outside(memoryview(path.read_bytes()), "model", 0):
        plain = name.strip(" .") and "/" not in name and "\\" not in name
        if not plain or PureWindowsPath(name).drive or (path.parent / name).is_symlink():
            raise DataError(f"reads the file {name!r:.100}, which is not beside it; it is refused")


def _outside(data: memoryview, kind: str, depth: int) -> Iterator[str]:
    """Yield the names of the files that tensors are in."""
    if depth > _MOST_DEPTH:
        raise ValueError("it is nested too deep")
    texts: dict[int, str] = {}
    for number, content in _fields(data):
        if kind == "entry" and number in (1, 2):
            texts[number] = bytes(content).decode("utf-8", "replace")
        elif inner := _FIELDS[kind].get(number):
            yield from _outside(content, inner, depth + 1)
    if texts.get(1) == "location":
        yield texts.get(2, "")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the fields of a message that have a length: strings, bytes and other messages."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            _, place = _varint(data, place)
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        elif wire == 2:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise ValueError("it is cut off")
            yield number, data[place : place + size]
            place += size
        else:
            raise ValueError("it is no ONNX file")


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if place >= len(data):
            raise ValueError("it is cut off")
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("it is no ONNX file")
