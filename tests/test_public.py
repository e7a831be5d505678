"""What is public: the faces' names, which can all be had, and are all that the pages import."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mmgraph

PACKAGE = Path(mmgraph.__file__).parent
ROOT = PACKAGE.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def seen_by_type_checkers(path):
    """Return what a file imports under `TYPE_CHECKING`: (name, module) pairs."""
    return [
        (alias.asname, node.module)
        for block in ast.parse(path.read_text("utf-8")).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        for alias in node.names
    ]


#: The one list: names of `mmgraph` itself, and of each face that is an attribute of it.
ROOMS = sorted(
    name for name, module in seen_by_type_checkers(PACKAGE / "__init__.py") if module == "mmgraph"
)
FACES = ["mmgraph", *(f"mmgraph.{room}" for room in ROOMS)]
LAZY = [
    face
    for face in FACES
    if "hand_on(" in Path(importlib.import_module(face).__file__).read_text("utf-8")
]


def public_names(face):
    """Return the names of a face, or of a module that defines its own."""
    module = importlib.import_module(face)
    if hasattr(module, "__all__"):
        return set(module.__all__)
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {each.name for each in tree.body if isinstance(each, kinds) and each.name[0] != "_"}


PUBLIC = {face: public_names(face) for face in FACES}


@pytest.mark.parametrize("face", FACES)
def test_every_name_can_be_had(face):
    module = importlib.import_module(face)
    assert PUBLIC[face]
    for name in PUBLIC[face]:
        assert getattr(module, name) is not None
        # A module of that name would take the name's place as soon as it is imported.
        if hasattr(module, "__path__"):
            assert importlib.util.find_spec(f"{face}.{name}") is None
    assert set(dir(module)) >= PUBLIC[face]
    if face in LAZY:
        assert set(dir(module)) == PUBLIC[face] | set(ROOMS if face == "mmgraph" else [])
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        _ = module.nonesuch


@pytest.mark.parametrize("face", LAZY)
def test_type_checkers_see_the_same(face):
    module = importlib.import_module(face)
    seen = dict(seen_by_type_checkers(Path(module.__file__)))
    rooms = ROOMS if face == "mmgraph" else []
    assert seen.keys() == {*module.__all__, *rooms}
    for name, defined_in in seen.items():
        value = getattr(module, name)
        if name not in rooms:
            assert value is getattr(importlib.import_module(defined_in), name)
        else:
            assert value is importlib.import_module(f"mmgraph.{name}")


def test_rooms_that_hand_on_nothing_are_private():
    faces = {
        path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for path in PACKAGE.rglob("*.py")
        if "hand_on(" in path.read_text("utf-8") and path.stem != "lazy"
    }
    assert faces - {"__init__"} <= set(ROOMS)


def test_readers_are_light():
    code = "import sys; from mmgraph.datasets import load_openclipart; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch_geometric", "lightning", "sklearn", "pandas", "timm", "transformers"}
    assert "mmgraph.datasets.openclipart" in done.stdout.split()
    assert not heavy & set(done.stdout.split())


def imported(source):
    """Return what code imports from mmgraph: (module, name) pairs, name None for a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mmgraph":
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "mmgraph":
                    yield alias.name, None


def not_public(source):
    """Return the imports of some code that are not of public names."""
    for module, name in imported(source):
        known = PUBLIC.get(module, set())
        known = known | {*ROOMS, "__version__"} if module == "mmgraph" else known
        if module not in FACES or (name is not None and name not in known):
            yield f"from {module} import {name}"


def blocks(path):
    return re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_import_public_names_only(path):
    assert [line for block in blocks(path) for line in not_public(block)] == []


def test_docstrings_import_public_names_only():
    """Only of what is public itself: docstrings behind the faces are the house's own."""
    wrong = []
    for face in FACES:
        for name in PUBLIC[face]:
            value = getattr(importlib.import_module(face), name)
            members = vars(value).values() if isinstance(value, type) else []
            for each in (value, *(getattr(member, "__func__", member) for member in members)):
                found = re.findall(r">>> ((?:from|import) mmgraph.*)", _own_doc(each))
                wrong += [f"{face}.{name}: {bad}" for line in found for bad in not_public(line)]
    assert wrong == []


def _own_doc(value):
    doc = getattr(value, "__doc__", None)
    return doc if isinstance(doc, str) else ""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_import_public_names_only(path):
    assert list(not_public(path.read_text("utf-8"))) == []


def test_pages_are_read():
    assert sum(len(list(imported(block))) for path in PAGES for block in blocks(path)) > 20
    assert list(not_public("from mmgraph.nn.linear.features import NodeMeanFeatures"))
    assert list(not_public("import mmgraph.nn.readout"))
    assert list(not_public("from mmgraph import load_openclipart"))
    assert not list(not_public("import mmgraph\nfrom mmgraph import datasets, Image"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_names_in_the_text_are_public(path):
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for dotted in re.findall(r"`mmgraph((?:\.\w+)+)[`(]", text):
        first, *rest = dotted.strip(".").split(".")
        assert first in PUBLIC["mmgraph"] or (first in ROOMS), dotted
        if rest and first in ROOMS:
            assert rest[0] in PUBLIC[f"mmgraph.{first}"], dotted


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_paths_in_the_text_are_there(path):
    text = path.read_text("utf-8")
    for place in re.findall(r"`((?:mmgraph|docs|examples|tests|datasets)/[\w./-]+)`", text):
        assert (ROOT / place).exists(), place
    for place in re.findall(r"`(\w+(?:/\w+)*/\w+\.py)`", text):
        assert (ROOT / place).is_file() or (PACKAGE / place).is_file(), place


def definitions():
    """Return public classes of all modules, and functions of several words, which are no methods.

    Shorter functions, and methods' namesakes, cannot be told from methods and commands.
    """
    trees = [
        ast.parse(path.read_text("utf-8"))
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "cli")
    ]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    methods = {
        node.name for each in classes for node in each.body if isinstance(node, ast.FunctionDef)
    }
    functions = {
        node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)
    }
    named = {each.name for each in classes} | {name for name in functions if "_" in name}
    return {name for name in named - methods if name[0] != "_"}


@pytest.fixture(scope="module")
def defined():
    return definitions()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_pages_mention_is_public(path, defined):
    public = set().union(*PUBLIC.values())
    mentioned = set(re.findall(r"`(\w+)(?:\([^`]*\))?`", path.read_text("utf-8")))
    assert mentioned & defined <= public


def test_definitions_are_found(defined):
    assert {"GraphFusion", "find_present", "Download"} <= defined
    assert not {"to_json", "fit"} & defined
