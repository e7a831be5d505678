"""Pickles that forge, reach, or swell: each is refused, and nothing crashes."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest


def put(value):
    """Instructions that put a plain value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def name(module, attribute):
    return b"c%s\n%s\n" % (module.encode(), attribute.encode())


def items(*parts):
    """A tuple of what the parts put on the stack."""
    return b"(" + b"".join(parts) + b"t"


def call(function, *arguments):
    return function + items(*arguments) + b"R"


def bytes_of(data):
    return b"B" + len(data).to_bytes(4, "little") + data


NDARRAY = name("numpy", "ndarray")
FLOATS = call(name("numpy", "dtype"), put("f8"), put(False), put(True))
FLOATS += put((3, "<", None, None, None, -1, -1, 0)) + b"b"
OBJECTS = call(name("numpy", "dtype"), put("O"), put(False), put(True))
OBJECTS += put((3, "|", None, None, None, -1, -1, 63)) + b"b"
EMPTY = call(name("numpy.core.multiarray", "_reconstruct"), NDARRAY, put((0,)), put("b"))


def array(shape, kind, data, fortran=False):
    """An array of a shape, of instructions for its type and for its bytes or items."""
    return EMPTY + items(put(1), put(shape), kind, put(fortran), data) + b"b"


def kind_of(code, state):
    """A type of numbers with a state."""
    return call(name("numpy", "dtype"), put(code), put(False), put(True)) + state + b"b"


def program(*parts):
    return b"\x80\x04" + b"".join(parts) + b"."


LONG = b"\x8b"
EIGHT = bytes_of(b"A" * 8)
PLAIN = items(*map(put, (3, "|", None, None, None, -1, -1, 0)))
DEEP = 200_000
DOUBLED = b"".join(b"(h%ch%clq%c0" % (k, k, k + 1) for k in range(100))
STRING = b"X\x00\x00\x10\x00" + b"a" * (1 << 20) + b"q\xf0"


def structure(fields, names=("a",), size=8):
    return items(put(3), put("|"), put(None), put(names), fields, put(size), put(1), put(0))


#: What each tries, why it is refused, and the pickle.
ATTACKS = {
    # Forged memory
    "bytes become a pointer to an object": (
        r"holds numpy.ndarray",
        program(call(NDARRAY, put((1,)), put("O"), EIGHT)),
    ),
    "bytes become pointers in the state of an array": (
        r"1 objects without as many",
        program(array((1,), OBJECTS, EIGHT)),
    ),
    "bytes become pointers in a buffer": (
        r"1 objects without as many",
        program(
            call(name("numpy.core.numeric", "_frombuffer"), EIGHT, OBJECTS, put((1,)), put("C"))
        ),
    ),
    "a list becomes objects in a buffer": (
        r"bytes without any",
        program(
            call(name("numpy.core.numeric", "_frombuffer"), put([1]), OBJECTS, put((1,)), put("C"))
        ),
    ),
    "bytes become a scalar that is an object": (
        r"a number that is none",
        program(call(name("numpy.core.multiarray", "scalar"), OBJECTS, EIGHT)),
    ),
    "a megabyte of foreign memory by a type larger than its bytes": (
        r"array without a type",
        program(
            array(
                (1,),
                kind_of(
                    "V8",
                    items(
                        put(3),
                        put("|"),
                        FLOATS + put((10**6,)) + b"\x86",
                        b"NN",
                        put(8),
                        put(1),
                        put(0),
                    ),
                ),
                EIGHT,
            )
        ),
    ),
    "a field beyond the end": (
        r"12 bytes",
        program(
            array(
                (1,),
                kind_of("V8", structure(b"}" + put("a") + items(FLOATS, put(4)) + b"s")),
                EIGHT,
            )
        ),
    ),
    "a field before the start": (
        r"a field at -8 of 8 bytes",
        program(
            array(
                (1,),
                kind_of("V8", structure(b"}" + put("a") + items(FLOATS, put(-8)) + b"s")),
                EIGHT,
            )
        ),
    ),
    "a field of objects": (
        r"fields are no numbers",
        program(
            array(
                (1,),
                kind_of("V8", structure(b"}" + put("a") + items(OBJECTS, put(0)) + b"s")),
                EIGHT,
            )
        ),
    ),
    "a shape larger than its bytes": (r"in fewer bytes", program(array((1000,), FLOATS, EIGHT))),
    "a shape whose product overflows": (
        r"in fewer bytes",
        program(array((2**32, 2**32), FLOATS, b"C\x00")),
    ),
    "negative sizes": (r"the shape", program(array((-1, -1), FLOATS, EIGHT))),
    "a boolean as a size": (r"the shape", program(array((True,), FLOATS, EIGHT))),
    "more axes than an array has": (r"the shape", program(array((1,) * 100, FLOATS, EIGHT))),
    "no bytes and endless rows": (r"in fewer bytes", program(array((2**40, 0), FLOATS, b"C\x00"))),
    "elements of no bytes": (
        r"dtype\('S0'\)",
        program(array((2**40,), kind_of("S0", PLAIN), b"C\x00")),
    ),
    "strings of characters that do not exist": (
        r"characters that do not exist",
        program(
            array(
                (1,),
                kind_of("U1", items(*map(put, (3, "<", None, None, None, 4, 4, 8)))),
                bytes_of(b"\xff" * 4),
            )
        ),
    ),
    "booleans that are neither": (
        r"neither true nor false",
        program(array((1,), kind_of("b1", PLAIN), bytes_of(b"\x02"))),
    ),
    "objects fewer than the shape says": (
        r"9 objects without as many",
        program(array((9,), OBJECTS, put([1]))),
    ),
    "axes in an order that is none": (
        r"the axes",
        program(
            call(
                name("numpy._core.numeric", "_frombuffer"),
                EIGHT,
                FLOATS,
                put((1,)),
                put("K"),
                put((7,)),
            )
        ),
    ),
    # Reaching into what is there
    "the state of a function": (
        r"the state of a Name",
        program(
            name("numpy._core.numeric", "_frombuffer"),
            b"N}",
            put("__defaults__"),
            put((1, 2)),
            b"s\x86b",
        ),
    ),
    "the state of a class": (
        r"the state of a Name",
        program(NDARRAY, b"}", put("tofile"), put(1), b"sb"),
    ),
    "the state of a dict": (r"the state of a dict", program(b"}}", put("a"), put(1), b"sb")),
    "an array with two states": (
        r"the state of a ndarray",
        program(
            EMPTY,
            b"q\xf1",
            items(put(1), put((1,)), FLOATS, put(False), EIGHT),
            b"b",
            b"0h\xf1",
            items(put(1), put((1,)), FLOATS, put(False), EIGHT),
            b"b",
        ),
    ),
    "an array without a state": (r"PendingArray", program(EMPTY)),
    "an array within its own state": (
        r"within itself",
        program(EMPTY, b"q\xf1", items(put(1), put((1,)), OBJECTS, put(False), b"]h\xf1a"), b"b"),
    ),
    "the unfinished copy of an array": (
        r"PendingArray",
        program(EMPTY, b"2", items(put(1), put((1,)), FLOATS, put(False), EIGHT), b"b", b"\x86"),
    ),
    "an array of a class of its own": (
        r"_reconstruct of something",
        program(
            call(
                name("numpy.core.multiarray", "_reconstruct"),
                name("builtins", "list"),
                put((0,)),
                put("b"),
            )
        ),
    ),
    "appending to something else": (
        r"appends to a Name",
        program(name("builtins", "list"), put(1), b"a"),
    ),
    "keys for something else": (
        r"keys into a PendingArray",
        program(EMPTY, put("a"), put(1), b"s"),
    ),
    "a type of numbers as a value": (r"Float64DType", program(FLOATS)),
    "a name as a value": (r"holds numpy.ndarray", program(NDARRAY)),
    # Calls
    "a call of the system": (r"holds os.system", program(call(name("os", "system"), put("true")))),
    "a call through an instance": (r"holds os.system", b"(S'true'\nios\nsystem\n."),
    "a call through an object": (r"holds os.system", b"(cos\nsystem\nS'true'\no."),
    "a call through __new__": (
        r"object of builtins.list",
        program(name("builtins", "list"), b")\x81"),
    ),
    "a call through __new__ with keywords": (
        r"object of builtins.list",
        program(name("builtins", "list"), b")}\x92"),
    ),
    "a registered extension": (r"registered extension", program(b"\x82\x01")),
    "an object from outside": (r"something outside", program(put("a"), b"Q")),
    "a buffer from outside": (r"a buffer outside", program(b"\x97")),
    "a call of a value": (r"a call of a str", program(put("a"), b")R")),
    "an attribute through dots": (
        r"OrderedDict.fromkeys",
        program(put("collections"), put("OrderedDict.fromkeys"), b"\x93", b")R"),
    ),
    "decoding by a codec": (
        r"encode with 'rot13'",
        program(call(name("_codecs", "encode"), put("eval"), put("rot13"))),
    ),
    "reading a file": (
        r"numpy.fromfile",
        program(call(name("numpy", "fromfile"), put("/etc/passwd"))),
    ),
    # Depth
    "lists in lists in lists": (r"levels deep", program(b"]" * DEEP, b"a" * (DEEP - 1))),
    "tuples in tuples in tuples": (r"levels deep", program(b")", b"\x85" * DEEP)),
    "dicts in dicts in dicts": (
        r"levels deep",
        program((b"}" + put("a")) * DEEP, b"N", b"s" * DEEP),
    ),
    "tuples hashed all the way down": (r"very many items", program(b"})", b"\x85" * DEEP, b"Ns")),
    "sets in sets in sets": (r"very many items", program(b"(" * DEEP, b"\x91" * DEEP)),
    "arrays in arrays in arrays": (
        r"arrays within arrays within arrays",
        program(
            *(OBJECTS, b"q\xf00", put(1)),
            (b"q\xf1" + EMPTY + items(put(1), put((1,)), b"h\xf0", put(False), b"]h\xf1a") + b"b")
            * 20_000,
        ),
    ),
    "marks without end": (r"the middle of something", program(b"(" * 1_000_000)),
    # Itself
    "a list within itself": (r"something within itself", program(b"]q\xf0h\xf0a")),
    "a dict within itself": (r"something within itself", program(b"}q\xf0", put("a"), b"h\xf0s")),
    # Swelling
    "doubled a hundred times": (r"over and over", program(b")q\x000" + DOUBLED + b"hd")),
    "a key that takes forever to hash": (
        r"very many items",
        program(
            b"})q\x000",
            b"".join(b"h%ch%c\x86q%c0" % (k, k, k + 1) for k in range(60)),
            b"h\x3cNs",
        ),
    ),
    "a number of a megabyte": (
        r"8388601 bits",
        program(LONG, (1 << 20).to_bytes(4, "little"), b"\x01" * (1 << 20)),
    ),
    "numbers that collide as keys": (
        r"65 bits",
        program(b"}(", b"".join(put(k * (2**61 - 1)) + b"N" for k in range(1, 50_000)), b"u"),
    ),
    "complex numbers that collide as keys": (
        r"key that is a complex",
        program(
            b"}(",
            b"".join(put(complex(-1000003.0 * k, k)) + b"N" for k in range(1, 100)),
            b"u",
        ),
    ),
    "a place in memory's billions": (
        r"2130706431",
        program(b"Nr\xff\xff\xff\x7fj\xff\xff\xff\x7e"),
    ),
    "bytes announced and not there": (
        r"announces",
        program(b"\x8e", (1 << 40).to_bytes(8, "little")),
    ),
    "a string announced and not there": (
        r"announces",
        program(b"\x8d", (1 << 62).to_bytes(8, "little")),
    ),
    "a byte array announced and not there": (
        r"announces",
        program(b"\x96", (1 << 62).to_bytes(8, "little")),
    ),
    "a megabyte encoded ten thousand times": (
        r"more memory than it has bytes",
        program(
            STRING,
            b"0",
            name("_codecs", "encode"),
            b"q\xf1",
            b"0]q\xf2(",
            b"h\xf1h\xf0\x85R" * 10_000,
            b"e",
        ),
    ),
    "a megabyte made an array ten thousand times": (
        r"more memory than it has bytes",
        program(
            bytes_of(bytes(1 << 20)),
            b"q\xf00",
            FLOATS,
            b"q\xf10",
            name("numpy.core.numeric", "_frombuffer"),
            b"q\xf20](",
            (b"h\xf2(h\xf0h\xf1" + put((1 << 17,)) + put("C") + b"tR") * 10_000,
            b"e",
        ),
    ),
    "a byte array of a length": (
        r"expected bytes, got int",
        program(call(name("builtins", "bytearray"), put(10**9))),
    ),
    "a list of a list, many times": (
        r"more memory than it has bytes",
        program(
            b"](",
            b"N" * 100_000,
            b"eq\xf00",
            name("builtins", "list"),
            b"q\xf10](",
            b"h\xf1h\xf0\x85R" * 10_000,
            b"e",
        ),
    ),
    "a range instead of a list": (
        r"builtins.range",
        program(call(name("builtins", "list"), call(name("builtins", "range"), put(10**12)))),
    ),
    "sets of one byte each": (
        r"more memory than it has bytes",
        program(b"](", b"\x8f" * 3_000_000, b"e"),
    ),
    "a later protocol": (r"protocol 9", b"\x80\x09N."),
    "nothing on the stack": (r"the middle of something", b"."),
    "taking from an empty stack": (r"empty list", b"0."),
    "endless hexadecimal": (r"invalid literal", b"I0x" + b"f" * 100_000 + b"\n."),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pickles")
    for number, (_, data) in enumerate(ATTACKS.values()):
        (folder / f"{number:03d}").write_bytes(data)
    program_file = Path(__file__).with_name("read_pickles.py")
    done = subprocess.run(
        [sys.executable, program_file, folder], capture_output=True, text=True, timeout=120
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (lines[-1], done.stderr[-2000:])
    return dict(zip(ATTACKS, (line[1:] for line in lines if line[0]), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused(outcomes, attack):
    what, message, seconds = outcomes[attack]
    assert what == "refused", message
    assert re.search(ATTACKS[attack][0], message)
    assert len(message) < 1000
    assert seconds < 10


def test_the_parts_make_what_they_should(tmp_path):
    """The attacks' parts are those of real pickles."""
    eight = bytes_of(b"\0" * 8)
    assert pickle.loads(program(array((1,), FLOATS, eight))).tolist() == [0]
    assert pickle.loads(program(array((2,), OBJECTS, put([1, "a"])))).tolist() == [1, "a"]
    fields = structure(b"}" + put("a") + items(FLOATS, put(0)) + b"s")
    assert pickle.loads(program(array((1,), kind_of("V8", fields), eight))).dtype.names == ("a",)
