"""The script that writes docs/results.md keeps what is not its own."""

import argparse
import importlib.util
from pathlib import Path

import pandas as pd
import pytest

PATH = Path(__file__).parents[2] / "examples" / "benchmarks" / "results.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("results", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_prose_stays_and_the_block_is_exchanged(script):
    page = "# Results\n\nProse.\n"
    assert script.write_page(page, {"One": "", "Two": ""}) == page
    first = script.write_page(page, {"One": "## One\n\n| a |", "Two": ""})
    assert first.startswith("# Results\n\nProse.\n\n" + script.BEGIN)
    new = {"Two": "## Two\n\n\\1", "Three": "## Three"}
    second = script.write_page(first + "\nMore prose.\n", new)
    assert "## One\n\n| a |\n\n## Two" in second  # another script may have written it
    assert "## Two\n\n\\1\n\n## Three" in second
    assert second.endswith(script.END + "\n\nMore prose.\n")
    assert script.write_page(second, new) == second


def test_sections_without_new_runs_stay(script):
    both = {"One": "## One\n\nold", "Two": "## Two\n\nold"}
    page = script.write_page("# Results\n", both)
    changed = script.write_page(page, {"One": "", "Two": "## Two\n\nnew"})
    assert "## One\n\nold\n\n## Two\n\nnew" in changed
    assert script.write_page(page, {"One": "", "Two": ""}) == page


def test_a_comparison_without_runs_has_no_section(script, run, tmp_path):
    args = argparse.Namespace(runs=tmp_path, rows=None)
    assert script.write_section("openclipart", tmp_path, args) == ""
    run(output=tmp_path / "openclipart", budget_minutes=0.0)
    assert script.write_section("openclipart", tmp_path, args) == ""
    run(output=tmp_path / "openclipart")
    section = script.write_section("openclipart", tmp_path, args)
    assert section.startswith("## openclipart: all methods")
    assert "| **clue** | .950" in section
    assert (tmp_path / "results_openclipart.png").stat().st_size > 5000


def test_tables(script):
    text = script.write_rows(["a", "b"], [["x", 0.12345], ["y", float("nan")]])
    assert text.split("\n")[2:] == ["| x | 0.123 |", "| y |  |"]


def test_methods_with_fewer_runs_than_others_are_left_out(script):
    def scores(runs):
        return pd.DataFrame(runs, columns=["train_rows", "method", "seed"])

    both = [(rows, name, 0) for rows in (10, 20) for name in ("a", "b")]
    runs = scores([*both, (10, "a", 1), (10, "b", 1)])
    assert script.complete_methods(runs) == ["a", "b"]
    assert script.describe_seeds(runs) == "after 10 the mean of seeds 0, 1; after 20 seed 0"
    assert script.complete_methods(scores([*both, (10, "a", 1)])) == ["a"]
    assert script.complete_methods(scores(both[:-1])) == ["a"]
