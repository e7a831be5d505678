"""The code of docs/comparing.md runs."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text("utf-8")


def test_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    exec("\n".join(blocks), {"__name__": "page"})
    assert "| **graph** |" in capsys.readouterr().out
    assert all((tmp_path / name).is_file() for name in ("comparison.png", "curve.png"))
