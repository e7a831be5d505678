"""Files that are mapped into memory, whose pages count as memory of the process that read them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Bytes of pages that may come to what there were, before all are given back.
_MOST = 64 * 2**20

#: Number of madvise's advice in Linux's mman.h.
_DONT_NEED = 4


class MappedFiles:
    """Files that some library has mapped into memory, and only reads.

    Linux keeps pages that were read until memory runs short, and they count as memory of the
    process until then: at last, all of a file. Given back, they can be read as before. On other
    systems nothing is given back.

    Args:
        paths: The files.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = {os.path.realpath(path) for path in paths}
        self._before = self._resident()

    def trim(self) -> None:
        """Give all pages back where many have come in since the last time."""
        if not self.paths or self._resident() - self._before <= _MOST:
            return
        libc = ctypes.CDLL(None)
        for start, end in self._places():
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)
        self._before = self._resident()

    def _resident(self) -> int:
        """Return the bytes of this process's pages of any files."""
        if sys.platform != "linux":
            return 0
        pages = Path("/proc/self/statm").read_text("ascii").split()[2]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _places(self) -> Iterator[tuple[int, int]]:
        """Return where in memory the files are."""
        for line in Path("/proc/self/maps").read_text("utf-8", "replace").splitlines():
            # address, rights, offset, device, inode, path
            found = line.split(maxsplit=5)
            if len(found) == 6 and found[5] in self.paths and "w" not in found[1]:
                start, end = found[0].split("-")
                yield int(start, 16), int(end, 16)
