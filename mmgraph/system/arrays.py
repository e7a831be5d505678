"""Arrays of NumPy's files, whose sizes are compared with the bytes before memory is taken.

`numpy.load` believes what a header says: 100 bytes can ask for a terabyte, and a compressed file
can unpack to a thousand times its size.
"""

from __future__ import annotations

import ast
import io
import math
import zipfile

import numpy as np

#: How the files begin.
NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"

#: Bytes of the length of a header, by the version of the format.
_LENGTH = {1: 2, 2: 4, 3: 4}

#: Most bytes of a header that is read, as in NumPy.
_LONGEST_HEADER = 10_000

#: Most bytes that the arrays of a compressed file may have together.
MOST = 1 << 28


def read_npy(data: bytes) -> np.ndarray:
    """Return the array of an .npy file, a view of its bytes.

    Raises:
        ValueError: It is none, holds objects, or its header asks for other bytes than there are.

    Example:
        >>> file = io.BytesIO()
        >>> np.save(file, np.eye(2))
        >>> read_npy(file.getvalue()).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if not data.startswith(NPY) or len(data) < 12 or data[6] not in _LENGTH:
        raise ValueError("it is no .npy file, or of a newer format")
    begin = 8 + _LENGTH[data[6]]
    length = int.from_bytes(data[8:begin], "little")
    if length > min(_LONGEST_HEADER, len(data) - begin):
        raise ValueError(f"its header has {length} bytes, more than there are or than is read")
    shape, dtype, fortran = _read_header(data[begin : begin + length])
    body = memoryview(data)[begin + length :]
    if dtype.hasobject:
        raise ValueError("it holds objects, which are not loaded since they could run code")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(
            f"its header says {math.prod(shape) * dtype.itemsize:.4g} bytes, there are {len(body)}"
        )
    if not dtype.itemsize:
        return np.zeros(shape, dtype)
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")


def read_npz(data: bytes, most: int = MOST) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name.

    Args:
        data: The file.
        most: Most bytes that all arrays together may have.

    Raises:
        ValueError: It is none, an array is larger than its bytes, or all are larger than `most`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most:
                raise ValueError(f"its arrays have more than {most} bytes")
            return {
                member.filename.removesuffix(".npy"): read_npy(archive.read(member))
                for member in members
            }
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ValueError(f"it is no .npz file, or damaged: {error}") from error


def _read_header(text: bytes) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Return shape and type of what follows, and whether it is in the order of Fortran."""
    try:
        header = ast.literal_eval(text.decode("latin1").strip())
        shape, fortran = header["shape"], header["fortran_order"]
        dtype = np.lib.format.descr_to_dtype(header["descr"])
    except Exception as error:  # of whatever stands there
        raise ValueError(f"its header cannot be read ({type(error).__name__})") from error
    whole = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 2**48 for n in shape)
    if not whole or len(shape) > 32:
        raise ValueError("its header has no shape of an array")
    return shape, dtype, bool(fortran)
