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
