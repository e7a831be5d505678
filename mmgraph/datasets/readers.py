"""The table of all readers: what the face hands on, and what the command line knows by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mmgraph.errors import DataError
from mmgraph.system.plugins import find_functions

if TYPE_CHECKING:
    from mmgraph.datasets.base import MultimodalDataset, TaskKind


@dataclass(frozen=True)
class Reader:
    """What is known of a reader before it is imported.

    Args:
        name: Name of the data set in a shell; the function is called `load_` and this name.
        module: Module that defines the function.
        tasks: What the set's labels can be; by the function's arguments or files where several.
        homepage: Where to get the set; None where that depends on the user's files.
        by_name: Whether the function reads a folder or nothing, so that a shell can call it.
            Default: True.
    """

    name: str
    module: str
    tasks: tuple[TaskKind, ...]
    homepage: str | None
    by_name: bool = True

    @property
    def function_name(self) -> str:
        """Name of the function."""
        return f"load_{self.name}"

    @property
    def function(self) -> Callable[..., MultimodalDataset]:
        """The function itself, imported now."""
        function: Callable[..., MultimodalDataset]
        function = getattr(importlib.import_module(self.module), self.function_name)
        return function

    def load(self, folder: str | None = None) -> MultimodalDataset:
        """Return the data set of a folder (or file), or the copy that ships.

        Raises:
            DataError: The reader needs a folder and got none, or got one and takes none.
        """
        function = self.function
        given = [] if folder is None else [folder]
        try:
            inspect.signature(function).bind(*given)
        except TypeError:
            way = "comes without a folder: " if given else "needs its folder: "
            form = self.name if given else f"{self.name}:FOLDER"
            raise DataError(f"{self.name}: this data set {way}{form}") from None
        return function(*given)


_MMGCN = "https://github.com/hujingwen6666/MMGCN"
_MMSA = "https://github.com/thuiar/MMSA"
_PACKAGE = "mmgraph.datasets"

#: All readers by the names of their data sets.
READERS: dict[str, Reader] = {
    each.name: each
    for each in (
        Reader(
            "av_digits",
            f"{_PACKAGE}.av_digits",
            ("multiclass",),
            "https://github.com/Jakobovski/free-spoken-digit-dataset",
        ),
        Reader(
            "av_mnist",
            f"{_PACKAGE}.av_mnist",
            ("multiclass",),
            "https://github.com/pliang279/MultiBench",
        ),
        Reader(
            "crisis_mmd",
            f"{_PACKAGE}.crisis_mmd",
            ("multiclass",),
            "https://crisisnlp.qcri.org/crisismmd",
        ),
        Reader(
            "easy_vqa",
            f"{_PACKAGE}.easy_vqa",
            ("multiclass",),
            "https://github.com/vzhou842/easy-VQA",
        ),
        Reader(
            "fine_grained_hateful_memes",
            f"{_PACKAGE}.hateful_memes",
            ("multilabel", "multiclass"),
            "https://github.com/facebookresearch/fine_grained_hateful_memes",
        ),
        Reader("folder", f"{_PACKAGE}.folder", ("multiclass",), None),
        Reader(
            "food101",
            f"{_PACKAGE}.food101",
            ("multiclass",),
            "https://visiir.isir.upmc.fr/explore",
        ),
        Reader(
            "hateful_memes",
            f"{_PACKAGE}.hateful_memes",
            ("multiclass",),
            "https://hatefulmemeschallenge.com",
        ),
        Reader(
            "hugging_face",
            f"{_PACKAGE}.hugging_face",
            ("multiclass", "multilabel", "regression"),
            None,
            by_name=False,
        ),
        Reader("iemocap", f"{_PACKAGE}.iemocap", ("multiclass", "multilabel"), _MMGCN),
        Reader("magb", f"{_PACKAGE}.magb", ("multiclass",), "https://github.com/sktsherlock/MAGB"),
        Reader("meld", f"{_PACKAGE}.iemocap", ("multiclass",), _MMGCN),
        Reader(
            "mm_graph",
            f"{_PACKAGE}.mm_graph",
            ("multiclass",),
            "https://github.com/mm-graph-benchmark/mm-graph-benchmark",
        ),
        Reader(
            "mm_imdb",
            f"{_PACKAGE}.mm_imdb",
            ("multilabel",),
            "https://github.com/johnarevalo/gmu-mmimdb",
        ),
        Reader("mosei", f"{_PACKAGE}.mosi", ("regression",), _MMSA),
        Reader("mosi", f"{_PACKAGE}.mosi", ("regression",), _MMSA),
        Reader(
            "mvsa",
            f"{_PACKAGE}.mvsa",
            ("multiclass",),
            "https://mcrlab.net/research/mvsa-sentiment-analysis-on-multi-view-social-data",
        ),
        Reader(
            "n24news",
            f"{_PACKAGE}.n24news",
            ("multiclass",),
            "https://github.com/billywzh717/N24News",
        ),
        Reader(
            "openclipart", f"{_PACKAGE}.openclipart", ("multiclass",), "https://openclipart.org"
        ),
    )
}


def find_reader(name: str) -> Reader:
    """Return the reader of a data set that a shell can call, one of a plug-in included.

    Raises:
        DataError: There is none of that name; it suggests near ones, and lists all.

    Example:
        >>> find_reader("openclipart").function_name
        'load_openclipart'
        >>> find_reader("open-clipart")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mmgraph.errors.DataError: no data set of that name ('open-clipart'); did you mean open...
    """
    readers = _plugin_readers() | READERS
    reader = readers.get(name)
    if reader is not None and reader.by_name:
        return reader
    if reader is not None:
        raise DataError(
            f"{name} takes more than a folder; call mmgraph.datasets.{reader.function_name} "
            "in Python"
        )
    known = [each.name for each in readers.values() if each.by_name]
    near = _near(name, known)
    hint = f"did you mean {' or '.join(near)}? There are" if near else "there are"
    raise DataError(
        f"no data set of that name ({name!r}); {hint} {', '.join(known)}, each to be given with "
        "its folder (NAME:FOLDER)"
    )


def _plugin_readers() -> dict[str, Reader]:
    """Return the functions of plug-ins that are called `load_` and a name."""
    found = {name.removeprefix("load_"): each for name, each in find_functions("load_").items()}
    return {name: Reader(name, each.__module__, (), None) for name, each in found.items()}


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Return what may have been meant: names that hold this one, or are spelt much like it."""
    name = name.lower()
    return [each for each in known if len(name) > 2 and name in each] or get_close_matches(
        name, known, n=2
    )
