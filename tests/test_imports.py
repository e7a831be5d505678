"""All imports of the package, those in functions and for type checkers too, point one way."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

import mmgraph

PACKAGE = Path(mmgraph.__file__).parent
DESIGN = PACKAGE.parent / "docs" / "design.md"
#: The rooms: packages and single files in the package's root. Each knows only those before it.
ORDER = (
    *(
        "errors",
        "kinds",
        "typing",
        "version",
        "system",
        "graph",
        "relations",
        "message_passing",
        "nn",
    ),
    *(
        "modalities",
        "tables",
        "data",
        "links",
        "fitted",
        "metrics",
        "robustness",
        "training",
        "saving",
    ),
    *(
        "export",
        "plot",
        "explain",
        "estimator",
        "diagnosis",
        "datasets",
        "comparison",
        "checks",
        "reports",
        "testing",
    ),
    "cli",
)
MOST_ROOMS = 30
HEAVY = ("torch_geometric", "sklearn", "lightning", "timm", "transformers", "matplotlib", "pandas")
NOT_IN_NETWORKS = {"pandas", "PIL", "sklearn", "lightning"}


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


#: All files by module; the root only hands on what the others are.
FILES = {module_of(path): path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE}
FILES |= {module_of(path): path for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
#: Faces import their own files, and files name their own package in no import.
FACES = {module for module, path in FILES.items() if path.name == "__init__.py"}


def imports(path):
    """Modules that a file imports anywhere: at its top, in functions, for type checkers."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write the whole name of the module"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inside & FILES.keys()
            if not inside <= FILES.keys():
                yield node.module


def room(module):
    return module.split(".")[1]


def own(module):
    return sorted(each for each in imports(FILES[module]) if each.split(".")[0] == "mmgraph")


@pytest.mark.parametrize("module", FILES)
def test_imports_point_one_way(module):
    for each in own(module):
        assert each != "mmgraph", "import from the room itself; the version stands in version.py"
        assert ORDER.index(room(each)) <= ORDER.index(room(module)), each
    if ORDER.index(room(module)) <= ORDER.index("nn"):
        assert not NOT_IN_NETWORKS & {each.split(".")[0] for each in imports(FILES[module])}


@pytest.mark.parametrize("module", sorted(FILES.keys() - FACES))
def test_files_leave_the_faces_they_are_behind_alone(module):
    assert not [each for each in own(module) if module.startswith(f"{each}.")]


def test_no_circle_of_files():
    graph = nx.DiGraph((module, each) for module in FILES for each in own(module))
    assert [sorted(each) for each in nx.strongly_connected_components(graph) if len(each) > 1] == []


def test_a_circle_would_be_seen():
    graph = nx.DiGraph((module, each) for module in FILES for each in own(module))
    assert nx.has_path(graph, "mmgraph.estimator.base", "mmgraph.fitted")
    graph.add_edge("mmgraph.fitted", "mmgraph.estimator.base")
    circles = [each for each in nx.strongly_connected_components(graph) if len(each) > 1]
    assert any({"mmgraph.fitted", "mmgraph.estimator.base"} <= each for each in circles)


def test_the_root_is_a_short_list():
    rooms = {room(module) for module in FILES}
    assert rooms == set(ORDER)
    assert len(ORDER) <= MOST_ROOMS


def test_the_design_names_the_rooms_in_this_order():
    said = re.search(r"Imports point one way[^:]*: (.*?)\.\n", DESIGN.read_text("utf-8"), re.S)
    assert tuple(re.findall(r"`(\w+)`", said[1])) == ORDER


def test_no_room_calls_what_is_private_to_an_estimator():
    kinds = (mmgraph.MultimodalGraphClassifier, mmgraph.MultimodalGraphRegressor)
    private = {
        name
        for kind in kinds
        for each in kind.__mro__
        if each.__module__.startswith("mmgraph.")
        for name in vars(each)
        if name.startswith("_") and not name.startswith("__")
    }
    assert "_encode" in private
    # Rooms below the fitted model never meet an estimator.
    seeing = [module for module in FILES if ORDER.index(room(module)) >= ORDER.index("fitted")]
    for module in seeing:
        for node in ast.walk(ast.parse(FILES[module].read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in private:
                assert ast.unparse(node.value) in ("self", "cls", "super()"), module


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
