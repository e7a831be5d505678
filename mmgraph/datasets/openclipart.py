"""openclipart: 2,572 public-domain drawings with titles and keywords, in 13 categories."""

from __future__ import annotations

from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, read_comma_separated
from mmgraph.errors import DataError
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("openclipart", "https://openclipart.org")


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

    Raises:
        DataError: Files are missing or damaged; it names them.

    Example:
        >>> load_openclipart().frame["split"].value_counts().to_dict()
        {'train': 1800, 'test': 514, 'val': 258}
    """
    folder = openclipart_folder() if folder is None else Path(folder).absolute()
    files = {"all": folder / "manifest.csv"}
    rows = [
        {
            "image": str(folder / each.text("image")),
            "text": each.text("text") or None,
            "label": each.text("label"),
            "split": each.choice("split", ["train", "val", "test"]),
            "group": each.text("group"),
            **{name: each.text(name) or None for name in ("title", "creator", "source")},
        }
        for _, each in _DOWNLOAD.read(files, read_comma_separated)
    ]
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=_DOWNLOAD.table(rows),
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("accuracy", "macro_f1"),
        groups="group",
        licence="public domain",
        citation="Open Clip Art Library 0.18, as in Debian's package openclipart-svg.",
        homepage=_DOWNLOAD.homepage,
    )
