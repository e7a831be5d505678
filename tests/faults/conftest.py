"""What tests of faults share."""

import tempfile

import pytest


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Return a folder for all files, and let temporary ones be in it as well."""
    folder = tmp_path / "room"
    (folder / "temporary").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    return folder
