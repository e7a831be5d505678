"""The example runs on tiny copies of both phases."""

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "hateful_memes.py"


@pytest.mark.parametrize(
    ("name", "parts"),
    [("hateful memes, phase 1", ["val"]), ("hateful memes, phase 2", ["dev_seen", "dev_unseen"])],
)
def test_example(copy_of, name, parts, monkeypatch, capsys):
    _, folder = copy_of(name)
    arguments = [str(folder), "--from-scratch", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    printed = capsys.readouterr().out
    line = r"^ +(\w+) +4 rows  auroc=[01]\.\d{3}  accuracy=[01]\.\d{3}$"
    # The labels of the test parts are not published.
    assert re.findall(line, printed, re.MULTILINE) == parts * 3
    assert printed.count("fitted on 4 rows") == 3
