import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mmgraph

PACKAGE = Path(mmgraph.__file__).parent
ORDER = (
    *("errors", "typing", "system", "graph", "message_passing", "nn", "modalities"),
    *("tables", "data", "metrics", "robustness", "training", "saving", "export", "plot", "explain"),
    *("estimator", "diagnosis", "datasets", "comparison", "testing", "cli"),
)
HEAVY = ("torch_geometric", "sklearn", "lightning", "timm", "transformers", "matplotlib", "pandas")
NOT_IN_NETWORKS = {"pandas", "PIL", "sklearn", "lightning"}


def room(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def imports(path):
    """Modules that a file imports at its top; those within functions may point anywhere."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            if node.module == "mmgraph":
                yield from (f"mmgraph.{alias.name}" for alias in node.names)


FILES = [
    path
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.stem not in ("__init__", "relations")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        if module.startswith("mmgraph.") and room(module) in ORDER:
            assert ORDER.index(room(module)) <= ORDER.index(own), module
        if ORDER.index(own) <= ORDER.index("nn"):
            assert module.split(".")[0] not in NOT_IN_NETWORKS


def test_import_is_light():
    code = "import sys, mmgraph; print([name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_had():
    for name in mmgraph.__all__:
        assert getattr(mmgraph, name) is not None
    assert {"Image", "datasets"} <= set(dir(mmgraph))
    with pytest.raises(AttributeError, match="Imago"):
        _ = mmgraph.Imago
