"""IEMOCAP and MELD: emotions of utterances in dialogues, as pickles of features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.clips import read_clips
from mmgraph.datasets.pickles import read_pickle
from mmgraph.errors import DataError, quote
from mmgraph.kinds import TaskKind
from mmgraph.links.sequence import Sequence as Turns
from mmgraph.modalities.features import Features
from mmgraph.nn.encoders.recurrent import Cell

_IEMOCAP = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
_MELD = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
_MULT = ("neutral", "happy", "sad", "angry")
_CITATION = (
    "Busso et al. IEMOCAP: interactive emotional dyadic motion capture database. Language "
    "resources and evaluation, 2008. https://doi.org/10.1007/s10579-008-9076-6"
)

#: Features of an utterance, and where they stand in the tuple.
_FEATURES = {"text": 3, "audio": 4, "vision": 5}


def load_iemocap(path: str | Path) -> MultimodalDataset:
    """Return the utterances of `IEMOCAP_features.pkl` (MMGCN, COGMEN), or MulT's clips.

    Busso et al., 2008. MMGCN (https://arxiv.org/abs/2107.06779) has one of six emotions for
    each utterance, with a vector for each modality, and no validation part. MulT
    (https://arxiv.org/abs/1906.00295) has sequences, and says for each of four emotions whether
    a clip shows it: a set of labels. Sizes of features are those of the file.

    Args:
        path: `IEMOCAP_features.pkl`, or MulT's `iemocap_data.pkl` or `iemocap_data_noalign.pkl`.
            Pickles are read without running code.

    Returns:
        MMGCN: columns id, dialogue (the group), turn, speaker, sentence, text, audio, vision
        (vectors, or None), label and split ("train", "test"); `links` has the dialogues as a
        `Sequence`. MulT: as `load_mosi`, with a list of
        emotions as label.

    Raises:
        DataError: The file is missing, damaged, or lacks a part.
    """
    content = read_pickle(path)
    if isinstance(content, dict):
        frame = read_clips(path, _emotions)
        return _dataset("IEMOCAP", frame, "multilabel", "video", _CITATION, rnn="gru")
    frame = _read_dialogues(path, content, 9, _IEMOCAP)
    return _dataset("IEMOCAP", frame, "multiclass", "dialogue", _CITATION)


def load_meld(path: str | Path) -> MultimodalDataset:
    """Return the utterances of `MELD_features_raw1.pkl` (MMGCN), with one of seven emotions.

    Poria et al., 2019 (https://arxiv.org/abs/1810.02508).

    Args:
        path: The pickle, which is read without running code.

    Returns:
        Columns as those of MMGCN in `load_iemocap`; splits are "train" and "test".

    Raises:
        DataError: The file is missing, damaged, or lacks a part.
    """
    frame = _read_dialogues(path, read_pickle(path), 10, _MELD)
    citation = (
        "Poria et al. MELD: a multimodal multi-party dataset for emotion recognition in "
        "conversations. ACL 2019. https://arxiv.org/abs/1810.02508"
    )
    return _dataset("MELD", frame, "multiclass", "dialogue", citation)


def _dataset(
    name: str, frame: Any, task: TaskKind, groups: str, citation: str, rnn: Cell | None = None
) -> MultimodalDataset:
    return MultimodalDataset(
        name=name,
        frame=frame,
        modalities=[Features(each, rnn=rnn) for each in _FEATURES],
        label="label",
        task=task,
        metrics=("weighted_f1", "accuracy"),
        groups=groups,
        links=[Turns("dialogue", order="turn", speaker="speaker")] if "turn" in frame else (),
        licence="by agreement with its authors" if name == "IEMOCAP" else "GPL-3.0",
        citation=citation,
        homepage="https://github.com/hujingwen6666/MMGCN",
    )


def _emotions(where: str, labels: Shaped[np.ndarray, "clips ..."]) -> list[list[str]]:
    """Return the emotions of MulT's labels, [clips, 4, 2] with (no, yes) or [clips, 4]."""
    yes = labels[:, :, 1] if labels.ndim == 3 and labels.shape[2] == 2 else labels
    if yes.shape[1:] != (len(_MULT),):
        raise DataError(
            f"{where}: expected [clips, {len(_MULT)}, 2], got {list(labels.shape)}; for "
            "sentiment use load_mosi"
        )
    return [[_MULT[k] for k in np.flatnonzero(row > 0.5)] for row in yes]


def _read_dialogues(path: str | Path, content: Any, size: int, emotions: Sequence[str]) -> Any:
    import pandas as pd

    if not isinstance(content, tuple | list) or len(content) != size:
        got = f"{type(content).__name__} of {len(content) if hasattr(content, '__len__') else 1}"
        raise DataError(f"{path}: expected a tuple of {size} parts, got {got}")
    for place in range(7):
        if not isinstance(content[place], dict):
            got = type(content[place]).__name__
            raise DataError(f"{path}: expected part {place} as a dict of dialogues, got {got}")
    rows: list[dict[str, Any]] = []
    for split, place in (("train", 7), ("test", 8)):
        if not isinstance(content[place], list | tuple | set | np.ndarray):
            got = type(content[place]).__name__
            raise DataError(f"{path}: expected part {place} as a list of dialogues, got {got}")
        # A set has no order of its own.
        for dialogue in sorted(content[place], key=str):
            where = f"{path}: dialogue {dialogue}"
            for row in _read_dialogue(where, content, dialogue, emotions):
                rows.append(row | {"dialogue": str(dialogue), "split": split})
    return pd.DataFrame(rows)


def _read_dialogue(
    where: str, content: Sequence[Any], dialogue: Any, emotions: Sequence[str]
) -> Iterator[dict[str, Any]]:
    ids, speakers, labels, sentences = (
        _utterances(where, content[place], dialogue) for place in (0, 1, 2, 6)
    )
    lengths = {len(ids), len(speakers), len(labels), len(sentences)}
    if len(lengths) > 1:
        raise DataError(
            f"{where}: expected as many ids, speakers, labels and sentences, got "
            f"{len(ids)}, {len(speakers)}, {len(labels)} and {len(sentences)}"
        )
    features = {
        name: _vectors(where, name, content[place].get(dialogue), len(labels))
        for name, place in _FEATURES.items()
    }
    for row, label in enumerate(labels):
        if not isinstance(label, int | np.integer) or not 0 <= label < len(emotions):
            raise DataError(
                f"{where}, utterance {row}: expected a label from 0 to {len(emotions) - 1}, got "
                f"{quote(label)}"
            )
        yield {
            "id": f"{dialogue}_{ids[row]}" if isinstance(ids[row], int) else str(ids[row]),
            "turn": row,
            "speaker": _speaker(speakers[row]),
            "sentence": str(sentences[row]),
            **{name: vectors[row] for name, vectors in features.items()},
            "label": emotions[int(label)],
        }


def _utterances(where: str, of_dialogue: dict[Any, Any], dialogue: Any) -> list[Any]:
    values = of_dialogue.get(dialogue)
    if not isinstance(values, list | tuple | np.ndarray):
        got = "nothing" if values is None else type(values).__name__
        raise DataError(f"{where}: expected ids, speakers, labels and sentences, got {got} of one")
    return list(values)


def _vectors(where: str, name: str, values: Any, rows: int) -> list[Any]:
    """Return a vector for each utterance; a dialogue without them lacks the modality."""
    if values is None:
        return [None] * rows
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        array = np.zeros(0, np.float32)
    if array.ndim != 2 or len(array) != rows:
        raise DataError(
            f"{where}: expected {name} as numbers [{rows} utterances, features], got "
            f"{list(array.shape)}"
        )
    return list(array)


def _speaker(value: Any) -> str:
    """IEMOCAP's speakers are letters, and MELD's are one-hot vectors."""
    return value if isinstance(value, str) else str(int(np.argmax(value)))
