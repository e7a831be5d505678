import json
import re

import pandas as pd

from mmgraph import Explanation, load


def test_tables_of_chosen_rows(shell, model, table, tmp_path):
    path = tmp_path / "why.html"
    command = f"explain {model} {table} --row 31 --row 4 --method gradient --target blue"
    stdout, _ = shell(command)
    lines = " ".join(stdout.split())
    assert re.search(
        r"row 4: blue \d+\.\d%, (predicted \w+, )?(which is right|truth \w+), by", lines
    )
    assert stdout.index("row 4: blue") < stdout.index("row 31: blue")
    assert lines.index("sums of the modalities") < lines.index("parts of the model")
    nodes, _, others = stdout[stdout.index("row 31") :].partition("sums of the modalities")
    assert "because of these training rows of" in " ".join(others.split())
    scores = [abs(float(each)) for each in re.findall(r"[+-]\d\.\d{4}", nodes)]
    assert 3 <= len(scores) <= 10
    assert scores == sorted(scores, reverse=True)
    stdout, stderr = shell(f"{command} --output {path}")
    assert (stdout, stderr) == ("", f"wrote {path}\n")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    shell(f"{command} --output {path}", code=2)  # it exists already


def test_json_of_the_first_row_of_a_split(shell, model, table, tmp_path):
    path = tmp_path / "why.json"
    command = f"explain {model} {table} --split test --method occlusion --output {path}"
    (shown,) = shell.json(command)["explanations"]
    (written,) = json.loads(path.read_text("utf-8"))
    explanation = Explanation.from_json(written)
    assert explanation.row == shown["row"] == "9"
    assert explanation.inputs[0].picture().size == (16, 16)
    assert shown["inputs"][0]["image"] is None
    assert shown["nodes"] == written["nodes"]


def test_errors(shell, model, table):
    command = f"explain {model} {table}"
    assert "expected places of rows from 0 to 35, got 99" in shell.error(f"{command} --row 99")
    assert "expected a method of" in shell.error(f"{command} --method magic")
    line = shell.error(f"{command} --target pink")
    assert "expected one of the outputs 'blue', 'green', 'red'" in line


def test_several_rows(shell, model, table, tmp_path):
    command = f"explain {model} {table} --method gradient"
    assert len(shell.json(f"{command} --rows 3 --split test")["explanations"]) == 3
    stdout, _ = shell(f"{command} --all --split test")
    assert "and 4 more rows" in stdout
    for wrong in ("--row 1 --rows 2", "--all --wrong", "--all --rows 2"):
        shell(f"{command} {wrong}", code=2)


def test_rows_that_are_wrong(shell, model, table):
    frame = pd.read_csv(table)[:6].drop(columns="split").assign(label="red")
    path = table.with_name("wrong.csv")
    frame.to_csv(path, index=False)
    pictures = [str(table.parent / each) for each in frame["picture"]]
    predicted = load(model).predict(frame.assign(picture=pictures))
    command = f"explain {model} {path} --method gradient --wrong"
    rows = [int(each["row"]) for each in shell.json(command)["explanations"]]
    assert rows == (predicted != "red").nonzero()[0].tolist()
    assert len(shell.json(f"{command} --rows 2")["explanations"]) == 2
    same = table.with_name("right.csv")
    frame.assign(label=predicted).to_csv(same, index=False)
    assert "right on every row" in shell.error(f"explain {model} {same} --wrong")
