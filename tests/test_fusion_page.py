"""The code of docs/fusion.md runs, and its parameter counts are those of the classes."""

import re
from pathlib import Path

from mmgraph.nn.fusion import Fusion

PAGE = (Path(__file__).parents[1] / "docs" / "fusion.md").read_text("utf-8")
OURS = {kind.__name__ for kind in Fusion.__subclasses__() if kind.__module__.startswith("mmgraph.")}


def test_page_runs_and_counts_parameters(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {"__name__": "page"})
    *lines, score = capsys.readouterr().out.splitlines()
    assert float(score) > 0.9
    printed = {tuple(line.split()) for line in lines if line.split()[0] in OURS}
    rows = re.findall(r"^\| `(\w+)` .* \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    assert {name for name, *_ in rows} == OURS
    assert printed == {
        (name, str(n), count)
        for name, *counts in rows
        for n, count in zip((2, 3), counts, strict=True)
    }


def test_every_method_is_in_both_tables():
    named = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(named) == sorted([*OURS, *OURS])
