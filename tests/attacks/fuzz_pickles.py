"""Reads pickles that are nearly right, in a process of its own: `fuzz_pickles.py COUNT SEED`.

Valid pickles are taken apart into instructions, which are dropped, doubled, moved, swapped with
those of others, and changed in some bytes. What is read is looked at down to its last byte.
Prints how many were read and how many refused, as JSON.
"""

import collections
import itertools
import json
import pickle
import pickletools
import random
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from mmgraph.datasets.pickles import read_pickle
from mmgraph.errors import DataError

LEAVES = (type(None), bool, int, float, complex, str, bytes, bytearray, np.generic)
CONTAINERS = (list, tuple, dict, set, frozenset)
NEW, OLD = b"numpy._core", b"numpy.core"


def contents():
    """What the pickles hold before they are changed."""
    structured = np.array([(1, 2.5, "a")], dtype=[("n", "<i4"), ("x", "<f8"), ("s", "U3")])
    shared = np.arange(3.0)
    yield {"audio": np.arange(6, dtype=np.float32).reshape(2, 3), "id": ["a", "b"]}
    yield [np.asfortranarray(np.eye(3)), np.float64(2.5), np.str_("word"), np.bool_(True)]
    yield {"names": np.array(["a", "bc"]), "objects": np.array(["a", None, shared], dtype=object)}
    yield [structured, structured[0], np.array(["2020-01-01"], "M8[D]"), shared, shared]
    yield ({1, 2}, frozenset("ab"), (3, b"bytes"), 1 + 2j, bytearray(b"array"), 2**70, -1, "é")
    yield collections.OrderedDict(a=[1.5, True, None], b=collections.defaultdict(list, c=[()]))
    yield np.array([[1, 2], [3, 4]], dtype=">i2"), np.zeros((0, 4)), np.array(7), np.ones(2, "?")


def evil():
    """Instructions that no such pickle has."""
    yield from (b"cos\nsystem\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"cbuiltins\neval\n")
    yield from (b"i", b"o", b"\x81", b"\x92", b"P1\n", b"Q", b"\x82\x01", b"\x97", b"\x98")
    yield from (b"R", b"b", b"0", b"1", b"2", b"t", b"(", b"\x8f", b"\x90", b"\x91", b"d", b"l")
    yield from (b"\x8a\x08" + b"\xff" * 8, b"J\xff\xff\xff\xff", b"r\xff\xff\xff\xff", b"e", b"u")
    yield from (
        b"X\x03\x00\x00\x00f8\n",
        b"U\x02V8",
        b"U\x01O",
        b"U\x02O8",
        b"U\x03U99",
        b"}",
        b"]",
    )


def instructions(data):
    """Take a pickle apart."""
    places = [place for _, _, place in pickletools.genops(data)]
    return [data[start:end] for start, end in itertools.pairwise([*places, len(data)])]


def changed(parts, pool, source):
    """Return other instructions, of which most are the same."""
    parts = list(parts)
    for _ in range(source.choice((1, 1, 2, 3, 8))):
        place = source.randrange(len(parts))
        way = source.randrange(6)
        if way == 0:
            del parts[place]
        elif way == 1:
            parts.insert(place, source.choice(pool))
        elif way == 2:
            parts[place] = source.choice(pool)
        elif way == 3:
            parts.insert(source.randrange(len(parts)), parts[place])
        elif way == 4:
            other = source.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        elif part := bytearray(parts[place]):
            where = source.randrange(len(part))
            part[where] = source.choice((0, 1, 0x7F, 0xFF, source.randrange(256)))
            parts[place] = bytes(part)
        if not parts:
            parts = [b"."]
    return b"".join(parts)


def touch(value, level=0):
    """Look at all of a value; fail where something else is in it."""
    assert level < 100
    if isinstance(value, np.ndarray):
        assert type(value) is np.ndarray
        repr(value)
        items = value.tolist()
        if not value.dtype.hasobject:
            return
        value = items if isinstance(items, list) else [items]
    if isinstance(value, LEAVES):
        repr(value)
        return
    assert type(value) in CONTAINERS, type(value)
    for part in value:
        touch(part, level + 1)
    if type(value) is dict:
        touch(list(value.values()), level + 1)


def main(count, seed):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    source = random.Random(seed)
    valid = [pickle.dumps(each, version) for each in contents() for version in range(6)]
    valid += [data.replace(NEW, OLD) for data in valid if NEW in data and data[1] < 4]
    taken_apart = [instructions(data) for data in valid]
    pool = [part for parts in taken_apart for part in parts] + [*evil()] * 20
    outcomes = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.pkl"
        for number in range(count):
            if number % 4:
                data = changed(source.choice(taken_apart), pool, source)
            else:
                data = b"".join(source.choices(pool, k=source.randrange(1, 40))) + b"."
            path.write_bytes(data)
            try:
                value = read_pickle(path)
            except DataError:
                outcomes["refused"] += 1
                continue
            touch(value)
            outcomes["read"] += 1
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
