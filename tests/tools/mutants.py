"""Mutation testing: does a test fail when a line of a module is wrong?

    python tests/tools/mutants.py mmgraph/graph/nodes.py --tests tests/graph/test_nodes.py

Each mutant is the module with one change, such as `<` for `<=` or a call left out; it is tested in
a fork, which has the large packages imported already. What no test notices is printed. Linux and
macOS.
"""

import argparse
import ast
import importlib
import importlib.machinery
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SWAPS: dict[type, type] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn},
    **{ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div},
    **{ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And},
}

LARGE = (
    *("numpy", "pandas", "torch", "torch.utils.data", "torch_geometric.nn", "lightning", "pytest"),
    *("sklearn.linear_model", "hypothesis", "PIL.Image", "timm", "transformers", "jaxtyping"),
)


class Mutator(ast.NodeTransformer):
    """Makes the change of some number, and counts all there could be.

    Args:
        chosen: Number of the change to make; -1: none.
    """

    def __init__(self, chosen: int) -> None:
        self.chosen, self.count, self.made = chosen, 0, ""

    def change(self, node: ast.AST, new: ast.AST, line: int) -> ast.AST:
        self.count += 1
        if self.count - 1 != self.chosen:
            return node
        old, changed = (
            type(each).__name__
            if isinstance(each, ast.operator | ast.cmpop | ast.boolop)
            else ast.unparse(ast.fix_missing_locations(each))
            for each in (node, new)
        )
        self.made = f"{line}: {old:.70} -> {changed:.70}"
        return new

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
            return node  # what messages say, what type checkers read
        if isinstance(node, ast.AnnAssign):
            node.value = node.value and self.visit(node.value)
            return node
        if isinstance(node, ast.arguments):
            node.defaults = [self.visit(each) for each in node.defaults]
            node.kw_defaults = [each and self.visit(each) for each in node.kw_defaults]
            return node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            # neither decorators nor the types of what is returned
            node = self.visit(node.args) and node if isinstance(node, ast.FunctionDef) else node
            node.body = [self.visit(each) for each in node.body]
            return node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return node
        return self.mutate(self.generic_visit(node))

    def mutate(self, node: ast.AST) -> ast.AST:
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Compare):
            node.ops = [self.swap(each, line) for each in node.ops]
        elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
            node.op = self.swap(node.op, line)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            return self.change(node, node.operand, line)
        elif isinstance(node, ast.IfExp | ast.If):
            node.test = self.change(node.test, ast.UnaryOp(ast.Not(), node.test), line)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return self.change(node, ast.Constant(not node.value), line)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return self.change(node, ast.Constant(node.value + 1), line)
        elif isinstance(node, ast.Return) and node.value is not None:
            return self.change(node, ast.Return(ast.Constant(None)), line)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return self.change(node, ast.Pass(), line)
        return node

    def swap(self, operator: ast.AST, line: int) -> ast.AST:
        new = SWAPS.get(type(operator))
        return operator if new is None else self.change(operator, new(), line)


def mutants(source: str, sample: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield what some mutants change, and their sources."""
    counter = Mutator(-1)
    counter.visit(ast.parse(source))
    numbers = list(range(counter.count))
    random.Random(seed).shuffle(numbers)
    for number in sorted(numbers[:sample]):
        mutator = Mutator(number)
        tree = ast.fix_missing_locations(mutator.visit(ast.parse(source)))
        yield mutator.made, ast.unparse(tree)


def run(module: Path, source: str, tests: list[str], seconds: float) -> str:
    """Test a module with another source in a fork: "passed", "failed" or "slow"."""
    child = os.fork()
    if not child:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        code = 1
        with suppress(BaseException):
            code = _test(module, source, tests)
        os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "failed" if os.waitstatus_to_exitcode(status) else "passed"
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "slow"


def _test(module: Path, source: str, tests: list[str]) -> int:
    import pytest

    read = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader, name):
        if Path(loader.path).resolve() == module:
            return compile(source, loader.path, "exec")
        return read(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        # Without checks of shapes, for which every module would be compiled again.
        options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported
        return int(pytest.main([*options, f"--basetemp={folder}/tests", *tests]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", type=Path, nargs="+")
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=40, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for package in LARGE:
        with suppress(ImportError):
            importlib.import_module(package)
    all_made = all_passed = 0
    for module in arguments.modules:
        source, started = module.read_text("utf-8"), time.monotonic()
        if run(module.resolve(), source, arguments.tests, 600) != "passed":
            sys.exit(f"{module}: the tests fail without any change")
        seconds = 20 + 3 * (time.monotonic() - started)
        made = passed = 0
        for change, mutated in mutants(source, arguments.sample, arguments.seed):
            made += 1
            if run(module.resolve(), mutated, arguments.tests, seconds) == "passed":
                passed += 1
                print(f"{module}:{change}", flush=True)
        print(f"{module}: {passed} of {made} survive", flush=True)
        all_made, all_passed = all_made + made, all_passed + passed
    print(f"{all_passed} of {all_made} survive: {all_passed / max(all_made, 1):.1%}")


if __name__ == "__main__":
    main()
