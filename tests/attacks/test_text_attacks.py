"""Labels, columns, paths and cells that look like markup, orders or formulas: shown as they are."""

import ast
import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown
from typer.testing import CliRunner

import mmgraph
from mmgraph import DataError, Tabular
from mmgraph.cli import app
from mmgraph.cli.predictions import open_writer
from mmgraph.errors import printable
from mmgraph.saving.card import write_card
from mmgraph.system.markdown import cell, code, escape

#: What each would do where it acts.
TEXTS = {
    "closes what was never opened": "[/x]",
    "makes the rest bold": "[bold]x",
    "is a link in a terminal": "[link=http://evil.example]x[/link]",
    "is an emoji": ":smile:",
    "clears the screen": "\x1b[2J",
    "changes the title of the window": "\x1b]0;x\x07",
    "is the same in one byte": "\x9b2J",
    "overwrites the line": "x\rerror: none",
    "turns the text around": "\u202egpj.exe",
    "is half a character": "\ud800",
    "runs a script": "<script>alert(1)</script>",
    "loads a picture": '<img src="http://evil.example/x.png">',
    "loads a picture as Markdown": "![x](http://evil.example/x.png)",
    "is a link": "[x](javascript:alert(1))",
    "is a link of its own": "<http://evil.example>",
    "is a link without marks": "http://evil.example",
    "ends the cell": "x | y",
    "ends the code": "x` **y** `",
    "begins a block of code": "```",
    "is a formula": "$\\frac$",
    "begins a heading": "# x",
    "ends the escape": "\\`*x*",
    "is a comment that does not end": "<!--",
    "is an entity": "&lt;b&gt;",
    "is a cell that runs a program": "=cmd|' /C calc'!A0",
    "is a sum": "+1+1",
    "is another one": "-1+1",
    "is a call": "@SUM(1)",
    "hides behind a blank": " =1+1",
    "hides behind a tab": "\t=1+1",
    "is a wide formula": "\uff1d1+1",
}

each_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
PLAIN = {"text", "text_special", "entity", "code_inline"}
parser = MarkdownIt("commonmark").enable("table")


def read_cell(markdown):
    """Return the kinds of what is in a cell of a table, and its text."""
    tokens = parser.parse(f"| a | b |\n|---|---|\n| {markdown} | c |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [each.content for each in (*cells[:2], cells[3])] == ["a", "b", "c"]
    parts = cells[2].children
    return {each.type for each in parts}, "".join(each.content for each in parts)


@each_text
def test_markdown(text):
    shown = " ".join(printable(text).splitlines()).strip()
    for made in (escape(text), cell(code(text))):
        kinds, content = read_cell(made)
        assert kinds <= PLAIN
        assert content.strip() == shown


@example("__0__")
@given(st.text(max_size=20))
def test_markdown_of_any_text(text):
    shown = " ".join(printable(text).splitlines())
    kinds, content = read_cell(escape(text))
    assert kinds <= PLAIN
    assert " ".join(content.split()) == " ".join(shown.split())


def card_of(model):
    return write_card(model.fitted_, type(model).__name__, model.get_params(deep=False))


def kinds_of(page):
    return [
        part.type
        for token in parser.parse(page)
        for part in (token, *(token.children or ()))
        if part.type not in ("text_special", "entity", "text")
    ]


@each_text
def test_model_card(text, make_classifier):
    """A card has the same parts, whatever columns and labels are called."""

    def card(column, label):
        frame = pd.DataFrame({column: range(20)})
        model = make_classifier([Tabular([column], name="table")], epochs=1)
        return card_of(model.fit(frame, [label, "b"] * 10))

    text = text.replace("\ud800", "half")
    assert kinds_of(card(text, text)) == kinds_of(card("x", "a"))


def shell(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def acts(text):
    return [each for each in text if printable(each) != each]


@each_text
def test_terminal(text, tmp_path, monkeypatch):
    text = text.replace("\ud800", "half")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    path = tmp_path / f"{text.replace('/', ' ')}.csv"
    rows = [{"text": f"red apple {n}", text: "a", "cell": text} for n in range(3)]
    pd.DataFrame(rows).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    done = shell("inspect", path, f"--label={text}")
    assert done.exit_code == 0, done.output
    assert not acts(done.output)
    # Three times in pages: the title, the column, and the head of its values.
    assert " ".join(done.output.split()).count(" ".join(printable(text).split())) >= 3
    described = shell("inspect", path, f"--label={text}", "--json").output
    assert not acts(described)
    columns = json.loads(described)["columns"]
    assert text.strip() in columns[2]["example"]


@each_text
def test_errors_in_a_terminal(text, tmp_path, monkeypatch):
    text = text.replace("\ud800", "half").replace("/", " ")
    monkeypatch.chdir(tmp_path)
    missing = shell("inspect", tmp_path / f"{text}.csv")
    assert missing.exit_code == 1
    assert missing.output.startswith("error: ")
    assert " ".join(printable(text).split()) in missing.output
    (tmp_path / "t.csv").write_text("text,label\nx,a\n")
    (tmp_path / text).mkdir()
    usage = shell("fit", "t.csv", "--label", "label", "--output", tmp_path / text)
    assert usage.exit_code == 2
    assert not acts(missing.output + usage.output)


@each_text
def test_error_messages(text):
    assert not acts(str(DataError(f"column {text}: expected numbers")))


def test_a_card_in_a_terminal(frame, make_classifier):
    """Rich shows the card's links where there are any; here are none."""
    evil = "[x](http://evil.example)"
    model = make_classifier([Tabular([evil], name="table")], epochs=1)
    model.fit(pd.DataFrame({evil: range(20)}), ["<b>", "[bold]"] * 10)
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    console.print(Markdown(card_of(model)))
    output = console.file.getvalue()
    assert "\x1b]8" not in output
    assert "[bold]" in output
    assert "<b>" in output


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@each_text
def test_spreadsheets(text, suffix, tmp_path):
    text = text.replace("\ud800", "half")
    part = pd.DataFrame({text: [text, "-1.5", "a"], "probability": [-0.5, 0.25, 0.25]})
    path = tmp_path / f"predictions{suffix}"
    with open_writer(path, separator="|") as writer:
        writer.write(part)
    text = text.replace("\r", "\n")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="," if suffix == ".csv" else "\t"))
    for value in (rows[0][0], rows[1][0]):
        assert value.removeprefix("'") == text
        assert not value.strip().startswith(("=", "+", "-", "@", "\uff1d"))
    # Numbers stay numbers.
    assert [row[1] for row in rows[1:]] == ["-0.5", "0.25", "0.25"]
    assert rows[2][0] == "-1.5"


@each_text
def test_pages(text, make_explanation):
    from mmgraph.explain.html import make_page

    page = make_page(make_explanation(text.replace("\ud800", "half") + " word", layers=1))
    data = page.split('id="data">', 1)[1].split("</script>", 1)[0]
    assert "<" not in data


@each_text
def test_plots(text, make_explanation):
    """Titles and marks are drawn as they are: a formula would fail, or be one."""
    from mmgraph.plot.style import shorten

    assert shorten(text, 100).replace(r"\$", "").count("$") == 0


def test_all_that_is_printed_goes_through_one_file():
    package = Path(mmgraph.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                allowed = path.name == "terminal.py"
                assert allowed or node.func.id not in ("print", "Console"), path
            if isinstance(node, ast.ImportFrom) and path.name not in ("terminal.py", "report.py"):
                assert node.module not in ("rich.console", "rich.text", "rich.table"), path
