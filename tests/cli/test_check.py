import pandas as pd


def test_check(shell, table, tmp_path):
    columns = "--image picture --text caption --label label --group series --from-scratch"
    copied = pd.read_csv(table)
    train = copied[copied["split"] == "train"].iloc[:1]
    copied = pd.concat([copied, train.assign(split="test", series=99)])
    path = table.with_name("copied.csv")
    copied.to_csv(path, index=False)
    page, file = tmp_path / "check.html", tmp_path / "check.csv"
    stdout, _ = shell(f"check {path} {columns} --output {page}", code=3)
    assert "duplicate" in stdout
    assert page.read_text().count("<h2>") >= 2
    shell(f"check {path} {columns} --output {file} --json", code=3)
    assert "duplicate" in set(pd.read_csv(file)["kind"])
    assert "expected the column 'kind'" in shell.error(f"check {path} --label kind")
    shell(f"check {path} {columns} --output {page}", code=2)
