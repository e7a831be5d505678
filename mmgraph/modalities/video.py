"""Videos, whose pictures become nodes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Chain, Relation
from mmgraph.modalities.base import Modality, Place, Unreadable, first_reading
from mmgraph.modalities.decoding.files import load_statistics, located, save_statistics
from mmgraph.modalities.decoding.image import decode_image
from mmgraph.modalities.decoding.video import decode_video
from mmgraph.modalities.image import Image
from mmgraph.nn.encoders.recurrent import Cell
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.scaling import usable_deviation
from mmgraph.typing import Item

if TYPE_CHECKING:
    from PIL import Image as PILImage

_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv")


@dataclass(eq=False)
class Video(Modality):
    """Videos without their sound: a node for each of a few pictures, joined in time.

    A node's features are the mean over the regions that a frozen backbone sees in the picture;
    a recurrent layer reads them in order. The sound is a column of its own, read by `Audio`.
    Where single regions matter, or where pixels are to be trained, give the pictures to `Image`
    as a list.

    Args:
        columns: Column or columns with paths or bytes of videos or animated pictures, folders
            of pictures, or arrays [pictures, height, width, 3]. Default: "video".
        frames: Pictures of each video, evenly spread over its time. Default: 8.
        size: Side in pixels that every picture is scaled to. Default: 160.
        backbone: Any timm model, used as it is; see `Image`. Default: "tf_efficientnet_lite0".
        weights: Local file with the backbone's weights; None: as in `Image`. Default: None.
        rnn: Recurrent layer over the pictures; None for none. Default: "gru".
        root: Folder that relative paths are relative to; None: the working directory.
            Default: None.
        unreadable: "raise" an error for a broken video, or count it as "missing". Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.
        cache: Keep the pictures' features on disk. Default: True.

    Fitted state: the backbone, and mean and standard deviation of every feature.
    """

    kind: ClassVar[str] = "video"

    columns: str | Sequence[str] = "video"
    _: KW_ONLY
    frames: int = 8
    size: int = 160
    backbone: str = "tf_efficientnet_lite0"
    weights: str | Path | None = None
    rnn: Cell | None = "gru"
    root: str | Path | None = None
    unreadable: Unreadable = "raise"
    name: str | None = None
    cache: bool = True

    mean_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    std_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    image_: Image | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1:
            raise ValueError(f"expected at least one picture, got frames={self.frames}")

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether all values are names of video files, or arrays of their shape."""
        return bool(len(values)) and all(map(_looks_like_video, values))

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Video:
        """Return a fitted copy with the statistics of the training pictures."""
        fitted = copy.copy(self)
        image = Image(
            "frames",
            size=self.size,
            backbone=self.backbone,
            weights=self.weights,
            cache=self.cache,
        )
        fitted.image_ = image.fit([])
        channels = fitted.image_.region_shape()[0]
        fitted.mean_, fitted.std_ = torch.zeros(channels), torch.ones(channels)
        with first_reading():
            found = [item["features"] for cell in fitted.transform(cells) for item in cell]
        if found:
            x = torch.cat(found)
            fitted.mean_, fitted.std_ = x.mean(0), usable_deviation(x.std(0, correction=0), 0.01)
        return fitted

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its videos: standardised `features`, `seconds` and `end`.

        Raises:
            CellError: A video cannot be read and `unreadable` is "raise".
            MissingPackageError: It takes a package to read it that is not installed.
        """
        return self.read_each(cells, self._read)

    def _read(self, raw: Any) -> Item:
        if self.image_ is None or self.mean_ is None or self.std_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        found = decode_video(located(raw, self.root), self.frames)
        (regions,) = self.image_.transform([found.pictures])
        x = torch.stack([item["features"].mean(0) for item in regions])
        return {
            "features": (x - self.mean_) / self.std_,
            "seconds": torch.tensor(found.seconds),
            "end": torch.tensor(found.end),
        }

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join videos: `features` [nodes, channels], pictures one behind the other."""
        assert self.mean_ is not None
        items = [item for sample in samples for item in sample]
        empty = torch.zeros(0, len(self.mean_))
        return Items(
            data={"features": torch.cat([empty, *(item["features"] for item in items)])},
            length=torch.tensor([len(item["features"]) for item in items], dtype=torch.long),
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a linear map with a recurrent layer."""
        from mmgraph.nn.encoders.features import VectorEncoder

        assert self.mean_ is not None
        return VectorEncoder(len(self.mean_), channels, cell=self.rnn)

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return the mean over a sample's pictures."""
        from mmgraph.nn.linear.features import NodeMeanFeatures

        assert self.mean_ is not None
        return [NodeMeanFeatures(len(self.mean_))]

    def relations(self) -> dict[str, Relation]:
        """Join each picture with those before and after it."""
        return {"time": Chain()}

    def place(self, item: Item, index: int) -> Place:
        """Say which seconds of the video a picture stands for."""
        starts = [*item["seconds"].tolist(), float(item["end"])]
        start, end = starts[index], starts[index + 1]
        return Place(f"{start:.2f} to {end:.2f} s", span=(start, end))

    def stills(self, raw: Any) -> list[PILImage.Image]:
        """Return the pictures that are read of a video, one for each node."""
        found = decode_video(located(raw, self.root), self.frames)
        return [decode_image(picture) for picture in found.pictures]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the backbone and the statistics."""
        assert self.image_ is not None
        save_statistics(folder, self.mean_, self.std_)
        (folder / "image").mkdir()
        return {"image": self.image_.save(folder / "image")}

    def load(self, folder: Path, state: dict[str, Any]) -> Video:
        """Return a fitted copy from what `save` wrote and returned."""
        fitted = copy.copy(self)
        fitted.mean_, fitted.std_ = load_statistics(folder)
        image = Image("frames", size=self.size, backbone=self.backbone, cache=self.cache)
        fitted.image_ = image.load(folder / "image", state["image"])
        return fitted


def _looks_like_video(value: Any) -> bool:
    if isinstance(value, str | Path):
        return str(value).lower().endswith(_SUFFIXES)
    if isinstance(value, np.ndarray):
        return value.ndim == 4 and value.shape[3] == 3
    return isinstance(value, bytes) and (
        value[4:8] == b"ftyp" or value.startswith(b"\x1aE\xdf\xa3")
    )
