"""What a pickle may hold and how much of it."""

from __future__ import annotations

#: Containers within containers; np.asarray and hashing go down as far on the C stack.
MOST_DEPTH = 64

#: Arrays of objects within such arrays.
MOST_ARRAY_DEPTH = 8

#: Bits of a whole number, and of one that is a key. Large numbers collide as keys at will.
MOST_BITS, MOST_KEY_BITS = 1024, 64

#: Items of a tuple that is a key, counted with those of the tuples within it.
MOST_KEY_ITEMS = 1000

#: Axes of an array; NumPy 1 has no more.
MOST_AXES = 32


class Refused(Exception):
    """A pickle holds something that is not admitted; the message names it."""


class Budget:
    """The bytes that may be made of a file: in proportion to its own, so that no file is a bomb.

    Args:
        size: The bytes of the file.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._left = (64 << 20) + 32 * size

    def charge(self, size: int) -> None:
        """Take bytes off.

        Raises:
            ValueError: There are not so many left.
        """
        self._left -= size
        if self._left < 0:
            raise ValueError("it asks for far more memory than it has bytes")


def bounded(number: int, bits: int = MOST_BITS) -> int:
    """Return a whole number.

    Raises:
        ValueError: It has too many bits.
    """
    if number.bit_length() > bits:
        raise ValueError(f"it holds a whole number of {number.bit_length()} bits")
    return number
