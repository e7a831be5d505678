"""Your own folders of images, a folder for each class, with texts beside the images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, read_text
from mmgraph.errors import DataError
from mmgraph.metrics import default_metrics
from mmgraph.modalities.base import Modality
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
_SPLITS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "val", "valid": "val", "validation": "val", "dev": "val"},
}


def load_folder(folder: str | Path) -> MultimodalDataset:
    """Return the images of a folder with a folder for each class, and the texts beside them.

    Args:
        folder: Folder of `{class}/{name}.png` (or another kind of image) with or without
            `{class}/{name}.txt`; or of such folders called train, val and test.

    Returns:
        Columns image (path), text (None where an image has none; left out where none has), label
        (name of its folder) and split ("train", "val", "test"; "all" where there are none).

    Raises:
        DataError: There is no such folder, or no image in a folder of a class.

    Example:
        >>> import tempfile
        >>> from PIL import Image as PILImage
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cat", "dog"):
        ...         (Path(folder) / name).mkdir()
        ...         PILImage.new("L", (8, 8)).save(Path(folder) / name / "1.png")
        ...     _ = (Path(folder) / "dog" / "1.txt").write_text("a good boy")
        ...     load_folder(folder).frame[["text", "label", "split"]].values.tolist()
        [[None, 'cat', 'all'], ['a good boy', 'dog', 'all']]
    """
    import pandas as pd

    folder = Path(folder).absolute()
    Download("folder of images", "where you keep it").require([folder])
    frame = pd.DataFrame(_rows(folder), columns=["image", "text", "label", "split"], dtype=object)
    if not len(frame):
        raise DataError(
            f"{folder}: expected folders of classes with images ({', '.join(_SUFFIXES)}), found "
            "none; name the folder above those of the classes"
        )
    modalities: list[Modality] = [Image("image")]
    if frame["text"].notna().any():
        modalities.append(Text("text"))
    else:
        frame = frame.drop(columns="text")
    return MultimodalDataset(
        name=folder.name,
        frame=frame,
        modalities=modalities,
        label="label",
        task="multiclass",
        metrics=default_metrics("multiclass"),
        licence="as its owner says",
        citation="none",
        homepage=str(folder),
    )


def _rows(folder: Path) -> Iterator[tuple[str, str | None, str, str]]:
    places = [place for place in sorted(folder.iterdir()) if place.is_dir()]
    parts = {place: _SPLITS.get(place.name.lower()) for place in places}
    if None in parts.values():
        parts = {folder: "all"}
    for part, split in parts.items():
        for image in sorted(part.glob("*/*")):
            if image.suffix.lower() in _SUFFIXES:
                text = image.with_suffix(".txt")
                found = read_text(text).strip() if text.is_file() else None
                yield str(image), found or None, image.parent.name, str(split)
