"""Values that cannot be read: broken files, cells of another type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mmgraph.checks.finding import Checked, Finding
from mmgraph.data.cells import modality_cells
from mmgraph.errors import CellError
from mmgraph.modalities.audio import Audio
from mmgraph.modalities.base import Modality
from mmgraph.modalities.decoding.audio import decode_audio
from mmgraph.modalities.decoding.files import located
from mmgraph.modalities.decoding.image import decode_image
from mmgraph.modalities.decoding.video import decode_video
from mmgraph.modalities.image import Image
from mmgraph.modalities.text import Text
from mmgraph.modalities.video import Video


def find_unreadable(checked: Checked) -> Iterator[Finding]:
    """Yield a finding for each value that its modality could not read."""
    for modality in checked.modalities:
        read = _reader(modality)
        if read is None:
            continue
        for row, cell in enumerate(modality_cells(modality, checked.frame)):
            for raw in cell:
                try:
                    read(raw)
                except CellError as error:
                    column = modality.column_list[0]
                    yield Finding("unreadable", "error", error.reason, (row,), column)


def _reader(modality: Modality) -> Callable[[Any], Any] | None:
    """Return what reads one value; None where that is known only of fitted modalities."""
    root = getattr(modality, "root", None)
    if isinstance(modality, Image):
        return lambda raw: decode_image(located(raw, root))
    if isinstance(modality, Video):
        return lambda raw: decode_video(located(raw, root), 1)
    if isinstance(modality, Audio):
        return lambda raw: decode_audio(raw, modality.rate, seconds=modality.seconds)
    return modality.text if isinstance(modality, Text) else None
