"""The commands as a whole: help, examples, pages, and how they end."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import mmgraph
from mmgraph.cli import app

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


def test_wrong_options_are_refused_by_the_pages_parser():
    with pytest.raises(Exception, match="[Nn]o such option"):
        parse("mmgraph predict model t.csv --output p.csv --colour red")


def test_version(shell):
    assert shell("--version")[0] == f"mmgraph {mmgraph.__version__}\n"


def test_the_cache_stays_where_it_is(shell, model, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMGRAPH_CACHE", "cache")
    shell(f"evaluate {model} {table}")
    assert Path.cwd() == tmp_path
    import os

    assert os.environ["MMGRAPH_CACHE"] == str(tmp_path / "cache")


def test_only_the_first_warnings_are_shown(shell, model, table, tmp_path, monkeypatch):
    from mmgraph.cli import models

    monkeypatch.setattr(models, "_ROWS_AT_ONCE", 4)
    blank = table.with_name("none.csv")
    blank.write_text("picture,caption\n" + ",\n" * 40)
    _, stderr = shell(f"predict {model} {blank} --output {tmp_path / 'p.csv'}")
    assert stderr.count("warning: ") == 5
    assert "row 0, 1, 2, 3: no input in any modality" in stderr
    assert "and 5 more warnings" in stderr
