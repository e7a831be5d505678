"""Files that `torch.save` wrote, of which only tensors and plain containers are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

#: In earlier versions `weights_only=True` could be got round, and a file run code
#: (CVE-2025-32434).
_LEAST = (2, 6)


def read_pickled(path: Path) -> Any:
    """Return what a file of `torch.save` holds, on the CPU; nothing in it is run.

    Raises:
        ImportError: This version of torch cannot promise that.
        pickle.UnpicklingError: It holds something else.
    """
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < _LEAST:
        raise ImportError(
            f"{path}: torch {torch.__version__} could be made to run code by such a file; "
            'pip install -U "torch>=2.6", or save it as .safetensors'
        )
    return torch.load(path, map_location="cpu", weights_only=True)
