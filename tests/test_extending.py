"""The code and the commands of docs/extending.md run as they stand."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from mmgraph.cli import app
from mmgraph.system import plugins

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^mmgraph (.*)$", PAGE, re.MULTILINE)
FILES = {
    named[1]: block for block in BLOCKS if (named := re.match(r"# (\w+\.py)\n", block)) is not None
}


def test_the_page_has_all_kinds():
    assert len(FILES) == 7
    assert len(COMMANDS) == 6
    assert all(len(text.splitlines()) < 100 for text in FILES.values())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with the page's files in which the page runs, forgotten afterwards."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(plugins, "_added", {})
    yield tmp_path
    _forget()


def _forget():
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_the_page_runs(folder, capsys, monkeypatch):
    text = "\n".join(block for block in BLOCKS if block not in FILES.values())
    (folder / "page.py").write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location("page", folder / "page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    score, same = map(float, capsys.readouterr().out.split())
    assert score > 0.9
    assert same == 1
    for command in COMMANDS:
        # As in another process, which knows nothing of before.
        _forget()
        monkeypatch.setattr(plugins, "_added", {})
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == 0, (command, result.output, result.exception)
    assert set(pd.read_csv("predictions.csv")["prediction"]) <= {"up", "down"}


def test_a_shell_says_what_it_lacks(folder):
    result = CliRunner().invoke(app, ["fit", "none.csv", "--output", "m", "--plugin", "not_there"])
    assert result.exit_code == 1
    assert "error: the plug-in not_there cannot be imported" in result.stderr
