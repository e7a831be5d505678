"""CMU-MOSI and CMU-MOSEI: sentiment of spoken opinions, as pickles of features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from mmgraph.datasets.base import MultimodalDataset
from mmgraph.datasets.clips import read_clips
from mmgraph.errors import DataError
from mmgraph.modalities.features import Features

_METRICS = ("mae", "correlation", "acc7", "acc2_has0", "f1_has0", "acc2_non0", "f1_non0")


def load_mosi(path: str | Path) -> MultimodalDataset:
    """Return the clips of a pickle in MMSA's, MulT's or MultiBench's form.

    CMU-MOSI: Zadeh et al., 2016 (https://arxiv.org/abs/1606.06259). Padding is cut off, infinite
    audio features, which the published files hold, become 0, and a modality that is all zero
    is missing. MultiBench drops clips without text; `frame["text"].notna()` finds the others.

    Args:
        path: `aligned_50.pkl` or `unaligned_50.pkl` of MMSA, `mosi_data.pkl` of MulT, or
            `mosi_raw.pkl` of MultiBench. Pickles are read without running code.

    Returns:
        Columns id, video (the group), raw_text (where the pickle has it), text, audio, vision
        (arrays [steps, features] or None), label (sentiment from -3 to 3) and split ("train",
        "val", "test").

    Raises:
        DataError: The file is missing, damaged, or lacks a key.
    """
    return _dataset(
        "CMU-MOSI",
        path,
        "Zadeh et al. MOSI: multimodal corpus of sentiment intensity and subjectivity analysis in "
        "online opinion videos. 2016. https://arxiv.org/abs/1606.06259",
    )


def load_mosei(path: str | Path) -> MultimodalDataset:
    """Return the clips of a pickle in MMSA's, MulT's or MultiBench's form.

    CMU-MOSEI: Zadeh et al., 2018 (https://aclanthology.org/P18-1208). All else is as in
    `load_mosi`; MulT calls its file `mosei_senti_data.pkl`.

    Raises:
        DataError: The file is missing, damaged, or lacks a key.
    """
    return _dataset(
        "CMU-MOSEI",
        path,
        "Zadeh et al. Multimodal language analysis in the wild: CMU-MOSEI dataset and "
        "interpretable dynamic fusion graph. ACL 2018. https://aclanthology.org/P18-1208",
    )


def _dataset(name: str, path: str | Path, citation: str) -> MultimodalDataset:
    return MultimodalDataset(
        name=name,
        frame=read_clips(path, _sentiment),
        modalities=[Features(each, rnn="gru") for each in ("text", "audio", "vision")],
        label="label",
        task="regression",
        metrics=_METRICS,
        groups="video",
        licence="unknown; see source; the videos belong to their owners",
        citation=citation,
        homepage="https://github.com/thuiar/MMSA",
    )


def _sentiment(where: str, labels: Shaped[np.ndarray, "clips ..."]) -> list[float]:
    if labels.size != len(labels) or not np.isfinite(labels).all():
        raise DataError(
            f"{where}: expected a number for each clip, got {list(labels.shape)}, some of them "
            "perhaps not finite; for emotions use load_iemocap"
        )
    return labels.reshape(-1).astype(float).tolist()
