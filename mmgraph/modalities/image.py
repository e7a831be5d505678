"""Images as nodes: one node per region, from a pretrained backbone or a CNN of our own."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image as PILImage
from torch import Tensor, nn

from mmgraph.errors import CellError
from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Grid, Relation
from mmgraph.modalities.base import Modality, Place, Unreadable, first_reading
from mmgraph.modalities.decoding.files import located
from mmgraph.modalities.decoding.frozen_images import compute_image_features
from mmgraph.modalities.decoding.image import (
    decode_image,
    image_hash,
    looks_like_image,
    scale_image,
)
from mmgraph.nn.encoders import backbones
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.scaling import usable_deviation
from mmgraph.system.cache import FeatureCache
from mmgraph.typing import Item

logger = logging.getLogger("mmgraph")

#: Part of every cache key: to be raised whenever decoding, scaling or backbones change.
FEATURES_VERSION = 2


@dataclass(eq=False)
class Image(Modality):
    """Images, each a grid of region nodes.

    By default, features of a frozen EfficientNet-Lite0 (25 regions at 160 px, of the 1,472
    channels of all stages), computed once and kept on disk by content (`mmgraph.system.cache`).

    Args:
        columns: Column, or columns, with paths, PIL images, arrays or bytes. Default: "image".
        size: Side in pixels of the square that every image is scaled to. Default: 160.
        scaling: "stretch" changes the proportions; "fit" keeps them and pads with white;
            "crop" keeps them and cuts the longer side, centred. Default: "stretch".
        backbone: Any timm model; None: a small CNN trained from scratch.
            Default: "tf_efficientnet_lite0".
        weights: Local file with the backbone's weights; None: the packaged weights for
            tf_efficientnet_lite0, timm's pretrained ones for other models. Default: None.
        frozen: Use the backbone as it is, with its features kept on disk; False trains it
            along, except for its normalisation statistics. Without meaning for backbone=None.
            Default: True.
        rotation: Largest random turn in degrees while pixels are trained. Default: 10.0.
        flip: Mirror half of the images while pixels are trained. Default: True.
        color: Largest random change of brightness, contrast and saturation, as a fraction,
            while pixels are trained. Default: 0.2.
        root: Folder that relative paths are relative to; None: the working directory.
            Default: None.
        unreadable: "raise" an error for a broken image, or count it as "missing". Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.
        cache: Keep frozen features on disk. Default: True.

    Fitted state: each channel's mean and deviation over training regions; the weights' identity.

    Example:
        >>> image = Image("photo", backbone=None, size=32)
        >>> [[item]] = image.transform([[np.zeros((9, 9), np.uint8)]])
        >>> item["pixels"].shape
        torch.Size([3, 32, 32])
    """

    kind: ClassVar[str] = "image"

    columns: str | Sequence[str] = "image"
    _: KW_ONLY
    size: int = 160
    scaling: Literal["stretch", "fit", "crop"] = "stretch"
    backbone: str | None = "tf_efficientnet_lite0"
    weights: str | Path | None = None
    frozen: bool = True
    rotation: float = 10.0
    flip: bool = True
    color: float = 0.2
    root: str | Path | None = None
    unreadable: Unreadable = "raise"
    name: str | None = None
    cache: bool = True

    mean_: Float[Tensor, "channels"] | None = field(init=False, default=None, repr=False)
    std_: Float[Tensor, "channels"] | None = field(init=False, default=None, repr=False)
    #: Channels, rows and columns of a region map.
    shape_: tuple[int, int, int] | None = field(init=False, default=None, repr=False)
    weights_id_: str | None = field(init=False, default=None, repr=False)
    #: The backbone's tensors, where they come from a saved model and not from `weights`.
    tensors_: dict[str, Tensor] | None = field(init=False, default=None, repr=False)
    _backbone: nn.Module | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 1:
            raise ValueError(f"Image: expected a size of at least one pixel, got size={self.size}")

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether all values are names of image files, images, or arrays of their shape."""
        return bool(len(values)) and all(map(looks_like_image, values))

    @property
    def extracts(self) -> bool:
        """True where items hold features of a frozen backbone, False where they hold pixels."""
        return self.backbone is not None and self.frozen

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Image:
        """Return a fitted copy with the statistics of the training regions."""
        if not self.extracts:
            return self._fit_features([])
        with first_reading():
            return self.fit_transform(cells, seed=seed)[0]

    def fit_transform(
        self, cells: Sequence[list[Any]], *, seed: int = 0
    ) -> tuple[Image, list[list[Item]]]:
        """Return what `fit` returns, and the images of the cells."""
        fitted = copy.copy(self)
        if fitted.extracts:
            fitted.weights_id_ = fitted._weights_id()
        samples = fitted.transform(cells)
        return fitted._fit_features(samples), samples

    def _fit_features(self, samples: list[list[Item]]) -> Image:
        """Return a copy with the regions' shape, and the statistics of frozen features."""
        fitted = copy.copy(self)
        features = [item["features"] for items in samples for item in items if self.extracts]
        if features:
            regions, channels = features[0].shape
            fitted.shape_ = (channels, math.isqrt(regions), math.isqrt(regions))
            fitted.mean_, fitted.std_ = _statistics(features)
        else:
            fitted.shape_ = fitted.region_shape()
        return fitted

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its images: `features` [regions, channels], or `pixels`.

        Raises:
            CellError: An image cannot be read and `unreadable` is "raise".
            MissingPackageError: The backbone needs a package that is not installed.
        """
        if not self.extracts:
            pixels = self.read_each(cells, self._pixels)
            return [[{"pixels": value} for value in cell] for cell in pixels]
        hashed = [[(raw, self._digest(raw)) for raw in cell] for cell in cells]
        problems = any(isinstance(digest, CellError) for cell in hashed for _, digest in cell)
        if problems and self.unreadable == "raise":
            self.read_each(cells, self._check)  # says which is the first, before hours of work
        known, broken = self._find_features(hashed)

        def read(pair: tuple[Any, bytes | CellError]) -> bytes:
            digest = pair[1]
            if isinstance(digest, CellError):
                raise digest
            if digest in broken:
                raise broken[digest]
            return digest

        digests = self.read_each(hashed, read)
        return [[{"features": torch.from_numpy(known[d])} for d in cell] for cell in digests]

    def _digest(self, raw: Any) -> bytes | CellError:
        """The hash of an image, or why it cannot be read."""
        try:
            return image_hash(located(raw, self.root))
        except CellError as error:
            return error

    def _check(self, raw: Any) -> None:
        self._pixels(raw)

    def _find_features(
        self, hashed: list[list[tuple[Any, bytes | CellError]]]
    ) -> tuple[dict[bytes, np.ndarray], dict[bytes, CellError]]:
        """Features by hash, kept or computed, and why other images cannot be decoded."""
        images: dict[bytes, Any] = {}
        for raw, digest in (pair for cell in hashed for pair in cell):
            if isinstance(digest, bytes):
                images.setdefault(digest, raw)
        cache = self._feature_cache()
        known = cache.get_many(list(images)) if cache else {}
        images = {digest: raw for digest, raw in images.items() if digest not in known}
        if not images:
            return known, {}
        logger.info(
            "%s: computing features of %d images (%s, %d px)",
            *(self.node_type, len(images), self.backbone, self.size),
        )
        if self._backbone is None:
            self._backbone = self._load_backbone()
        computed, broken = compute_image_features(
            images,
            self._pixels,
            self._backbone,
            keep=cache.put_many if cache else None,
            stops=self.unreadable == "raise",
        )
        return known | computed, broken

    def _pixels(self, raw: Any) -> UInt8[Tensor, "3 size size"]:
        image = scale_image(decode_image(located(raw, self.root)), self.size, self.scaling)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()

    def _weights_id(self) -> str:
        assert self.backbone is not None
        return self.weights_id_ or backbones.weights_id(self.backbone, self.weights)

    def _feature_cache(self) -> FeatureCache | None:
        if not self.cache:
            return None
        parts = ("image", FEATURES_VERSION, self.backbone, self._weights_id())
        return FeatureCache("|".join(map(str, (*parts, self.size, self.scaling))))

    def _load_backbone(self) -> nn.Module:
        assert self.backbone is not None
        source = self.weights if self.tensors_ is None else self.tensors_
        return backbones.load_backbone(self.backbone, source, size=self.size)

    def augment(self, item: Item) -> Item:
        """Return a randomly turned, mirrored and coloured copy; frozen features stay."""
        if "pixels" not in item:
            return item
        return item | {
            "pixels": _augmentation(self.rotation, self.flip, self.color)(item["pixels"])
        }

    def region_shape(self) -> tuple[int, int, int]:
        """Return channels, rows and columns of the regions of an image."""
        from mmgraph.nn.encoders.image import RegionCNN

        if self.shape_ is not None:
            return self.shape_
        if self.backbone is not None:
            return backbones.region_shape(self.backbone, self.size)
        side = math.ceil(self.size / RegionCNN.stride)
        return RegionCNN.out_channels, side, side

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join images: `features` [items, regions, channels] or `pixels` [items, 3, S, S].

        Where `keep` took regions away, `kept` [items, regions] says which are left.
        """
        channels, rows, columns = self.region_shape()
        name = "features" if self.extracts else "pixels"
        values = [item[name] for items in samples for item in items]
        if values:
            data = torch.stack(values)
        elif self.extracts:
            data = torch.zeros(0, rows * columns, channels)
        else:
            data = torch.zeros(0, 3, self.size, self.size, dtype=torch.uint8)
        joined = {name: data}
        length = torch.full((len(values),), rows * columns)
        if any("kept" in item for items in samples for item in items):
            whole = torch.ones(rows * columns, dtype=torch.bool)
            kept = [item.get("kept", whole) for items in samples for item in items]
            joined["kept"] = torch.stack(kept)
            length = joined["kept"].sum(1)
        return Items(
            data=joined,
            length=length,
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    def keep(self, item: Item, kept: Bool[Tensor, "regions"]) -> Item:
        """Return the image with some of its regions; frozen features stay what they are."""
        return {**item, "kept": kept}

    def make_encoder(self, channels: int) -> nn.Module:
        """Return the `RegionEncoder` of these images."""
        from mmgraph.nn.encoders.image import RegionCNN, RegionEncoder

        in_channels, rows, columns = self.region_shape()
        backbone: nn.Module | None = None
        if self.backbone is None:
            backbone = RegionCNN()
        elif not self.frozen:
            backbone = self._load_backbone()
        return RegionEncoder(
            *(in_channels, channels, rows, columns),
            backbone=backbone,
            mean=self.mean_,
            std=self.std_,
        )

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return the mean of frozen features, or typical patches of pixels."""
        from mmgraph.nn.linear.features import MeanFeatures
        from mmgraph.nn.linear.patches import PatchFeatures

        return [MeanFeatures(self.region_shape()[0])] if self.extracts else [PatchFeatures()]

    def relations(self) -> dict[str, Relation]:
        """Return the grid: regions that touch are joined."""
        _, rows, columns = self.region_shape()
        return {"grid": Grid(rows, columns)}

    def place(self, item: Item, index: int) -> Place:
        """Say which region of the scaled square node `index` is, counted from 1.

        The box is in fractions of the square: of the whole image when stretched, of the
        padded or the cut one with scaling "fit" or "crop".
        """
        _, rows, columns = self.region_shape()
        row, column = divmod(index, columns)
        box = (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
        return Place(f"row {row + 1}, column {column + 1}", box=box)

    def picture(self, raw: Any) -> PILImage.Image:
        """Return the upright image: whole when stretched, else the padded or cut square."""
        image = decode_image(located(raw, self.root))
        return (
            image
            if self.scaling == "stretch"
            else scale_image(image, max(image.size), self.scaling)
        )

    def save(self, folder: Path) -> dict[str, Any]:
        """Write statistics and the backbone's weights, and return the rest of the state."""
        from safetensors.torch import save_file

        tensors: dict[str, Tensor] = {}
        if self.backbone is not None:
            backbone = self._backbone or self._load_backbone()
            state = getattr(backbone, "model", backbone).state_dict()
            tensors |= {f"backbone.{key}": value.cpu().contiguous() for key, value in state.items()}
        if self.mean_ is not None and self.std_ is not None:
            tensors |= {"mean": self.mean_, "std": self.std_}
        if tensors:
            save_file(tensors, folder / f"{self.node_type}.safetensors")
        return {"shape": self.shape_, "weights_id": self.weights_id_}

    def load(self, folder: Path, state: dict[str, Any]) -> Image:
        """Return a fitted copy whose backbone has the weights in the folder."""
        from safetensors.torch import load_file

        fitted = copy.copy(self)
        fitted._backbone = None
        fitted.shape_ = None if state["shape"] is None else tuple(state["shape"])
        fitted.weights_id_ = state["weights_id"]
        path = folder / f"{self.node_type}.safetensors"
        if self.backbone is not None:
            tensors = load_file(path)
            fitted.mean_, fitted.std_ = tensors.pop("mean", None), tensors.pop("std", None)
            fitted.tensors_ = {key.removeprefix("backbone."): v for key, v in tensors.items()}
        return fitted


@lru_cache
def _augmentation(rotation: float, flip: bool, color: float) -> Callable[[Tensor], Tensor]:
    from torchvision.transforms import InterpolationMode, v2

    steps: list[nn.Module] = []
    if rotation:
        steps.append(v2.RandomRotation(rotation, InterpolationMode.BILINEAR, fill=255))
    if flip:
        steps.append(v2.RandomHorizontalFlip())
    if color:
        steps.append(v2.ColorJitter(color, color, color))
    return v2.Compose(steps) if steps else v2.Identity()


def _statistics(features: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel, without a copy of all the features."""
    count = sum(len(value) for value in features)
    total = torch.stack([value.sum(0, dtype=torch.double) for value in features]).sum(0)
    mean = total / count
    square = torch.zeros_like(mean)
    for value in features:
        square += (value.double() - mean).square().sum(0)
    return mean.float(), usable_deviation((square / count).sqrt(), 0.01).float()
