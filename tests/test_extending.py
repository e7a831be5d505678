"""The code of docs/extending.md runs as it stands."""

import importlib.util
import re
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


def test_page_runs_and_the_modality_is_short(capsys, tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 6
    # As a module with a file: dataclasses and PyG look there for names and source.
    path = tmp_path / "extending.py"
    path.write_text("\n".join(blocks), "utf-8")
    spec = importlib.util.spec_from_file_location("extending", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "extending", module)
    spec.loader.exec_module(module)
    assert float(capsys.readouterr().out) > 0.9
    definition = blocks[0].split("@dataclass(eq=False)")[1].split("class WindowEncoder")[0]
    assert len(definition.strip().splitlines()) < 60
