"""What Python source computes, as text that comments, docstrings and moves do not change."""

from __future__ import annotations

import ast
import hashlib
import json
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

#: Rooms that no fit and no prediction of a comparison executes: they read what is fitted or found,
#: or bring data, which have a hash of their own.
_NOT_EXECUTED = (
    *("cli", "comparison", "datasets", "diagnosis", "explain", "export", "plot", "saving"),
    *("metrics.py", "robustness.py", "testing", "testing.py"),
)

#: What a run executes of these rooms all the same.
_BUT_EXECUTED = (*("comparison/baselines", "comparison/describe.py", "comparison/experiment.py"),)


@lru_cache(maxsize=1)
def fingerprint_code() -> str:
    """Return a hash of all that a run executes of mmgraph, a change of which may change a result.

    Comments, docstrings, annotations and messages do not count, nor where a module lies.
    """
    root = Path(__file__).parents[1]
    return fingerprint_modules({str(path.relative_to(root)): path for path in executed(root)})


def executed(root: Path) -> Iterator[Path]:
    """Yield the modules of mmgraph that a run may execute; packages' faces only hand on names."""
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        left_out = inside.parts[0] in _NOT_EXECUTED or path.name == "__init__.py"
        if not left_out or inside.as_posix().startswith(_BUT_EXECUTED):
            yield path


def fingerprint_modules(paths: dict[str, Path]) -> str:
    """Return a hash of what modules compute, by their paths in the package, in no order.

    What a module imports from another one counts by what that one computes, wherever it lies.
    """
    trees = {_dotted(name): _executed(path.read_text("utf-8")) for name, path in paths.items()}
    alone = {name: _hash(_describe(tree)) for name, tree in trees.items()}
    return _hash(sorted([alone[name], _imports(trees[name], alone)] for name in trees))


def describe_source(source: str) -> str:
    """Return a hash of what a class, a function or a module computes.

    Raises:
        SyntaxError: It does not stand for itself, as the source of a lambda may not.

    Example:
        >>> describe_source("def f(x: int): return x + 1  # more") == describe_source(
        ...     "def f(x):\\n  '''Add one.'''\\n  return (x + 1)"
        ... )
        True
        >>> describe_source("x + 1") == describe_source("x - 1")
        False
    """
    tree = _executed(textwrap.dedent(source))
    return _hash([_describe(tree), _imports(tree, {})])


def _executed(source: str) -> ast.Module:
    """Return what is executed of a source, and may tell in a result."""
    tree = _Stripped().visit(ast.parse(source))
    assert isinstance(tree, ast.Module)
    return tree


class _Stripped(ast.NodeTransformer):
    """Takes away docstrings, annotations, messages, and what only type checkers read."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Take away texts and calls of loggers."""
        called = node.value.func if isinstance(node.value, ast.Call) else None
        owner = called.value if isinstance(called, ast.Attribute) else None
        told = isinstance(owner, ast.Name) and owner.id in ("logger", "warnings")
        text = isinstance(node.value, ast.Constant)
        return None if told or text else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Take it away: it stands where a docstring may."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Keep the kind of an error, not what it says."""
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Keep what is asserted."""
        node.msg = None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        """Keep of `if TYPE_CHECKING:` what runs otherwise."""
        if "TYPE_CHECKING" in (getattr(node.test, "id", ""), getattr(node.test, "attr", "")):
            return [self.visit(each) for each in node.orelse]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Keep the name."""
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Keep all but what it returns."""
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Keep all but what it returns."""
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Keep which fields there are: dataclasses are made of them."""
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation):
                each.annotation = ast.Constant("field")
                each.simple = _FIELD
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Make an assignment of one with a type, and nothing of a type alone."""
        if node.simple == _FIELD:
            return self.generic_visit(node)
        return None if node.value is None else self.visit(ast.Assign([node.target], node.value))


#: Marks annotations that are fields of a class.
_FIELD = 2


def _describe(node: Any) -> Any:
    """Describe a node by its kind and its parts, without those that only some Pythons have.

    Imports count apart, for modules move.
    """
    if isinstance(node, list):
        imports = (ast.Import, ast.ImportFrom)
        return [_describe(each) for each in node if not isinstance(each, imports)]
    if isinstance(node, ast.Constant):
        return ["Constant", repr(node.value)]
    if not isinstance(node, ast.AST):
        return node
    parts = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    return [type(node).__name__, {name: _describe(value) for name, value in parts.items()}]


def _imports(tree: ast.Module, modules: Mapping[str, str]) -> list[str]:
    """Return the imported names that are used: from mmgraph with the content of the module."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        origin = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
        own = origin.startswith((".", "mmgraph"))
        for each in node.names:
            if (each.asname or each.name.split(".")[0]) in used:
                known = modules.get(origin) or modules.get(f"{origin}.{each.name}")
                place = known or ("" if own else origin)
                found.add(json.dumps([place, each.name, each.asname]))
    return sorted(found)


def _dotted(name: str) -> str:
    return ".".join(["mmgraph", *Path(name).with_suffix("").parts])


def _hash(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()
