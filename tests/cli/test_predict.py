import numpy as np
import pandas as pd
import pytest
from tolerance import SMALL, rounding

from mmgraph import load
from mmgraph.cli import models
from mmgraph.fitted import FittedModel
from mmgraph.tables.arrow import hugging_face
from mmgraph.tables.opening import read_frame


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr(models, "_ROWS_AT_ONCE", 7)


@pytest.fixture
def expected(model, table):
    estimator = load(model)
    estimator.modalities_[0].root = table.parent
    return estimator.predict_proba(read_frame(table))


@pytest.fixture
def broken(table):
    """Return a table of which a row near the end names a picture that is not there."""
    frame = read_frame(table)
    frame.loc[33, "picture"] = "gone.png"
    path = table.with_name("broken.csv")
    frame.to_csv(path, index=False)
    return path


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_every_row_as_in_python(shell, model, table, expected, tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / "made" / f"p.{suffix}"
    said = shell.json(f"predict {model} {table} --output {path} --id sku")
    assert (said["rows"], said["output"]) == (36, str(path))
    written = read_frame(path)
    names = ["blue", "green", "red"]
    assert list(written) == ["sku", "prediction", *(f"probability_{name}" for name in names)]
    assert written["sku"].tolist() == [f"s{number}" for number in range(36)]
    np.testing.assert_allclose(written.iloc[:, 2:].to_numpy(float), expected, atol=rounding(SMALL))
    assert written["prediction"].tolist() == [names[place] for place in expected.argmax(1)]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "parquet"])
def test_tables_of_every_kind(shell, model, table, expected, tmp_path, suffix):
    frame = read_frame(table)
    source = table.with_name(f"same.{suffix}")
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(source)
    elif suffix == "tsv":
        frame.to_csv(source, sep="\t", index=False)
    else:
        frame.to_json(source, orient="records", lines=True)
    shell(f"predict {model} {source} --output {tmp_path / 'p.csv'} --quiet")
    written = pd.read_csv(tmp_path / "p.csv")
    assert written["row"].tolist() == list(range(36))
    np.testing.assert_allclose(written.iloc[:, 2:].to_numpy(float), expected, atol=rounding(SMALL))


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_folders(shell, model, table, expected, tmp_path, kind):
    pytest.importorskip("pyarrow")
    frame, source = read_frame(table), tmp_path / "rows"
    if kind == "parquet":
        source.mkdir()
        frame[:20].to_parquet(source / "a.parquet")
        frame[20:].to_parquet(source / "b.parquet")
    else:
        datasets = hugging_face() or pytest.skip("without datasets")
        datasets.Dataset.from_pandas(frame).save_to_disk(str(source))
    rows = f"{source} --root {table.parent}"
    shell(f"predict {model} {rows} --output {tmp_path / 'p.csv'} --quiet")
    written = pd.read_csv(tmp_path / "p.csv")
    assert written["row"].tolist() == list(range(36))
    np.testing.assert_allclose(written.iloc[:, 2:].to_numpy(float), expected, atol=rounding(SMALL))
    columns = "--text caption --label label --group series"
    shell(f"fit {rows} {columns} {shell.quick} --output {tmp_path / 'model'} --quiet")


@pytest.mark.usefixtures("few_at_once")
def test_rows_of_a_split_keep_their_places(shell, model, table, tmp_path):
    shell(f"predict {model} {table} --split test --output {tmp_path / 'p.csv'}")
    places = pd.read_csv(tmp_path / "p.csv")["row"].tolist()
    assert places == np.flatnonzero(read_frame(table)["split"] == "test").tolist()


def test_long_tables_are_read_in_parts(shell, model, table, tmp_path, monkeypatch):
    frame = read_frame(table)
    long = table.with_name("long.csv")
    pd.concat([frame] * 3).assign(sku=range(108)).to_csv(long, index=False)
    predictions, sizes = FittedModel.predict, []

    def counted(self, X, **options):
        sizes.append(len(X))
        return predictions(self, X, **options)

    monkeypatch.setattr(FittedModel, "predict", counted)
    shell(f"predict {model} {long} --output {tmp_path / 'p.csv'} --id sku")
    assert sizes == [64, 44]
    assert pd.read_csv(tmp_path / "p.csv")["sku"].tolist() == list(range(108))


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("split", ["", "--split test"])
def test_a_bad_row_is_named_and_leaves_nothing_behind(shell, model, broken, tmp_path, split):
    path = tmp_path / "p.csv"
    line = shell.error(f"predict {model} {broken} {split} --output {path}")
    assert line.startswith("error: row 33, column 'picture': ")
    assert "gone.png" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("few_at_once")
def test_what_was_there_stays_if_a_row_is_bad(shell, model, broken, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("before")
    shell.error(f"predict {model} {broken} --output {path} --overwrite")
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["p.csv"]
    # Its caption is still there to predict from.
    shell(f"predict {model} {broken} --unreadable missing --output {path} --overwrite")
    assert len(pd.read_csv(path)) == 36


def test_nothing_is_replaced_unasked(shell, model, table, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("before")
    _, stderr = shell(f"predict {model} {table} --output {path}", code=2)
    assert "--overwrite" in stderr
    assert path.read_text() == "before"
    for other in (tmp_path / "p.xls", tmp_path):
        shell(f"predict {model} {table} --output {other}", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{model} {table} --id name", "expected the column 'name' to name the rows"),
        ("{model} none.csv", "there is no such file"),
        ("{table} {table}", "table.csv"),
        ("{model} {empty}", "at least one row"),
        ("{model} {other}", "expected the column 'picture'"),
    ],
)
def test_errors(shell, model, table, tmp_path, arguments, message):
    empty, other, path = tmp_path / "empty.csv", tmp_path / "other.csv", tmp_path / "p.csv"
    empty.write_text("picture,caption\n")
    other.write_text("a,b\n1,2\n")
    given = arguments.format(model=model, table=table, empty=empty, other=other)
    assert message in shell.error(f"predict {given} --output {path}")
    assert not path.exists()


def test_quiet(shell, model, table, tmp_path):
    assert shell(f"predict {model} {table} --quiet --output {tmp_path / 'p.csv'}") == ("", "")
