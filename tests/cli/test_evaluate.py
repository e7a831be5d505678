import pandas as pd

from mmgraph import load
from mmgraph.cli.options import Rows
from mmgraph.cli.sources import opened
from mmgraph.datasets import load_openclipart
from mmgraph.tables.opening import read_frame


def test_splits_and_metrics(shell, model, table):
    found = shell.json(f"evaluate {model} {table} --split val --split test --metric macro_f1")
    assert found["rows"] == 18
    assert found["metrics"].keys() == {"macro_f1"}
    assert shell.json(f"evaluate {model} {table} --split all")["rows"] == 36
    stdout, stderr = shell(f"evaluate {model} {table}")
    assert "accuracy" in stdout
    assert "9 rows" in stdout
    assert "Traceback" not in stderr


def test_scores_by_hand(shell, model, table, tmp_path):
    estimator = load(model)
    estimator.modalities_[0].root = table.parent
    frame = read_frame(table)
    # Half of the labels are turned to another one, so that the score is not perfect.
    frame["label"] = frame["label"].where(frame.index % 2 == 0, "red")
    turned = table.with_name("turned.csv")
    frame.drop(columns="split").to_csv(turned, index=False)
    right = (estimator.predict(frame) == frame["label"]).mean()
    found = shell.json(f"evaluate {model} {turned}")
    assert found["rows"] == 36
    assert found["metrics"]["accuracy"] == right < 1


def test_errors(shell, model, table, tmp_path):
    assert "no metric 'acc'" in shell.error(f"evaluate {model} {table} --metric acc")
    assert "--split" in shell.error(f"evaluate {model} {table} --split dev")
    assert "'kind' to predict" in shell.error(f"evaluate {model} {table} --label kind")
    frame = pd.read_csv(table).assign(label=None)
    frame.to_csv(table.with_name("blank.csv"), index=False)
    line = shell.error(f"evaluate {model} {table.with_name('blank.csv')}")
    assert "expected a true value" in line
    (tmp_path / "empty").mkdir()
    shell.error(f"evaluate {tmp_path / 'empty'} {table}")


def test_data_sets_are_known_by_name():
    with opened(Rows("openclipart")) as source:
        assert len(source.read()) == source.count_rows() == 2572
        assert source.dataset.label == load_openclipart().label
        parts = list(source.parts(1000))
    assert [len(part) for part in parts] == [1000, 1000, 572]
    assert parts[2].index[-1] == 2571


def test_report(shell, model, table, tmp_path):
    page = tmp_path / "report.html"
    found = shell.json(f"evaluate {model} {table} --group series --report {page}")
    assert found["rows"] == found["report"]["rows"] == 9
    assert len(found["report"]["baselines"]) > 1
    assert page.read_text().count("<table>") >= 4
    stdout, _ = shell(f"evaluate {model} {table} --split val --report {page} --overwrite")
    assert "best baseline, constant" in " ".join(stdout.split())
    shell(f"evaluate {model} {table} --report {page}", code=2)


def test_metrics_are_checked_before_the_model_is_loaded(shell, table, tmp_path):
    line = shell.error(f"evaluate {tmp_path} {table} --metric accurcy")
    assert "did you mean 'accuracy'" in line
