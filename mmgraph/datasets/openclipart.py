"""openclipart: 2,572 public-domain drawings with titles and keywords, in 13 categories."""

from __future__ import annotations

from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.errors import DataError
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text


def openclipart_folder() -> Path:
    """Return the folder with `manifest.csv`: in the installed package, or in the repository."""
    package = Path(__file__).parent
    for folder in (
        package / "data" / "openclipart",
        package.parent.parent / "datasets" / "openclipart",
    ):
        if (folder / "manifest.csv").is_file():
            return folder
    raise DataError(
        "openclipart: manifest.csv is neither in the installed package nor in the repository's "
        "datasets folder; install mmgraph again"
    )


def load_openclipart(folder: str | Path | None = None) -> MultimodalDataset:
    """Return the drawings, their titles and keywords as `text`, in 13 categories.

    The data card, `datasets/openclipart/README.md`, says where they come from.

    Args:
        folder: Folder with `manifest.csv` and `images`; None: the copy that ships.

    Returns:
        Columns image (path), text, label, split ("train", "val", "test"), group (drawings of
        one series; use it for cross-validation), title, creator, source.

    Example:
        >>> load_openclipart().frame["split"].value_counts().to_dict()
        {'train': 1800, 'test': 514, 'val': 258}
    """
    import pandas as pd

    folder = openclipart_folder() if folder is None else Path(folder)
    if not (folder / "manifest.csv").is_file():
        raise DataError(f"{folder}: expected manifest.csv and a folder of images")
    # A title may be the word "null" or "NA": only an empty field is missing.
    frame = pd.read_csv(folder / "manifest.csv", keep_default_na=False, na_values=[""])
    frame["image"] = [str(folder / path) for path in frame["image"]]
    return MultimodalDataset(
        name="openclipart",
        frame=frame,
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "macro_f1"),
        groups="group",
        licence="public domain",
        citation="Open Clip Art Library 0.18, as in Debian's package openclipart-svg.",
        homepage="https://openclipart.org",
    )
