"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

INPUTS, ROWS, TRAINING, OUTPUT = "Inputs", "Rows", "Training", "Output"


def option(*names: str, panel: str, help: str, default: str = "", **more: Any) -> Any:
    """Return an option in a part of the help, with its default in words where it needs some."""
    if default:
        help += f"  [dim]\\[default: {default}][/dim]"
        more["show_default"] = False
    return typer.Option(*names, rich_help_panel=panel, help=help, **more)


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A .csv, .tsv, .jsonl or .parquet file; or the name of a data set and its folder, "
        "NAME:FOLDER (NAME alone for those that come with a package).",
        show_default=False,
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A saved model: its folder or .mmgraph file.", show_default=False
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
Root = Annotated[
    Path | None,
    option(
        "--root",
        metavar="FOLDER",
        panel=INPUTS,
        help="Folder that paths in the table are relative to.",
        default="the table's",
    ),
]
Unreadable = Annotated[
    Literal["raise", "missing"],
    option(
        "--unreadable",
        panel=INPUTS,
        help="Stop at a broken image, clip or value, or count it as missing.",
    ),
]
SplitColumn = Annotated[
    str | None,
    option(
        "--split-column",
        metavar="COLUMN",
        panel=ROWS,
        help="Says which split a row belongs to; never an input.",
        default='"split", where there is one',
    ),
]
Splits = Annotated[
    list[str] | None,
    option(
        "--split",
        metavar="NAME",
        panel=ROWS,
        help='Splits to use, or "all".',
        default="train and val for fit, test for evaluate, else all",
    ),
]
Overwrite = Annotated[
    bool, option("--overwrite", panel=OUTPUT, help="Replace what is there already.")
]
Quiet = Annotated[
    bool,
    option(
        "--quiet", "-q", panel=OUTPUT, help="No progress, messages and warnings; errors remain."
    ),
]
AsJson = Annotated[
    bool, option("--json", panel=OUTPUT, help="Print the result as one JSON object.")
]
