"""Plug-ins: modules on disk, single classes, and what installed packages name."""

import sys
from importlib import metadata

import pytest

from mmgraph import DataError
from mmgraph.explain import Explainer
from mmgraph.system import plugins
from mmgraph.system.plugins import GROUP, add_plugin, find_functions, find_plugins

SOURCE = """
from abc import abstractmethod
from collections import OrderedDict
from mmgraph.explain import Explainer, Occlusion

class Louder(Occlusion):
    name = "louder"

class Abstract(Explainer):
    @abstractmethod
    def more(self): ...

class _Hidden(Occlusion): ...

def load_moods(folder): ...
def _load_hidden(folder): ...
MOST = 3
"""


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch, tmp_path):
    """Begin without plug-ins, and leave none behind, nor their modules."""
    monkeypatch.setattr(plugins, "_added", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    plugins._add_installed.cache_clear()
    yield
    plugins._add_installed.cache_clear()
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def installed(monkeypatch):
    """Return a function that installs entry points of a package."""

    def install(**points):
        made = [metadata.EntryPoint(name, value, GROUP) for name, value in points.items()]
        monkeypatch.setattr(
            metadata, "entry_points", lambda group: made if group == GROUP else pytest.fail(group)
        )

    return install


@pytest.mark.parametrize("given", ["my_moods", "my_moods.py"])
def test_a_module_on_disk(given, tmp_path):
    (tmp_path / "my_moods.py").write_text(SOURCE)
    for _ in range(2):
        add_plugin(given)
    assert list(find_plugins(Explainer)) == ["Louder"]
    assert list(find_functions("load_")) == ["load_moods"]
    assert find_plugins(Explainer)["Louder"].__module__ == "my_moods"


def test_installed_packages(installed, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "moods_for_mmgraph"
    package.mkdir()
    (package / "__init__.py").write_text("from moods_for_mmgraph.inside import Louder")
    (package / "inside.py").write_text(SOURCE)
    installed(moods="moods_for_mmgraph", reader="moods_for_mmgraph.inside:load_moods")
    assert list(find_plugins(Explainer)) == ["Louder"]
    assert list(find_functions()) == ["load_moods"]


def test_a_broken_package_is_left_out(installed, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_moods.py").write_text("1 / 0")
    (tmp_path / "good_moods.py").write_text(SOURCE)
    installed(broken="broken_moods", good="good_moods")
    with pytest.warns(UserWarning, match=r"plug-in broken .broken_moods. is left out.*division"):
        assert list(find_plugins(Explainer)) == ["Louder"]


def test_all_is_what_counts(tmp_path):
    text = "from my_inside import Louder as Loud\n__all__ = ['Loud']\nclass Other(Loud): ..."
    (tmp_path / "my_inside.py").write_text(SOURCE)
    (tmp_path / "my_outside.py").write_text(text)
    add_plugin("my_outside")
    assert list(find_plugins(Explainer)) == ["Louder"]


def test_a_class():
    class Louder(Explainer):
        def attribute(self, sample, target): ...

    add_plugin(Louder)
    assert find_plugins(Explainer) == {"Louder": Louder}
    other = type("Louder", (Louder,), {"__qualname__": "Louder"})
    with pytest.raises(DataError, match="two plug-ins are called Louder"):
        add_plugin(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "my_moods cannot be imported: ZeroDivisionError"),
        ("import not_there_at_all", "No module named 'not_there_at_all'"),
        ("MOST = 3", "defines no class and no function"),
    ],
)
def test_what_cannot_be_used(text, message, tmp_path):
    (tmp_path / "my_moods.py").write_text(text)
    with pytest.raises(DataError, match=message):
        add_plugin("my_moods")
    with pytest.raises(DataError, match="the plug-in not_there cannot be imported"):
        add_plugin("not_there")


def test_no_file_takes_the_place_of_a_module(tmp_path):
    (tmp_path / "json.py").write_text(SOURCE)
    with pytest.raises(DataError, match="there is a module json already; rename the file"):
        add_plugin("json.py")
