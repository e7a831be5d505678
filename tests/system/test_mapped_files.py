"""Pages of mapped files are given back, and read again."""

import mmap
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from mmgraph import ArrowTable
from mmgraph.system import mapped_files
from mmgraph.system.mapped_files import MappedFiles
from mmgraph.tables.arrow import hugging_face

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="for Linux")

MIB = 2**20


def pages_of_files():
    return int(Path("/proc/self/statm").read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(autouse=True)
def few_pages(monkeypatch):
    monkeypatch.setattr(mapped_files, "_MOST", 4 * MIB)


def test_pages_are_given_back_and_read_again(tmp_path):
    numbers = np.random.default_rng(0).integers(0, 255, 32 * MIB, np.uint8)
    path = tmp_path / "numbers with a space"
    path.write_bytes(numbers.tobytes())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        files, before = MappedFiles([str(path)]), pages_of_files()
        view = np.frombuffer(mapped, np.uint8)
        total = int(view.sum())
        assert pages_of_files() - before > 24 * MIB
        files.trim()
        assert pages_of_files() - before < 8 * MIB
        assert int(view.sum()) == total == int(numbers.sum())
        del view


def test_a_pass_over_arrow_files_keeps_few_pages(tmp_path):
    datasets = hugging_face() or pytest.skip("without datasets")
    random = np.random.default_rng(0)
    cells = {"image": [random.bytes(MIB // 4) for _ in range(160)]}
    datasets.Dataset.from_dict(cells).save_to_disk(str(tmp_path / "rows"))
    table = ArrowTable(tmp_path / "rows")
    assert table.head(1)["image"][0] == cells["image"][0]
    before, most = pages_of_files(), 0
    for _ in range(2):
        for row in random.permutation(160):
            assert table.take(np.array([row]))["image"].tolist() == [cells["image"][row]]
            most = max(most, pages_of_files() - before)
    assert most < 12 * MIB
