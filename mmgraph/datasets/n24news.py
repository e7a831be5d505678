"""N24News: articles of the New York Times with their photographs, in 24 sections."""

from __future__ import annotations

from pathlib import Path

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, part_files, read_json_array
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

_DOWNLOAD = Download("N24News", "https://github.com/billywzh717/N24News")


def load_n24news(folder: str | Path) -> MultimodalDataset:
    """Return the articles in the authors' split.

    Wang et al., 2022 (https://aclanthology.org/2022.lrec-1.729). They classify by the photograph
    and one kind of text at a time; the modalities here are the photograph and the headline.

    Args:
        folder: Folder with `news/nytimes_{train,dev,test}.json` and `imgs`.

    Returns:
        Columns id (of the photograph), image (path), headline, caption, abstract, article,
        label (the section) and split ("train", "val", "test").

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    files = part_files(folder / "news" / "nytimes_{}.json")
    rows = [
        {
            "id": each.identity("image_id"),
            "image": str(folder / "imgs" / f"{each.identity('image_id')}.jpg"),
            **{name: each.text(name) for name in ("headline", "caption", "abstract")},
            "article": each.text("article", "body"),
            "label": each.text("section"),
            "split": split,
        }
        for split, each in _DOWNLOAD.read(files, read_json_array)
    ]
    return MultimodalDataset(
        name=_DOWNLOAD.name,
        frame=_DOWNLOAD.table(rows),
        modalities=[Image("image"), Text("headline")],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        licence="not stated by its authors; articles belong to the New York Times",
        citation=(
            "Wang et al. N24News: a new dataset for multimodal news classification. LREC 2022. "
            "https://aclanthology.org/2022.lrec-1.729"
        ),
        homepage=_DOWNLOAD.homepage,
    )
