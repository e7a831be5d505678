"""What type checkers see of the faces; mypy reads this file, and nothing runs it."""

from typing import assert_type

import mmgraph
from mmgraph import Image, MultimodalDataset, Text
from mmgraph import Imago as unknown  # type: ignore[attr-defined]
from mmgraph import load_openclipart as gone  # type: ignore[attr-defined]
from mmgraph.datasets import READERS, Reader, load_openclipart
from mmgraph.nn import GatedFusion
from mmgraph.relations import Grid

assert_type(load_openclipart(), MultimodalDataset)
assert_type(mmgraph.datasets.load_openclipart().name, str)
assert_type(READERS, dict[str, Reader])
assert_type(Image("image"), Image)
assert_type(Text("text").column_list, list[str])
assert_type(Grid(2, 3).rows, int)
Image("image", sise=3)  # type: ignore[call-arg]
mmgraph.datasets.load_nonesuch()  # type: ignore[attr-defined]
print(GatedFusion, unknown, gone)
