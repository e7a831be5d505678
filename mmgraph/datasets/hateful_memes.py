"""Hateful Memes: pictures with a line of text, hateful or not only when both are understood."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.files import Download, Record, part_files, read_json_lines
from mmgraph.kinds import TaskKind
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text

if TYPE_CHECKING:
    import pandas as pd

_MEMES = Download("Hateful Memes", "https://hatefulmemeschallenge.com")
_FINE_GRAINED = Download(
    "Fine-grained Hateful Memes", "https://github.com/facebookresearch/fine_grained_hateful_memes"
)
_LICENCE = "Facebook AI's dataset licence agreement for Hateful Memes; research only"
_CITATION = (
    "Kiela et al. The Hateful Memes Challenge: detecting hate speech in multimodal memes. "
    "NeurIPS 2020. https://arxiv.org/abs/2005.04790"
)

#: Files of the challenge's second phase, which name its parts.
_PHASE_2 = ("train", "dev_seen", "test_seen", "dev_unseen", "test_unseen")


def load_hateful_memes(folder: str | Path) -> MultimodalDataset:
    """Return the memes of the challenge, of its first or its second phase.

    Kiela et al., 2020 (https://arxiv.org/abs/2005.04790). A few test files have no labels.

    Args:
        folder: Folder with `img` and `train.jsonl`; with `dev.jsonl` and `test.jsonl` (phase
            1), or with `dev_seen`, `test_seen`, `dev_unseen` and `test_unseen` (phase 2).

    Returns:
        Columns id, image (path), text, label (1: hateful, 0: not, None: not published) and
        split ("train", "val", "test" in phase 1; in phase 2 the names of the files).

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    import pandas as pd

    folder = Path(folder).absolute()
    files = part_files(folder / "{}.jsonl")
    if list(folder.glob("*_seen.jsonl")):
        files = {name: folder / f"{name}.jsonl" for name in _PHASE_2}
    records = _MEMES.read(files, read_json_lines)
    frame = _memes(folder, records)
    labels = [
        each.choice("label", [0, 1]) if "label" in each.values else None for _, each in records
    ]
    frame["label"] = pd.Series(labels, dtype=object)
    return MultimodalDataset(
        name=_MEMES.name,
        frame=frame,
        modalities=[Image("image"), Text("text")],
        label="label",
        task="multiclass",
        metrics=("auroc", "accuracy"),
        licence=_LICENCE,
        citation=_CITATION,
        homepage=_MEMES.homepage,
    )


def load_fine_grained_hateful_memes(
    folder: str | Path,
    annotations: str | Path | None = None,
    *,
    target: Literal["hate", "pc", "attack"] = "attack",
) -> MultimodalDataset:
    """Return the memes with what they attack, and how: the shared task of WOAH 5.

    Mathias et al., 2021 (https://aclanthology.org/2021.woah-1.21).

    Args:
        folder: Folder with `img`, the memes of the challenge.
        annotations: Folder with `train.json`, `dev_seen.json` and `dev_unseen.json` of the
            task's repository; None: `data/annotations` in `folder`.
        target: "hate": whether a meme is hateful, one class; "pc": the protected categories
            that it attacks; "attack": the kinds of attack. The last two are sets of labels.

    Returns:
        Columns id, image (path), text, hate, pc, attack (what annotators agreed on, of which
        one is the label) and split (the names of the files).

    Raises:
        DataError: Files are missing or damaged; it names them.
    """
    folder = Path(folder).absolute()
    place = folder / "data" / "annotations" if annotations is None else Path(annotations)
    # Named .json, but a JSON object stands in each line.
    files = {split: place / f"{split}.json" for split in ("train", "dev_seen", "dev_unseen")}
    records = _FINE_GRAINED.read(files, read_json_lines)
    frame = _memes(folder, records)
    hateful = (["hateful"], ["not_hateful"])
    frame["hate"] = [each.choice("gold_hate", hateful)[0] for _, each in records]
    for column in ("pc", "attack"):
        frame[column] = [each.texts(f"gold_{column}") for _, each in records]
    task: TaskKind = "multiclass" if target == "hate" else "multilabel"
    return MultimodalDataset(
        name=_FINE_GRAINED.name,
        frame=frame,
        modalities=[Image("image"), Text("text")],
        label=target,
        task=task,
        metrics=("micro_auroc", "micro_f1"),
        licence=_LICENCE,
        citation=(
            "Mathias et al. Findings of the WOAH 5 shared task on fine grained hateful memes "
            "detection. 2021. https://aclanthology.org/2021.woah-1.21"
        ),
        homepage=_FINE_GRAINED.homepage,
    )


def _memes(folder: Path, records: list[tuple[str, Record]]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            # Names of files are padded with zeros, and ids are not.
            "id": each.identity("id"),
            "image": str(folder / each.text("img")),
            "text": each.text("text"),
            "split": split,
        }
        for split, each in records
    ]
    return _MEMES.table(rows)
