from pathlib import Path

import pytest

from mmgraph import DataError
from mmgraph.datasets import load_openclipart, openclipart


def test_table():
    frame = load_openclipart().frame
    assert frame["split"].value_counts().to_dict() == {"train": 1800, "test": 514, "val": 258}
    assert frame["label"].nunique() == 13
    assert all(Path(path).is_file() for path in frame["image"])
    # One series never stands on two sides.
    assert frame.groupby("group")["split"].nunique().max() == 1


def test_own_copy(tmp_path):
    with pytest.raises(DataError, match=r"openclipart: 1 of 1 files are missing: .*manifest\.csv"):
        load_openclipart(tmp_path)
    columns = "image,text,label,split,group,title,creator,source"
    (tmp_path / "manifest.csv").write_text(f'{columns}\na.png,null,x,val,g,,"A, B",s\n')
    (tmp_path / "a.png").touch()
    (row,) = load_openclipart(tmp_path).frame.astype(object).to_dict("records")
    # A title may be the word "null" or "NA": only an empty field is missing.
    assert row["image"] == str(tmp_path / "a.png")
    assert (row["text"], row["label"], row["creator"]) == ("null", "x", "A, B")
    assert row["title"] != row["title"] or row["title"] is None


@pytest.mark.parametrize("place", ["datasets/data/openclipart", "../datasets/openclipart"])
def test_folder_is_found_in_wheel_and_repository(tmp_path, monkeypatch, place):
    package = tmp_path / "mmgraph"
    (package / "datasets").mkdir(parents=True)
    monkeypatch.setattr(openclipart, "__file__", str(package / "datasets" / "openclipart.py"))
    with pytest.raises(DataError, match="install mmgraph again"):
        openclipart.openclipart_folder()
    folder = (package / place).resolve()
    folder.mkdir(parents=True)
    (folder / "manifest.csv").touch()
    assert openclipart.openclipart_folder() == folder
