import ast
import inspect
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mmgraph
from mmgraph import Image, Tabular, Text
from mmgraph.comparison.baselines.choice import make_baselines
from mmgraph.comparison.describe import fingerprint
from mmgraph.comparison.source import (
    _executed,
    describe_source,
    executed,
    fingerprint_code,
    fingerprint_modules,
)

ROOT = Path(mmgraph.__file__).parent
MODULES = sorted(executed(ROOT))
OTHER = {ast.Add: ast.Sub, ast.Mult: ast.Div, ast.Lt: ast.LtE, ast.Eq: ast.NotEq, ast.And: ast.Or}


class Louder(ast.NodeTransformer):
    """Changes everything that computes nothing."""

    def visit_FunctionDef(self, node):
        node.returns = ast.Constant("Anything")
        for each in node.args.args:
            each.annotation = ast.Constant("Anything")
        text = ast.Expr(ast.Constant(f"Do {node.name} quite otherwise."))
        node.body = [text, *node.body]
        return self.generic_visit(node)

    def visit_Raise(self, node):
        if isinstance(node.exc, ast.Call):
            node.exc.args = [ast.Constant("Something else is wrong.")]
        return node


@settings(max_examples=30)
@given(st.sampled_from(MODULES))
def test_comments_docstrings_types_and_messages_do_not_count(path):
    source = path.read_text("utf-8")
    spaced = "".join(f"{line}\n" + "# why\n" * (not line) for line in source.split("\n"))
    assume(_parses(spaced))  # some line is empty within a text
    louder = ast.unparse(ast.fix_missing_locations(Louder().visit(ast.parse(source))))
    assert describe_source(source) == describe_source(louder)
    if ast.dump(ast.parse(source)) == ast.dump(ast.parse(spaced)):
        assert describe_source(source) == describe_source(spaced)


def _parses(source):
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


@settings(max_examples=50)
@given(st.data())
def test_every_constant_and_operator_counts(data):
    tree = _executed(data.draw(st.sampled_from(MODULES)).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.excepthandler) and getattr(node, "body", None) == []:
            node.body = [ast.Pass()]
        if isinstance(node, ast.Try) and not node.handlers and not node.finalbody:
            node.finalbody = [ast.Pass()]
    before = ast.unparse(ast.fix_missing_locations(tree))
    nodes = [node for node in ast.walk(tree) if _changeable(node)]
    assume(nodes)
    node = data.draw(st.sampled_from(nodes))
    if isinstance(node, ast.Constant):
        node.value = -1 if isinstance(node.value, str) else 12345
    elif isinstance(node, ast.Compare):
        node.ops = [OTHER[type(node.ops[0])](), *node.ops[1:]]
    else:
        node.op = OTHER[type(node.op)]()
    after = ast.unparse(tree)
    assert after != before
    assert describe_source(after) != describe_source(before)


def _changeable(node):
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    kind = type(node.ops[0]) if isinstance(node, ast.Compare) else type(getattr(node, "op", None))
    return kind in OTHER


@pytest.fixture
def package(tmp_path):
    """Return a function that writes modules and returns their fingerprint."""

    def write(**sources):
        paths = {}
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.write_text(source)
            paths[f"{name.replace('__', '/')}.py"] = path
        return fingerprint_modules(paths)

    return write


ADD, SUBTRACT = "def f(a, b):\n    return a + b\n", "def f(a, b):\n    return a - b\n"


def test_moved_modules_are_the_same(package):
    use = "from mmgraph.{} import f\n\n\ndef g(x):\n    return f(x, 1)\n"
    before = package(add=ADD, sub=SUBTRACT, use=use.format("add"))
    assert package(room__add=ADD, sub=SUBTRACT, use=use.format("room.add")) == before
    assert package(add=ADD, sub=SUBTRACT, use=use.format("sub")) != before
    assert package(add=ADD, sub=SUBTRACT, use=use.format("add").replace("1", "2")) != before
    assert package(add=SUBTRACT, sub=ADD, use=use.format("add")) != before


def test_what_is_imported_counts_where_it_is_used():
    source = "from math import {}\nfrom typing import {}\n\n\ndef f(x):\n    return {}(x)\n"
    before = describe_source(source.format("sin", "Any", "sin"))
    assert describe_source(source.format("sin", "Iterable", "sin")) == before
    assert describe_source(source.format("sin as cos", "Any", "cos")) != before
    assert describe_source("import math as sin\n\n\ndef f(x):\n    return sin(x)") != before


def test_fields_of_data_classes_count():
    source = "class A:\n    '''One.'''\n    x: int = 1\n    {}\n"
    before = describe_source(source.format("y: float = 2"))
    assert describe_source(source.format("y: 'Other' = 2  # metres")) == before
    assert describe_source(source.format("y = 2")) != before
    assert describe_source(source.format("y: float = 3")) != before


def test_functions_are_told_apart_by_what_they_compute():
    def one(x):
        return x + 1

    first = fingerprint(one)

    def one(x: int) -> int:
        """Add one."""
        return x + 1  # the same

    assert fingerprint(one) == first

    def one(x):
        return x + 2

    assert fingerprint(one) != first


def test_the_fingerprint_is_that_of_the_package():
    assert fingerprint_code() == fingerprint_modules({str(p.relative_to(ROOT)): p for p in MODULES})


def test_what_runs_is_counted(frame, make_classifier, quick_baselines):
    """Whatever functions of mmgraph a run executes lie in modules that have a part in the key."""
    frame = frame.assign(price=np.arange(len(frame)))
    small = Image("image", backbone=None, size=32)
    modalities = [small, Text("text", features=None), Tabular(["price"])]
    estimators = [make_classifier(modalities), *(m.make(0) for m in make_baselines(modalities))]
    called = set()

    def note(context, event, _):
        # What is imported only now runs its module and classes, which are no functions.
        if event == "call" and context.f_code.co_flags & inspect.CO_OPTIMIZED:
            called.add(context.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for each in estimators:
            each.fit(frame, frame["label"]).predict_proba(frame)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    ours = {Path(name) for name in called if name.startswith(str(ROOT))}
    assert ours & set(MODULES)
    faces = {path for path in ours if path.name == "__init__.py"}
    # Of saving, `fit` calls what refuses, warns and records: no number comes from it.
    saving = {path for path in ours if path.parent == ROOT / "saving"}
    assert sorted(map(str, ours - faces - saving - set(MODULES))) == []
