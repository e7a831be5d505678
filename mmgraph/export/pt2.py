"""What is in a file of `torch.export`: its graph as JSON, its weights as plain bytes.

The file is a zip archive. Torch's own reader unpickles some of its members; here only JSON and
bytes are read, and members that would have to be unpickled are refused where they are needed.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmgraph.errors import DataError

#: Torch's numbers for types, which never change. (c10/core/ScalarType.h, counted from 1.)
DTYPES: dict[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}

_STRIDED = 7
_SUFFIX = "/models/model.json"
_TENSORS = {
    "weights": ("weight_", "data/weights/model_weights_config.json"),
    "constants": ("tensor_", "data/constants/model_constants_config.json"),
}


def read_pt2(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the graph module of a program file, and its weights and constants by name.

    Raises:
        DataError: It is damaged, compressed, or holds weights that would have to be unpickled.
    """
    with zipfile.ZipFile(path) as archive:
        members = {each.filename: each for each in archive.infolist()}
        _check_sizes(path, members)
        root = next((name for name in members if name.endswith(_SUFFIX)), _SUFFIX)
        root = root.removesuffix(_SUFFIX)
        tensors: dict[str, Tensor] = {}
        for place, (prefix, config) in _TENSORS.items():
            described = json.loads(archive.read(f"{root}/{config}"))["config"]
            read: dict[str, bytearray] = {}
            for name, each in described.items():
                file = each["path_name"]
                if each["use_pickle"] or not file.startswith(prefix):
                    raise DataError(
                        f"{name!r:.100} would have to be unpickled, which can run code; load it "
                        "with trusted=True if you trust whoever made it"
                    )
                if file not in read:
                    read[file] = bytearray(archive.read(f"{root}/data/{place}/{file}"))
                tensors[name] = _tensor(read[file], each["tensor_meta"])
        return json.loads(archive.read(root + _SUFFIX))["graph_module"], tensors


def _check_sizes(path: Path, members: dict[str, zipfile.ZipInfo]) -> None:
    stored = all(each.compress_type == zipfile.ZIP_STORED for each in members.values())
    if not stored or sum(each.file_size for each in members.values()) > path.stat().st_size:
        raise DataError("holds compressed files, which torch does not write")


def _tensor(data: bytearray, meta: dict[str, Any]) -> Tensor:
    """Return a tensor that lies within the bytes, which others may share."""
    dtype = DTYPES.get(meta["dtype"])
    sizes = [_number(each) for each in meta["sizes"]]
    strides = [_number(each) for each in meta["strides"]]
    start = _number(meta["storage_offset"])
    if dtype is None or meta["layout"] != _STRIDED or len(sizes) != len(strides):
        raise ValueError(f"a weight of the type {meta['dtype']!r:.20} is not known")
    last = start + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    if not math.prod(sizes):
        return torch.zeros(sizes, dtype=dtype)
    if (last + 1) * dtype.itemsize > len(data):
        raise ValueError("a weight is cut off")
    flat = torch.frombuffer(data, dtype=dtype, count=len(data) // dtype.itemsize)
    return flat.as_strided(sizes, strides, start)


def _number(value: dict[str, Any]) -> int:
    number = value["as_int"]
    if type(number) is not int or not 0 <= number < 1 << 48:
        raise ValueError(f"a weight has a size of {number!r:.20}")
    return number
