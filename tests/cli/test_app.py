"""The commands as a whole: help, examples, pages, and how they end."""

import logging
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import typer

import mmgraph
from mmgraph.cli import app
from mmgraph.cli.report import Report

COMMANDS = typer.main.get_command(app).commands
ROOT = Path(__file__).parents[2]


def parse(line):
    """Parse a command line, without running it."""
    program, name, *rest = shlex.split(line)
    assert program == "mmgraph"
    COMMANDS[name].make_context(name, rest)
    return name


def test_help(shell):
    stdout, _ = shell("--help")
    for name, command in COMMANDS.items():
        assert name in stdout
        page, _ = shell(f"{name} --help")
        assert "Examples" in page
        examples = [line for line in command.epilog.split("\n\n") if line.startswith("mmgraph ")]
        assert examples
        assert {parse(line) for line in examples} == {name}


@pytest.mark.parametrize("page", ["docs/command_line.md", "README.md"])
def test_pages(page):
    text = (ROOT / page).read_text("utf-8").replace("\\\n", " ")
    lines = [
        line
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("mmgraph ")
    ]
    named = {parse(line.split(" #")[0]) for line in lines}
    assert named == set(COMMANDS) if page.startswith("docs") else "fit" in named


def test_unknown_options(shell):
    _, stderr = shell("predict model t.csv --output p.csv --colour red", code=2)
    assert "--colour" in stderr


def test_version(shell):
    assert shell("--version")[0] == f"mmgraph {mmgraph.__version__}\n"


def test_the_cache_stays_where_it_is(shell, model, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMGRAPH_CACHE", "cache")
    shell(f"evaluate {model} {table}")
    assert Path.cwd() == tmp_path
    assert os.environ["MMGRAPH_CACHE"] == str(tmp_path / "cache")


def test_help_does_not_wait_for_torch():
    code = "import sys, mmgraph.cli; print({'torch', 'pandas', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_only_the_first_warnings_are_shown(capsys):
    warnings.simplefilter("always")
    with Report().messages():
        logging.getLogger("mmgraph").info("reading")
        for number in range(7):
            warnings.warn(f"row {number}", stacklevel=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["reading", *(f"warning: row {n}" for n in range(5)), "and 2 more warnings"]
    with Report(quiet=True).messages():
        warnings.warn("row 0", stacklevel=1)
    assert capsys.readouterr() == ("", "")


def test_as_a_process_of_its_own(model, table, tmp_path):
    frame = pd.read_csv(table).head(3)
    frame.loc[1, ["picture", "caption"]] = ["gone.png", None]
    frame.to_csv(table.with_name("short.csv"), index=False)
    code = "from mmgraph.cli import app; app()"
    output = tmp_path / "p.csv"
    command = ["predict", model, "short.csv", "--unreadable", "missing", "--output", output]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=table.parent, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "rows" in done.stdout
    first, second = done.stderr.splitlines()
    assert first == "warning: picture: 1 unreadable values in 3 rows count as missing"
    assert second.startswith("warning: row 1: no input in any modality")
    assert pd.read_csv(output)["row"].tolist() == [0, 1, 2]
