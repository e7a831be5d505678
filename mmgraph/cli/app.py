"""The command `mmgraph`: its subcommands, and how errors end it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mmgraph.cli.check import check
from mmgraph.cli.compare import compare
from mmgraph.cli.evaluate import evaluate
from mmgraph.cli.explain import explain
from mmgraph.cli.export import export
from mmgraph.cli.fit import fit
from mmgraph.cli.inspect import inspect
from mmgraph.cli.options import in_groups
from mmgraph.cli.plugins import with_plugins
from mmgraph.cli.predict import predict
from mmgraph.cli.stopping import ended_by_sigterm
from mmgraph.cli.terminal import labelled, open_console
from mmgraph.errors import MissingPackageError, printable
from mmgraph.version import __version__

#: What a user can mend. `DataError` is a ValueError.
_EXPECTED = (ValueError, OSError, MissingPackageError, FloatingPointError)

#: Wrong usage: click's error, or that of typer's copy of click.
_USAGE: Any = typer.BadParameter.__mro__[1]

#: Lightning's error for a device that is not there; importing its class would take seconds.
_NO_DEVICE = "MisconfigurationException"


class Commands(TyperGroup):
    """Commands whose errors are one line on stderr; the process then ends with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        with ended_by_sigterm(), warnings.catch_warnings():
            # Those of other packages are for developers; mmgraph's own name rows and columns.
            warnings.simplefilter("ignore")
            warnings.filterwarnings("always", category=UserWarning, module="mmgraph")
            try:
                return super().invoke(ctx)
            except BrokenPipeError:  # of whoever reads the output; typer ends quietly
                raise
            except _USAGE as error:  # typer shows it
                error.message = printable(error.message)
                raise
            except Exception as error:
                if not isinstance(error, _EXPECTED) and type(error).__name__ != _NO_DEVICE:
                    raise
                message = " ".join(str(error).split()) or type(error).__name__
                text = labelled("error", "bold red", message)
                open_console(stderr=True).print(text, soft_wrap=True)
                raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    name="mmgraph",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is well, 1 the data or a file cannot be used, 2 wrong usage, 3 check "
    "found errors.",
)


def _show_version(wanted: bool) -> bool:
    if wanted:
        sys.stdout.write(f"mmgraph {__version__}\n")
        raise typer.Exit
    return wanted


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Images, texts, sounds and tables as one graph, classified together."""


_TABLE = "datasets/openclipart/manifest.csv"

#: Each command with examples for its help.
_COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    fit: (
        f"mmgraph fit {_TABLE} --image image --text text --label label --output model",
        "mmgraph fit sales.parquet --label price --task regression --output price.mmgraph",
        "mmgraph fit hateful_memes:data/hateful_memes --output model",
    ),
    evaluate: (
        f"mmgraph evaluate model {_TABLE}",
        f"mmgraph evaluate model {_TABLE} --split val --metric macro_f1 --json",
        f"mmgraph evaluate model {_TABLE} --report report.html",
    ),
    predict: (
        "mmgraph predict model new.csv --output predictions.csv",
        "mmgraph predict model.mmgraph new.jsonl --id sku --output predictions.parquet",
    ),
    explain: (
        f"mmgraph explain model {_TABLE} --split test --output why.html",
        f"mmgraph explain model {_TABLE} --row 4 --row 30 --method occlusion --json",
        f"mmgraph explain model {_TABLE} --split test --wrong --rows 100 --output wrong.html",
    ),
    compare: (
        f"mmgraph compare {_TABLE} --image image --text text --label label --group group "
        "--output runs",
        f"mmgraph compare {_TABLE} --label label --method graph --method late --output runs",
    ),
    export: (f"mmgraph export model {_TABLE} --format onnx --output program",),
    check: (
        f"mmgraph check {_TABLE} --label label --group group",
        f"mmgraph check {_TABLE} --image image --text text --label label --output check.html",
    ),
    inspect: (f"mmgraph inspect {_TABLE} --label label", "mmgraph inspect model"),
}

for _command, _lines in _COMMANDS.items():
    _epilog = "\n\n".join(["[bold]Examples[/bold]", *_lines])
    app.command(epilog=_epilog)(with_plugins(in_groups(_command)))
