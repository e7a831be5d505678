"""Links from the command line."""

import numpy as np
import pandas as pd
import pytest

from mmgraph import Link, MultimodalGraphClassifier, SameValue, Sequence, load
from mmgraph.cli.links import describe_links
from mmgraph.cli.options import Inputs
from mmgraph.links.kinds import restore_link
from mmgraph.modalities import Tabular

ROWS = 60


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    random = np.random.default_rng(0)
    seller = random.integers(0, 12, ROWS)
    frame = pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "seller": seller,
            "weight": random.normal(size=ROWS),
            "kind": np.where(seller % 2, "tool", "toy"),
        }
    )
    path = tmp_path_factory.mktemp("links") / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_shell_links_rows_as_python_does(shell, csv, tmp_path):
    said = "--tabular weight --same-value seller=id --label kind --set graph=false"
    shell(f"fit {csv} {said} -o {tmp_path}/model")
    frame = pd.read_csv(csv)
    clf = MultimodalGraphClassifier(
        [Tabular(["weight"])], links=[SameValue("seller", key="id")], graph=False, verbose=False
    ).fit(frame, "kind")
    loaded = load(tmp_path / "model")
    assert loaded.links == clf.links
    assert np.allclose(loaded.predict_proba(frame), clf.predict_proba(frame), atol=1e-6)
    shell(f"predict {tmp_path}/model {csv} -o {tmp_path}/out.csv")
    written = pd.read_csv(tmp_path / "out.csv")
    assert np.allclose(written["probability_tool"], clf.predict_proba(frame)[:, 0], atol=1e-6)


def test_all_kinds_of_links_can_be_named():
    inputs = Inputs(link=["parent=id"], sequence=["talk:turn:who"], same_value=["shop", "b=id"])
    assert describe_links(inputs) == [
        Link("parent", key="id"),
        Sequence("talk", order="turn", speaker="who"),
        SameValue("shop"),
        SameValue("b", key="id"),
    ]
    assert [restore_link(each.describe()) for each in describe_links(inputs)] == describe_links(
        inputs
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--link parent", "--link parent: expected COLUMN=KEY"),
        ("--sequence talk", "--sequence talk: expected COLUMN:ORDER"),
        ("--same-value =id", "--same-value =id: expected COLUMN or COLUMN=KEY"),
        ("--same-value kind", "'kind' is the target"),
    ],
)
def test_what_is_no_link_is_said(shell, csv, tmp_path, given, message):
    line = shell.error(f"fit {csv} --tabular weight --label kind {given} -o {tmp_path}/model")
    assert message in line
