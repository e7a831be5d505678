"""Estimators with links: what reaches a prediction, and what never does."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mmgraph
from mmgraph import DataError, ExportError, Link, MultimodalGraphClassifier, SameValue, Sequence
from mmgraph.data.dataset import read_batches
from mmgraph.data.whole_table import bind_table
from mmgraph.modalities import Tabular
from mmgraph.nn.linked_vote import LinkedVote
from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.tasks import Multiclass
from mmgraph.tables import ParquetTable

SELLER = [SameValue("seller", key="id")]


def catalogue(rows=120, sellers=30, seed=0):
    """Products whose kind only their seller knows; a number says a little."""
    random = np.random.default_rng(seed)
    seller = random.integers(0, sellers, rows)
    kind = seller % 2
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "seller": [f"shop {each}" for each in seller],
            "weight": kind + random.normal(0, 2.0, rows),
            "kind": np.where(kind, "tool", "toy"),
        }
    )


def fit(frame, links=SELLER, **options):
    options = {"graph": False, "verbose": False} | options
    clf = MultimodalGraphClassifier([Tabular(["weight"])], links=links, **options)
    return clf.fit(frame, "kind")


@pytest.fixture(scope="module")
def frame():
    return catalogue()


@pytest.fixture(scope="module")
def fitted(frame):
    return fit(frame)


def test_links_tell_what_no_row_knows_by_itself(fitted, frame):
    new = catalogue(200, seed=1).assign(id=lambda each: each["id"] + 1000)
    alone = fit(frame, links=None)
    assert fitted.score(new, "kind") > 0.95
    assert alone.score(new, "kind") < 0.75
    assert float(fitted.model_.linked.weight[0]) > 0


def test_saved_models_see_their_training_rows(fitted, frame, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = mmgraph.load(tmp_path / "model")
    new = catalogue(20, seed=1).assign(id=lambda each: each["id"] + 1000)
    # Asked together, new rows see each other too, so that vectors are made anew.
    assert np.array_equal(loaded.predict_proba(new), fitted.predict_proba(new))
    assert loaded.links == SELLER
    assert [type(each).__name__ for each in loaded.modalities] == ["Tabular"]
    loaded.save(tmp_path / "again")
    again = mmgraph.load(tmp_path / "again")
    assert np.array_equal(again.predict_proba(new), fitted.predict_proba(new))


def test_damaged_files_of_linked_rows_are_refused(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    keys = next((tmp_path / "model").rglob("keys.json"))
    keys.write_text('{"keys": {"seller": [], "id": []}, "names": []}')
    (tmp_path / "model" / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="damaged"):
        mmgraph.load(tmp_path / "model")


def test_rows_that_links_do_not_lead_to_change_nothing(fitted):
    new = catalogue(30, seed=2).assign(id=lambda each: each["id"] + 1000)
    strangers = new.assign(id=new["id"] + 1000, seller="nobody else's")
    alone = fitted.predict_proba(new)
    beside = fitted.predict_proba(pd.concat([strangers, new]))[len(strangers) :]
    assert np.allclose(alone, beside, atol=1e-6)


def test_without_any_link_the_other_parts_predict(fitted):
    new = pd.DataFrame({"id": [None], "seller": [None], "weight": [3.0]})
    assert fitted.predict(new).tolist() == ["tool"]


def test_explanations_name_the_rows_that_were_seen(fitted, frame):
    new = frame.iloc[:1].assign(id=1000)
    (explained,) = fitted.explain(new, method="occlusion")
    labels = [node.place.label for node in explained.nodes if node.modality == "linked"]
    same = frame.index[frame["seller"] == new["seller"].iloc[0]]
    assert labels == [f"seller: {row}" for row in same]
    assert sum(explained.parts.values()) == pytest.approx(explained.value, abs=1e-4)
    known = [node.score for node in explained.nodes if node.modality == "linked"]
    assert max(known) > 0


def test_gates_and_subsets_of_an_explanation_agree_at_both_ends(fitted, frame):
    from mmgraph.explain.samples import read_samples

    (sample,) = read_samples(fitted, frame.iloc[:1].assign(id=1000))
    whole = torch.ones(1, sample.units)
    with torch.no_grad():
        assert torch.allclose(sample.faded(whole)[0], sample.logits, atol=1e-4)
        assert torch.allclose(sample.subsets(whole.bool())[0], sample.logits, atol=1e-4)


def test_a_diagnosis_says_what_linked_targets_add(fitted):
    new = catalogue(40, seed=3).assign(id=lambda each: each["id"] + 1000)
    found = mmgraph.diagnose(fitted, new, "kind", draws=20)
    assert "linked_targets_removed" in set(found.to_frame()["measure"])


def test_the_graph_has_a_node_for_each_linked_row(frame):
    clf = fit(frame, graph=True, epochs=1, channels=8, validation=0.0)
    new = frame.iloc[:3].assign(id=[1000, 1001, 1002])
    assert np.isfinite(clf.predict_proba(new)).all()
    assert {"relation.weight", "distance.weight"} <= {
        name.removeprefix("encoders.linked.") for name, _ in clf.model_.named_parameters()
    }


def test_groups_may_be_the_column_that_links_read(frame, monkeypatch):
    # What explanations show of neighbours is read of a table without the groups' column.
    monkeypatch.setattr(Neighbours, "used", property(lambda self: True))
    clf = MultimodalGraphClassifier(
        [Tabular(["weight"])], links=[SameValue("seller")], graph=False, verbose=False
    ).fit(frame, "kind", groups="seller")
    # No target of a row's own group is shown, so that there is nothing to weigh.
    assert not clf.model_.linked.weight.any()
    assert set(clf.feature_names_in_) == {"weight", "seller"}
    assert len(clf.known_rows_) == len(frame)


def test_sequences_link_turns(tmp_path):
    random = np.random.default_rng(0)
    fact = random.integers(0, 2, 60)
    rows = [
        {"talk": talk, "turn": turn, "weight": [fact[talk], 5.0][turn], "kind": str(fact[talk])}
        for talk in range(60)
        for turn in range(2)
    ]
    frame = pd.DataFrame(rows)
    last = frame[frame["turn"] == 1]
    links = [Sequence("talk", order="turn")]
    told, alone = (
        MultimodalGraphClassifier(
            [Tabular(["weight"])], links=each, graph=False, verbose=False
        ).fit(frame[:80], "kind", groups=frame["talk"][:80])
        for each in (links, None)
    )
    both = frame[80:]
    assert (told.predict(both) == both["kind"]).all()
    assert 0.2 < (alone.predict(last[40:]) == last["kind"][40:]).mean() < 0.8


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_rows_own_target_never_reaches_what_is_said_of_it(seed):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(12),
            "to": [random.integers(0, 12, random.integers(0, 4)).tolist() for _ in range(12)],
            "shop": random.integers(0, 3, 12),
            "talk": random.integers(0, 2, 12),
            "turn": random.integers(0, 6, 12),
            "weight": random.normal(size=12),
        }
    )
    groups = random.integers(0, 5, 12)
    links = [
        Link("to", key="id"),
        SameValue("shop", key="id"),
        Sequence("talk", order="turn", speaker="shop"),
    ]
    linked, batch = items_of(frame, links, groups)
    target = torch.from_numpy(random.integers(0, 3, 12))
    for row in range(12):
        inside = groups == groups[row]
        changed = target.clone()
        changed[torch.from_numpy(inside)] = (changed[torch.from_numpy(inside)] + 1) % 3
        before, after = (said_of(linked, batch, each, target) for each in (target, changed))
        assert torch.equal(before[row], after[row])


def items_of(frame, links, groups):
    from mmgraph.data.dataset import SampleDataset
    from mmgraph.data.transform import transform
    from mmgraph.links.reading import add_linked_rows

    base = [Tabular(["weight"]).fit([[("weight", each)] for each in frame["weight"]])]
    dataset = SampleDataset(base, transform(base, frame))
    linked, joined = add_linked_rows(links, frame, dataset, groups)
    return linked, joined.collate(range(len(frame))).items


def said_of(linked, items, target, first):
    """What linked rows say, the mean of all targets aside, which every row shares."""
    task = Multiclass(3)
    task.fit(first)
    vote = LinkedVote(linked.node_type, len(linked.relations_), task)
    vote.learn([items], target, torch.arange(len(target)), None, torch.arange(0))
    vote.weight = torch.ones_like(vote.weight)
    return vote(items)


@pytest.mark.parametrize("seed", range(2))
def test_with_shuffled_targets_accuracy_is_chance(seed):
    random = np.random.default_rng(seed)
    frame = catalogue(300, 40, seed=seed)
    frame["kind"] = random.permutation(frame["kind"].to_numpy())
    clf = fit(frame[:200], links=SELLER)
    chance = abs(clf.score(frame[200:], "kind") - 0.5)
    assert chance < 0.16  # three standard errors of 100 rows
    # Left-out rows of the training, whose linked rows' targets are known, do no better.
    assert clf.facts_["held_out"]["accuracy"] < 0.65


def test_predicting_training_rows_again_shows_them_no_copy(fitted, frame):
    items = next(iter(read_batches(*bind_table(fitted.modalities_, frame), 200))).items["linked"]
    sample = items.node_layout()["sample"]
    assert (items.data["place"] < len(frame)).all()  # known rows stand for those asked again
    assert not (items.data["place"] == sample).any()


@pytest.mark.parametrize(
    ("links", "message"),
    [
        (SELLER[0], r"links: expected a list of them, write \[SameValue"),
        ("seller", "links: expected a list such as"),
        (["seller"], "expected links such as Link"),
        ([SameValue("kind")], "'kind' is the target, which new rows do not have"),
        ([SameValue("shop")], "expected the column 'shop', got a table with the columns"),
    ],
)
def test_what_are_no_links_is_refused(links, message, frame):
    with pytest.raises(ValueError, match=message):
        fit(frame, links=links)


def test_a_column_lacking_in_new_rows_is_named(fitted, frame):
    with pytest.raises(DataError, match=r"expected the column 'seller'.*links read it"):
        fitted.predict(frame.drop(columns="seller"))


def test_a_modality_called_linked_is_refused(frame):
    clf = MultimodalGraphClassifier(
        [Tabular(["weight"], name="linked")], links=SELLER, graph=False, verbose=False
    )
    with pytest.raises(DataError, match="a modality is called 'linked'"):
        clf.fit(frame, "kind")


def test_tables_on_disk_are_refused_for_now(frame, tmp_path):
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="links need all rows in memory"):
        fit(ParquetTable(tmp_path / "rows.parquet"))


def test_models_with_links_are_not_exported(fitted, frame, tmp_path):
    with pytest.raises(ExportError, match="a model with links cannot be exported"):
        fitted.export(tmp_path / "program", example=frame)


def test_links_are_no_inputs_where_modalities_are_inferred(frame):
    clf = MultimodalGraphClassifier(links=SELLER, graph=False, verbose=False).fit(frame, "kind")
    assert [each.node_type for each in clf.modalities_] == ["tabular", "linked"]


def test_new_labelled_rows_are_taken_in_beside_links(fitted, frame):
    clf = fit(frame)
    new = catalogue(20, seed=4).assign(id=lambda each: each["id"] + 1000)
    if clf.model_.neighbours.used:
        clf.add(new, "kind")
    assert np.isfinite(clf.predict_proba(new)).all()
