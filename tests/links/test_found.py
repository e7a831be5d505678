"""Which rows see which: keys, sequences, shared values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph import Link, SameValue, Sequence
from mmgraph.links.base import RowKeys
from mmgraph.links.keys import key_of, read_keys
from mmgraph.links.resolve import relation_names, resolve


def seen(link, known, asked=None):
    """Rows that each asked row sees, by relation; without asked rows, training rows."""
    frames = [known] if asked is None else [known, asked]
    keys = read_keys(pd.concat(frames), link.columns)
    count = 0 if asked is None else len(known)
    rows = RowKeys(keys, count, sum(map(len, frames)))
    names = link.relations
    found = []
    for each in resolve([link], rows):
        by = {}
        if each is not None:
            for row, relation in zip(each.row.tolist(), each.relation.tolist(), strict=True):
                by.setdefault(names[relation], []).append(row)
        found.append(by)
    return found


def test_keys_name_rows_in_both_directions():
    frame = pd.DataFrame({"id": [1, 2, 3], "parent": [np.nan, 1.0, 1.0]})
    assert seen(Link("parent", key="id"), frame) == [
        {"parent_reversed": [1, 2]},
        {"parent": [0]},
        {"parent": [0]},
    ]


def test_lists_cycles_self_links_repeated_and_dangling_keys(caplog):
    caplog.set_level("INFO", "mmgraph")
    frame = pd.DataFrame({"id": ["a", "b", "c"], "to": [["b", "b", "a", "gone"], ["a"], []]})
    found = seen(Link("to", key="id"), frame)
    assert found == [
        {"to": [1], "to_reversed": [1]},
        {"to": [0], "to_reversed": [0]},
        {},
    ]
    assert "1 keys name no row" in caplog.text
    assert "to: 2 links of 2 of 3 rows" in caplog.text


def test_the_first_of_rows_with_one_key_stands_for_all(caplog):
    caplog.set_level("INFO", "mmgraph")
    frame = pd.DataFrame({"id": ["a", "a", "b"], "to": ["b", "b", "a"]})
    assert seen(Link("to", key="id"), frame) == [
        {"to": [2], "to_reversed": [2]},
        {"to": [2], "to_reversed": [2]},
        {"to": [0], "to_reversed": [0]},
    ]
    assert "1 rows have a key that a row before them has" in caplog.text


def test_a_known_row_asked_again_does_not_see_its_copy():
    known = pd.DataFrame({"id": [1, 2], "parent": [None, 1], "shop": ["x", "x"]})
    asked = pd.DataFrame({"id": [1, 3], "parent": [None, 1], "shop": ["x", "x"]})
    by_key = seen(Link("parent", key="id"), known, asked)
    assert by_key == [{"parent_reversed": [1, 3]}, {"parent": [0]}]
    assert seen(SameValue("shop", key="id"), known, asked) == [{"shop": [1, 3]}, {"shop": [0, 1]}]
    turns = pd.DataFrame({"talk": ["t"] * 3, "turn": [1, 2, 3]})
    assert seen(Sequence("talk", order="turn"), turns, turns[1:2]) == [
        {"talk_past": [0], "talk_future": [2]}
    ]


def test_sequences_tell_past_from_future_and_speakers():
    frame = pd.DataFrame(
        {
            "talk": ["t", "t", "u", "t", None],
            "turn": [10, 9, 1, 100, 3],  # as texts, 9 would be last
            "who": ["A", "B", "A", "A", "A"],
        }
    )
    link = Sequence("talk", order="turn", speaker="who")
    assert seen(link, frame) == [
        {"talk_past_other": [1], "talk_future_same": [3]},
        {"talk_future_other": [0, 3]},
        {},
        {"talk_past_same": [0], "talk_past_other": [1]},
        {},
    ]
    nothing_to_come = Sequence("talk", order="turn", future=0)
    assert nothing_to_come.relations == ["talk_past"]
    assert seen(nothing_to_come, frame)[1] == {}


def test_sequences_reach_as_far_as_they_say_and_count_steps():
    frame = pd.DataFrame({"talk": ["t"] * 6, "turn": [3, 1, 2, 4, 0, 3]})
    link = Sequence("talk", order="turn", past=2, future=1)
    keys = read_keys(frame, link.columns)
    (each, *_) = resolve([link], RowKeys(keys, 0, 6))
    assert each.row.tolist() == [2, 1, 3]  # the other row of turn 3 is neither before nor after
    assert each.distance.tolist() == [1, 2, 1]


def test_dates_are_in_order_as_texts():
    frame = pd.DataFrame({"talk": ["t"] * 2, "day": ["2020-10-01", "2020-02-01"]})
    assert seen(Sequence("talk", order="day"), frame)[0] == {"talk_past": [1]}


def test_a_hub_shows_some_of_its_rows_and_rows_see_different_ones():
    count = 10_000
    frame = pd.DataFrame({"id": range(count), "parent": [None, *[0] * (count - 1)], "shop": "x"})
    by_key = seen(Link("parent", key="id"), frame)
    assert len(by_key[0]["parent_reversed"]) == 32
    assert by_key[1] == {"parent": [0]}
    shared = seen(SameValue("shop", key="id", most=5), frame[: (count := 1000)])
    assert all(len(each["shop"]) == 5 for each in shared)
    assert len({row for each in shared for row in each["shop"]}) > count / 2


def drawn(random, names):
    """Rows with keys, links and sequences of all kinds, whole and broken."""
    size = len(names)
    return pd.DataFrame(
        {
            "id": names,
            "to": [random.integers(0, 9, random.integers(0, 4)).tolist() for _ in range(size)],
            "group": random.integers(0, 4, size),
            "turn": random.integers(0, 6, size),
        }
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_no_row_sees_itself_or_its_copy_whatever_the_links(seed):
    random = np.random.default_rng(seed)
    known, asked = (drawn(random, random.integers(0, 8, 8)) for _ in range(2))
    every = pd.concat([known, asked], ignore_index=True)
    for link, names in (
        (Link("to", key="id", most=2), ["id"]),
        (SameValue("group", key="id", most=2), ["id"]),
        (Sequence("group", order="turn", past=2, future=2), ["group", "turn"]),
    ):
        identity = list(zip(*(every[name].tolist() for name in names), strict=True))
        for frames in ((known,), (known, asked)):
            begin = len(known) * (len(frames) - 1)
            for own, by in enumerate(seen(link, *frames), start=begin):
                for rows in by.values():
                    assert len(set(rows)) == len(rows) <= 2
                    assert identity[own] not in [identity[row] for row in rows]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_what_a_row_sees_does_not_depend_on_rows_it_has_no_links_with(seed):
    random = np.random.default_rng(seed)
    known, asked = drawn(random, np.arange(8)), drawn(random, np.arange(10, 14))
    strangers = drawn(random, np.arange(20, 28)).assign(group="others", to=[[30]] * 8)
    for link in (Link("to", key="id"), SameValue("group"), Sequence("group", order="turn")):
        alone = seen(link, known, asked)
        assert seen(link, known, pd.concat([asked, strangers]))[: len(asked)] == alone


@pytest.mark.parametrize("value", [7, 7.0, np.int64(7), np.float32(7), "7"])
def test_whole_numbers_are_one_key_whatever_their_type(value):
    assert key_of(value) == "7"


def test_arguments_and_names_are_checked():
    with pytest.raises(ValueError, match="expected past to be a number of rows from 0, got -1"):
        Sequence("talk", order="turn", past=-1)
    with pytest.raises(ValueError, match="two of them have the relation 'shop'"):
        relation_names([SameValue("shop"), SameValue("shop", most=3)])
