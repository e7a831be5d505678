import copy
import json
import logging
import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.data.cells import modality_cells
from mmgraph.data.transform import fit_modality
from mmgraph.errors import CellError, DataError
from mmgraph.modalities.columns import (
    CategoryColumn,
    DatetimeColumn,
    NumberColumn,
    find_kind,
)
from mmgraph.modalities.tabular import Tabular


def column(values, name="x"):
    return [[] if value is None else [(name, value)] for value in values]


def labels(table, cells):
    return [
        [table.place(item, node).label for item in row for node in range(len(item["column"]))]
        for row in table.transform(cells)
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, np.float32(3), np.int8(4), Decimal("5.5")], "number"),
        (["3.5", "-1", "2e-3", ".5", "7.", "0"], "number"),
        ([3, 4, 5, "unknown"], "number"),
        ([3, "unknown"], "category"),
        ([True, False, np.bool_(True)], "category"),
        (["a", "b"], "category"),
        (["007", "013"], "category"),
        (["1-2", "1,5", "NaN", "inf", "."], "category"),
        ([pd.Timestamp("2020-01-01"), date(2020, 1, 2), np.datetime64("2020-01-03")], "datetime"),
        (["2020-01-01", "2020-01-02T10:30:00Z", "2020-01-03 10:30"], "datetime"),
        (["2020-01", "2020"], "category"),
    ],
)
def test_kinds(values, kind):
    assert find_kind(values) == kind


def test_numbers_are_scaled_by_hand():
    number = NumberColumn.fit("x", [1.0, 2.0, 3.0, 4.0, 5.0], 2)
    assert (number.center, number.scale) == (3.0, 1.0)
    assert number.numbers(3.0) == [0.0]
    assert number.numbers(5.0) == pytest.approx([math.log(2 + math.sqrt(5))])


def test_an_outlier_changes_nothing_for_the_others():
    values = np.linspace(-1, 1, 99).tolist()
    alone, beside = (NumberColumn.fit("x", rows, 2) for rows in (values, [*values, 1e30]))
    for value in values:
        assert beside.numbers(value) == pytest.approx(alone.numbers(value), abs=0.05)
    assert beside.numbers(1e30)[0] < 100


def test_scales_of_columns_that_hardly_change():
    assert NumberColumn.fit("x", [7.0, 7.0], 2).numbers(7.0) == [0.0]
    mostly_zero = NumberColumn.fit("x", [0.0] * 8 + [5.0, 5.0], 2)
    assert mostly_zero.scale == 1.0
    assert mostly_zero.numbers(5.0) == pytest.approx([math.asinh(5)])


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9),
    st.floats(-1e300, 1e300),
)
def test_scaled_numbers_are_finite_and_keep_their_order(values, value):
    fitted = NumberColumn.fit("x", values, 2)
    scaled = [fitted.numbers(number)[0] for number in (-math.inf, value, math.inf)]
    assert math.isfinite(scaled[1])
    assert scaled == sorted(scaled)


def test_dates_by_hand():
    seconds = DatetimeColumn.parse("1970-01-05 06:00")  # a Monday
    assert seconds == 4.25 * 86400
    fitted = DatetimeColumn.fit("x", [0.0, seconds, 2 * seconds], 2)
    trend, *cycles = fitted.numbers(seconds)
    assert trend == 0
    turns = [2 * math.pi * part for part in (4 / 365.25, 0.25 / 7, 0.25)]
    expected = [wave(turn) for turn in turns for wave in (math.sin, math.cos)]
    assert cycles == pytest.approx(expected)
    before = DatetimeColumn.parse(date(1931, 7, 1))
    assert fitted.show(before) == "1931-07-01"
    assert fitted.show(seconds) == "1970-01-05 06:00:00"


@pytest.mark.parametrize(
    "raw",
    [
        "2024-05-31T18:30",
        datetime(2024, 5, 31, 18, 30),
        pd.Timestamp("2024-05-31 18:30", tz="Asia/Tokyo"),
        np.datetime64("2024-05-31T18:30"),
    ],
)
def test_dates_are_read_as_they_are_written(raw):
    assert DatetimeColumn.parse(raw) == datetime(2024, 5, 31, 18, 30).timestamp() - (
        datetime(1970, 1, 1).timestamp()
    )


def test_categories_of_any_type():
    parsed = [CategoryColumn.parse(raw) for raw in (1, 1.0, " 1 ", Decimal(1), np.int64(1))]
    assert set(parsed) == {"1"}
    assert CategoryColumn.parse(np.bool_(True)) == "True"
    assert CategoryColumn.parse(2.5) == "2.5"
    with pytest.raises(CellError, match="expected text, a truth value or a number, got dict"):
        CategoryColumn.parse({})


def test_a_node_for_every_value():
    cells = [
        [("age", 30), ("city", "Rome"), ("joined", "2024-05-31")],
        [("age", "37.5"), ("city", "Rome")],
        [],
        [("city", "Oslo")],
    ]
    table = Tabular(["age", "city", "joined", "never"]).fit(cells)
    rows = table.transform(cells)
    assert [len(row) for row in rows] == [1, 1, 0, 1]
    assert rows[0][0]["column"].tolist() == [0, 1, 2]
    assert rows[0][0]["category"].tolist() == [0, 2, 0]
    assert rows[3][0]["category"].tolist() == [1]
    assert labels(table, cells) == [
        ["age = 30", "city = Rome", "joined = 2024-05-31"],
        ["age = 37.5", "city = Rome"],
        [],
        ["city = (other)"],
    ]


def test_several_values_of_a_column():
    table = Tabular("tag").fit(column(["a", "a", "b", "b"], "tag"))
    assert labels(table, [[("tag", "a"), ("tag", "b")]]) == [["tag = a", "tag = b"]]


def test_values_of_columns_that_were_empty_in_training_are_left_out():
    table = Tabular(["x", "y"]).fit(column([1, 2]))
    assert labels(table, [[("x", 1), ("y", "new")], [("y", 3)]]) == [["x = 1"], []]


def test_nothing_to_learn_from():
    table = Tabular(["x"]).fit([[], []])
    assert table.transform([[("x", 3)], []]) == [[], []]
    nodes = table.make_encoder(8)(table.collate([[], []]))
    assert nodes.x.shape == (2, 0, 8)
    assert table.make_pooled_features() == []


def test_kinds_can_be_given():
    cells = column([90210, 90210, 10001])
    assert labels(Tabular("x").fit(cells), cells)[2] == ["x = 10001"]
    table = Tabular("x", kinds={"x": "category"}).fit(cells)
    assert labels(table, column([90210.0, "10001"])) == [["x = 90210"], ["x = (other)"]]
    assert isinstance(
        Tabular("x", kinds={"x": "number"}).fit(column(["007"])).columns_[0], NumberColumn
    )
    with pytest.raises(ValueError, match="'zip' is not among the columns"):
        Tabular("x", kinds={"zip": "category"})


def test_unknown_categories_are_told_once(caplog):
    table = Tabular("city").fit(column(["Rome", "Rome", "Oslo"], "city"))
    with caplog.at_level(logging.WARNING, "mmgraph"):
        table.transform(column(["Rome", "Oslo"], "city"))
        assert not caplog.messages
        rows = table.transform(column(["Lima", "Bern", "Lima"], "city"))
        table.transform(column(["Kyiv"], "city"))
    (message,) = caplog.messages
    assert "column 'city' has categories" in message
    assert message.endswith("such as 'Bern', 'Lima'")
    assert [row[0]["category"].item() for row in rows] == [1, 1, 1]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("unknown", "expected a number, got str 'unknown'; .*kinds={'age': 'category'}"),
        (math.inf, 'expected a finite number, got inf; correct it, or set unreadable="missing"'),
        (10**400, "expected a number, got 1000"),
        ([1], "expected a number, got list"),
        (date(2020, 1, 1), "expected a number, got date '2020-01-01'"),
    ],
)
def test_errors_name_column_and_remedy(raw, message):
    cells = column([30, 40, raw, 50], "age")
    with pytest.raises(CellError, match=f"column 'age': {message}") as caught:
        Tabular("age").fit(cells)
    assert caught.value.row == 2
    table = Tabular("age", unreadable="missing").fit(cells)
    assert table.columns_[0].center == 40
    with pytest.warns(UserWarning, match="tabular: 1 unreadable values in 4 rows"):
        assert [len(row) for row in table.transform(cells)] == [1, 1, 0, 1]


def test_no_date():
    with pytest.raises(CellError, match="expected a date such as 2024-05-31"):
        Tabular("x").fit(column(["2020-01-01", "2020-01-02", "soon"]))


@pytest.mark.parametrize("last", [datetime.max, np.datetime64("9999-12-31T23:59:59.999999")])
def test_the_last_date_there_is(last):
    seconds = DatetimeColumn.parse(last)  # as a float it would round up to the year 10000
    assert DatetimeColumn("x", 0.0, 1.0).show(seconds) == "9999-12-31 23:59:59"
    assert np.isfinite(DatetimeColumn("x", 0.0, 1.0).numbers(seconds)).all()


@pytest.mark.parametrize("year", ["20000", "-20000", "-2000000000"])
def test_years_that_only_pandas_knows(year):
    raw = pd.Timestamp(np.datetime64(f"{year}-01-01", "s"))
    with pytest.raises(CellError, match="expected a date of the years 1 to 9999"):
        DatetimeColumn.parse(raw)


def test_frames_of_all_types():
    frame = pd.DataFrame(
        {
            "age": pd.array([30, None, 50, 20], dtype="Int64"),
            "city": pd.Categorical(["Rome", "Rome", None, "Oslo"]),
            "member": pd.array([True, False, None, True], dtype="boolean"),
            "seen": pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-04"]),
            "empty": [None] * 4,
        },
        index=list("abcd"),
    )
    table = fit_modality(Tabular(list(frame.columns)), frame, seed=0)
    kinds = [each and each.kind for each in table.columns_]
    assert kinds == ["number", "category", "category", "datetime", None]
    assert labels(table, modality_cells(table, frame)) == [
        ["age = 30", "city = Rome", "member = True", "seen = 2020-01-01"],
        ["city = Rome", "member = (other)"],
        ["age = 50", "seen = 2020-01-03"],
        ["age = 20", "city = (other)", "member = True", "seen = 2020-01-04"],
    ]
    frame["age"] = [1.0, 2.0, math.inf, 3.0]
    with pytest.raises(DataError, match=r"row 'c'.*column 'age': expected a finite number"):
        fit_modality(Tabular(list(frame.columns)), frame, seed=0)


def test_collate_leaves_out_what_only_people_read():
    table = Tabular(["x", "y"]).fit([[("x", 1), ("y", "a")], [("x", 2), ("y", "a")]])
    items = table.collate(table.transform([[("y", "a"), ("x", 1)], [], [("x", 3)]]))
    assert set(items.data) == {"column", "number", "category"}
    assert items.data["column"].tolist() == [1, 0, 0]
    assert items.length.tolist() == [2, 1]
    assert items.sample.tolist() == [0, 2]


def test_state_is_plain(tmp_path):
    cells = [[("n", 1e-300), ("c", "ä"), ("d", "2020-01-01")]] * 2 + [[("c", "rare")]]
    table = Tabular(["n", "c", "d", "empty"]).fit(cells)
    loaded = Tabular(["n", "c", "d", "empty"]).load(
        tmp_path, json.loads(json.dumps(table.save(tmp_path)))
    )
    assert loaded.columns_ == table.columns_
    assert not list(tmp_path.iterdir())
    assert copy.deepcopy(table).columns_ == table.columns_


def test_unfitted():
    with pytest.raises(RuntimeError, match="tabular: call fit first"):
        Tabular("x").transform([[("x", 1)]])
