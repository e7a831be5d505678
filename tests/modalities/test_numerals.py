"""Numbers as people write them."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.data.infer import find_modality
from mmgraph.data.transform import fit_modality, transform
from mmgraph.errors import DataError
from mmgraph.modalities.numerals import Notation, find_notation
from mmgraph.modalities.tabular import Tabular


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["$12.99", "$3.10"], [12.99, 3.1]),
        (["12,99", "3,1"], [12.99, 3.1]),
        (["1,299.00", "12.50"], [1299, 12.5]),
        (["1.234,50 €", "12,00 €"], [1234.5, 12]),
        (["1 234,5", "12,5"], [1234.5, 12.5]),
        (["1\u202f234,5", "12,5"], [1234.5, 12.5]),
        (["£1'234.50", "£2"], [1234.5, 2]),
        (["12%", "3 %"], [12, 3]),
        (["3 kg", "10 kg", "2.5kg"], [3, 10, 2.5]),
        (["1 room", "3 rooms"], [1, 3]),
        (["21°C", "-4 °C"], [21, -4]),
        (["(5)", "7"], [-5, 7]),
        (["-$5.00", "$-6.00", "($7.00)"], [-5, -6, -7]),
        (["\u22125,5", "+3,25"], [-5.5, 3.25]),
        (["US$12", "US$14.50"], [12, 14.5]),
        (["USD 12", "USD 3"], [12, 3]),
        # A mark means the same in all of a column.
        (["1.234", "12.345", "1.234,50"], [1234, 12345, 1234.5]),
        (["1.234.567", "1.234"], [1234567, 1234]),
    ],
)
def test_notations(texts, numbers):
    notation = find_notation(texts)
    assert notation is not None
    assert [float(notation.plain(text)) for text in texts] == numbers


@pytest.mark.parametrize(
    "texts",
    [
        ["red", "blue"],
        ["A12", "A13"],
        ["Q1", "Q2"],
        ["1st", "2nd"],
        ["007", "013"],
        ["555 123 456", "555 123 457"],  # telephone numbers
        ["3 kg", "500 g"],  # of two units
        ["12,99", "12.99"],  # of two decimal signs
        ["10 am", "10 pm"],
        ["2020-01-01", "12.05.2020"],
        ["192.168.1.1", "1.2.3"],
        ["10-20", "1:30"],
    ],
)
def test_what_is_no_number(texts):
    assert find_notation(texts) is None


@given(
    st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=2, max_size=9),
    st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'")]),
    st.sampled_from(["", "$", "€", "%", "kg"]),
)
def test_written_numbers_come_back(numbers, marks, affix):
    decimal, group = marks
    swap = {",": group, ".": decimal}
    texts = [
        "".join(swap.get(sign, sign) for sign in f"{number:,.2f}") + affix for number in numbers
    ]
    notation = find_notation(texts)
    assert notation is not None
    assert [float(notation.plain(text)) for text in texts] == [round(n, 2) for n in numbers]


@given(st.text(max_size=12))
def test_texts_are_numbers_or_not(text):
    plain = Notation(",", ".", "€").plain(text)
    assert plain is None or np.isfinite(float(plain))


def read(values, column="price", **options):
    """Return the fitted column and the numbers that its values became."""
    frame = pd.DataFrame({column: values})
    table = fit_modality(Tabular([column], **options), frame, seed=0)
    items = transform([table], frame)["tabular"]
    return table, [
        item["value"].tolist()[0] if row else None for row in items for item in row or [0]
    ]


def test_prices_become_numbers_and_are_read_as_such_later(tmp_path):
    table, values = read(["$12.99", "$1,300.00", None, "5"] * 5)
    assert table.columns_[0].kind == "number"
    assert values == [12.99, 1300, None, 5] * 5
    again = table.load(tmp_path, json.loads(json.dumps(table.save(tmp_path))))
    later = transform([again], pd.DataFrame({"price": ["$2,000.50", 7]}))["tabular"]
    assert [item["value"].item() for (item,) in later] == [2000.5, 7]
    with pytest.raises(
        DataError, match=r"row 0: column 'price': expected a number with '\$' and '.', got '€5'"
    ):
        transform([again], pd.DataFrame({"price": ["€5"]}))


def test_a_percentage_is_not_compared_with_a_bare_number():
    table, values = read(["12%", "3%"] * 5)
    assert values == [12, 3] * 5
    for raw in ("0.5", 0.5):
        with pytest.raises(DataError, match="row 0: column 'price': expected a number with '%'"):
            transform([table], pd.DataFrame({"price": [raw]}))


def test_commas_that_may_be_either_are_said_to_be_of_thousands():
    with pytest.warns(UserWarning, match=r"'price': commas are taken to separate.*'1,299'"):
        _, values = read(["1,299", "12,345", "950"] * 4)
    assert values == [1299, 12345, 950] * 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [f"id-{number}" for number in range(20)],
            "20 of 20 values are categories of their own.*'id-0'",
        ),
        ([f"{n} {'kg' if n % 2 else 'g'}" for n in range(20)], "20 of 20 values"),
        (["same"] * 20, "the same value, 'same'"),
        ([7.5] * 20, "the same value, 7.5"),
        ([None] * 20, "no training row has a value"),
        ([1, "1", 2] * 10, "1 and '1' are taken as the same category"),
        ([True, "True", False] * 10, "True and 'True' are taken as the same category"),
        (["a", " a", "b"] * 10, "'a' and ' a' are taken as the same category"),
    ],
)
def test_columns_that_teach_nothing_or_merge_are_named(values, message):
    kinds = {"price": "category"} if 1 in values else None
    with pytest.warns(UserWarning, match=f"column 'price': .*{message}") as caught:
        read(values, kinds=kinds)
    assert len(caught) == 1


@pytest.mark.parametrize("values", [[3, 7, 11], ["3", "7", "11"], [True, False, True]])
def test_what_pandas_declares_a_category_is_one(values):
    frame = pd.DataFrame({"code": pd.Categorical(values * 5)})
    table = fit_modality(Tabular(["code"]), frame, seed=0)
    assert table.columns_[0].kind == "category"
    assert len(table.columns_[0].categories) == len(set(values))
    assert find_modality("code", frame, None) == (Tabular, "")
    by_hand = fit_modality(Tabular(["code"], kinds={"code": "datetime"}), frame[:0], seed=0)
    assert by_hand.columns_ == [None]


def test_intervals_and_lengths_of_time():
    binned = pd.cut(np.arange(20), 4)
    table, _ = read(binned)
    assert table.columns_[0].categories == tuple(sorted(map(str, binned.categories)))
    _, seconds = read(pd.to_timedelta(np.arange(20), unit="h"))
    assert seconds == [3600 * hour for hour in range(20)]


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "boolean", "string", "category", object])
def test_a_column_is_the_same_in_every_dtype(dtype):
    values = [True, False, None] * 5 if dtype == "boolean" else ["1", "2", None] * 5
    if dtype in ("Int64", "Float32"):
        values = [1, 2, None] * 5
    table, found = read(pd.Series(values, dtype=dtype))
    assert found[2] is None
    assert len(set(found)) == 3
    assert table.columns_[0].kind == ("category" if dtype in ("boolean", "category") else "number")


def test_inferred_modalities_know_prices():
    frame = pd.DataFrame({"price": [f"${number}.99" for number in range(30)]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_modality("price", frame, None)[0] is Tabular
