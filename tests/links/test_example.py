"""The example of Debian packages reads what apt-cache prints, and links what it names."""

import importlib.util
from pathlib import Path

import pytest

PACKAGES = """\
Package: zsh
Version: 5.9
Depends: zsh-common (= 5.9), libc6:any (>= 2.36) | musl
Suggests: zsh-doc
Description: shell with lots of features
Section: shells

Package: zsh-common
Source: zsh (5.9)
Recommends: zsh
Description: architecture independent files for Zsh
 and more lines
Section: contrib/shells

Package: nameless
Section: shells
"""


@pytest.fixture(scope="module")
def example():
    path = Path(__file__).parents[2] / "examples" / "linked_rows.py"
    spec = importlib.util.spec_from_file_location("linked_rows_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packages_are_read_with_all_that_they_name(example):
    rows = example.read_packages(PACKAGES)
    assert rows["package"].tolist() == ["zsh", "zsh-common"]
    assert rows["source"].tolist() == ["zsh", "zsh"]
    assert rows["section"].tolist() == ["shells", "shells"]
    assert rows["description"][1] == "architecture independent files for Zsh"
    assert rows["Depends"].tolist() == [["zsh-common", "libc6", "musl"], []]
    assert rows["Recommends"].tolist() == [[], ["zsh"]]


def test_shuffled_links_are_as_many_and_lead_to_packages(example):
    rows = example.read_packages(PACKAGES)
    mixed = example.shuffled(rows)
    assert [len(cell) for cell in mixed["Depends"]] == [1, 0]  # of three, one is in the table
    assert set(mixed["Depends"][0]) <= set(rows["package"])
