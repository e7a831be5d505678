import pytest

from mmgraph.datasets import READERS


def test_table(shell, table):
    found = shell.json(f"inspect {table} --label label")
    assert found["rows"] == 36
    roles = {each["column"]: each["read as"] for each in found["columns"]}
    assert roles["label"] == "the label"
    assert roles["split"] == "the split"
    assert (roles["picture"], roles["caption"]) == ("Image", "Text")
    assert found["counts"]["label"] == {"red": 12, "green": 12, "blue": 12}
    assert found["counts"]["split"] == {"train": 18, "val": 9, "test": 9}
    stdout, _ = shell(f"inspect {table}")
    assert "caption" in stdout


def test_model(shell, model, fitted):
    found = shell.json(f"inspect {model}")
    assert found["classes"] == ["blue", "green", "red"]
    assert found["inputs"]["picture"] == {"type": "Image", "columns": ["picture"]}
    assert found["facts"]["rows"] == fitted[1]["rows"]
    stdout, _ = shell(f"inspect {model}")
    assert "Model card" in stdout


def test_data_set(shell):
    stdout, _ = shell("inspect openclipart")
    assert "2,572 rows" in stdout
    assert "expected a folder with config.json" in shell.error("inspect nothing.mmgraph")


def test_data_sets_that_are_not_there(shell):
    known = {name for name, reader in READERS.items() if reader.by_name}
    for name in ("nosuch", "exported", "exported:folder", "openclipart.csv:folder"):
        line = shell.error(f"inspect {name}")
        assert line.startswith(f"error: {name}: there is no such file, and no data set")
        offered = line.partition("there are ")[2].partition(", each")[0]
        assert set(offered.split(", ")) == known or "did you mean" in line


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("open_clipart", "openclipart"),
        ("OpenClipart", "openclipart"),
        ("memes:data", "fine_grained_hateful_memes or hateful_memes"),
        ("mm-imdb:data", "mm_imdb"),
        ("food-101:data", "food101"),
    ],
)
def test_near_misses_are_suggested(shell, given, meant):
    assert f"did you mean {meant}?" in shell.error(f"inspect {given}")


def test_folders_that_readers_need(shell, tmp_path):
    assert "needs its folder: mosi:FOLDER" in shell.error("inspect mosi")
    assert "comes without a folder: easy_vqa" in shell.error(f"inspect easy_vqa:{tmp_path}")
    line = shell.error("inspect hugging_face:data")
    assert "call mmgraph.datasets.load_hugging_face in Python" in line
