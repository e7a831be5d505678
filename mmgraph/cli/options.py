"""Arguments and options that several commands have, in groups that are dataclasses."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from mmgraph.kinds import TaskKind

INPUTS, ROWS, TRAINING, OUTPUT = "Inputs", "Rows", "Training", "Output"


def option(*names: str, panel: str, help: str, default: str = "", **more: Any) -> Any:
    """Return an option in a part of the help, with its default in words where it needs some."""
    if default:
        help += f"  [dim]\\[default: {default}][/dim]"
        more["show_default"] = False
    return typer.Option(*names, rich_help_panel=panel, help=help, **more)


def output_option(metavar: str, help: str, **more: Any) -> Any:
    """Return the option that says what a command writes; more is as for `option`."""
    names = "--output", "-o"
    return option(*names, metavar=metavar, panel=OUTPUT, help=help, resolve_path=True, **more)


def in_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that typer calls with every field of its dataclasses, one by one.

    Args:
        command: A function; of its arguments, those that are dataclasses are groups of options.
    """
    parameters = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {
        name: each.annotation for name, each in parameters.items() if is_dataclass(each.annotation)
    }

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    flat: list[inspect.Parameter] = []
    for name, each in parameters.items():
        flat += _parameters(groups[name]) if name in groups else [each]
    ordered = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in flat]
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    return run


def _parameters(group: Any) -> list[inspect.Parameter]:
    types = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=types[each.name],
        )
        for each in fields(group)
    ]


def _columns(kind: str, what: str) -> Any:
    return option(f"--{kind}", metavar="COLUMN", panel=INPUTS, help=f"A column of {what}.")


Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A saved model: its folder or .mmgraph file.",
        show_default=False,
        resolve_path=True,
    ),
]
Labels = Annotated[
    list[str] | None,
    option(
        "--label",
        metavar="COLUMN",
        panel=INPUTS,
        help="What is predicted. Named several times: several numbers.",
    ),
]
Separator = Annotated[
    str,
    option(
        "--label-separator",
        metavar="TEXT",
        panel=INPUTS,
        help="What stands between labels, where a cell holds several.",
    ),
]
Unreadable = Annotated[
    Literal["raise", "missing"] | None,
    option(
        "--unreadable",
        panel=INPUTS,
        help="Stop at a broken image, clip or value, or count it as missing.",
        default="raise, or what the model was fitted with",
    ),
]
Overwrite = Annotated[
    bool, option("--overwrite", panel=OUTPUT, help="Replace what is there already.")
]


@dataclass(frozen=True)
class Rows:
    """Which rows of which table."""

    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .jsonl or .parquet file; a folder of .parquet files, or one that "
            "save_to_disk of a Hugging Face data set wrote; or the name of a data set and its "
            "folder, NAME:FOLDER (NAME alone for those that come with a package).",
            show_default=False,
        ),
    ]
    root: Annotated[
        Path | None,
        option(
            "--root",
            metavar="FOLDER",
            panel=ROWS,
            help="Folder that paths in the table are relative to.",
            default="the table's",
        ),
    ] = None
    split_column: Annotated[
        str | None,
        option(
            "--split-column",
            metavar="COLUMN",
            panel=ROWS,
            help="Says which split a row belongs to; never an input.",
            default='"split", where there is one',
        ),
    ] = None
    split: Annotated[
        list[str] | None,
        option(
            "--split",
            metavar="NAME",
            panel=ROWS,
            help='Splits to use, or "all".',
            default="train and val for fit, test for evaluate, else all",
        ),
    ] = None


@dataclass(frozen=True)
class Inputs:
    """What a table's columns hold, and what is predicted from them."""

    label: Labels = None
    image: Annotated[list[str] | None, _columns("image", "images")] = None
    text: Annotated[list[str] | None, _columns("text", "texts")] = None
    audio: Annotated[list[str] | None, _columns("audio", "sounds")] = None
    video: Annotated[list[str] | None, _columns("video", "videos")] = None
    tabular: Annotated[list[str] | None, _columns("tabular", "numbers, categories or dates")] = None
    features: Annotated[list[str] | None, _columns("features", "vectors")] = None
    modality: Annotated[
        list[str] | None,
        option(
            metavar="CLASS:COLUMN",
            panel=INPUTS,
            help="A column for a modality of a plug-in, by the name of its class.",
        ),
    ] = None
    link: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN=KEY",
            panel=INPUTS,
            help="A column that names other rows, and the one that they are named by.",
        ),
    ] = None
    sequence: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN:ORDER[:SPEAKER]",
            panel=INPUTS,
            help="Rows of a dialogue or series see those before and after them.",
        ),
    ] = None
    same_value: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN[=KEY]",
            panel=INPUTS,
            help="Rows that share a value see each other.",
        ),
    ] = None
    task: Annotated[
        TaskKind | None,
        option(panel=INPUTS, help="What the label is.", default="what it looks like"),
    ] = None
    label_separator: Separator = "|"
    unreadable: Unreadable = None
    group: Annotated[
        str | None,
        option(
            metavar="COLUMN",
            panel=ROWS,
            help="Rows of one group are held out together, or not at all; never an input.",
        ),
    ] = None
    from_scratch: Annotated[
        bool, option("--from-scratch", panel=TRAINING, help="Use no pretrained networks.")
    ] = False
    image_size: Annotated[
        int, option(min=16, panel=TRAINING, help="Pixels that images are scaled to.")
    ] = 160


@dataclass(frozen=True)
class Training:
    """Arguments of the estimator, by its names for them."""

    epochs: Annotated[
        int, option(min=1, panel=TRAINING, help="Most passes over the training rows.")
    ] = 15
    channels: Annotated[
        int, option(min=4, panel=TRAINING, help="Features of a node, a multiple of 4.")
    ] = 64
    batch_size: Annotated[int, option(min=1, panel=TRAINING, help="Rows of a batch.")] = 64
    learning_rate: Annotated[
        float, option(min=0.0, panel=TRAINING, help="Highest learning rate.")
    ] = 2e-3
    random_state: Annotated[
        int, option("--seed", min=0, panel=TRAINING, help="Seed of everything random.")
    ] = 0
    device: Annotated[
        Literal["auto", "cpu", "gpu", "mps"], option(panel=TRAINING, help="Where to train.")
    ] = "auto"
    arguments: Annotated[
        list[str] | None,
        option(
            "--set",
            metavar="NAME=VALUE",
            panel=TRAINING,
            help="Any argument of the estimator by its name in Python: fusion=late, "
            "fusion__readout=mean, training__patience=8, image__size=64.",
        ),
    ] = None
