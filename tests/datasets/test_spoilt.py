"""Whatever is wrong with a file, readers say so in one sentence that names it."""

import csv
import io
import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmgraph import DataError

ODD = {"odd": [1.5]}


def rows_without(rows, keys):
    """Yield rows of which the second (or only) one lacks a key, with that row and key."""
    place = min(1, len(rows) - 1)
    for key in rows[place]:
        if key not in keys:
            yield place, key, [*rows[:place], {k: v for k, v in rows[place].items() if k != key}]


def rows_with_odd(rows, keys):
    place = min(1, len(rows) - 1)
    for key in rows[place]:
        if key not in keys:
            yield place, key, [*rows[:place], {**rows[place], key: ODD}, *rows[place + 1 :]]


def each_json(path, form, unused, change):
    """Yield a spoilt text for each key, with what must be named beside the file."""
    text = path.read_text("utf-8")
    if form == "object":
        for _, key, (row,) in change([json.loads(text)], unused):
            yield key, "", json.dumps(row)
    elif form == "array":
        for place, key, rows in change(json.loads(text), unused):
            yield key, f", row {place}", json.dumps(rows)
    else:
        for place, key, rows in change([json.loads(line) for line in text.splitlines()], unused):
            yield key, f", line {place + 1}", "\n".join(map(json.dumps, rows))


def each_table(path, form, unused):
    """Yield a spoilt table for each column that is left out."""
    mark = "\t" if form == "tsv" else ","
    lines = path.read_text("utf-8").splitlines()
    table = [line.split(mark) for line in lines] if form == "tsv" else list(csv.reader(lines))
    for column, key in enumerate(table[0]):
        if key in unused:
            continue
        lacking = [row[:column] + row[column + 1 :] for row in table]
        # Without a header, fields are missed by their number.
        kept = [*table[:1], *lacking[1:]] if form == "headless" else lacking
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(kept)
        text = "\n".join(map("\t".join, kept)) if form == "tsv" else file.getvalue()
        yield key, ", line 2", text


def each_pickle(content, unused, spoil):
    """Yield spoilt copies of a dict of dicts, or of a tuple."""
    if isinstance(content, dict):
        for name, part in content.items():
            yield spoil(content, name)
            for key in part:
                if key not in unused:
                    yield {**content, name: spoil(part, key)}
    else:
        for place in range(len(content)):
            if place not in unused:
                yield spoil(content, place)


def without(content, key):
    if isinstance(content, dict):
        return {k: v for k, v in content.items() if k != key}
    return (*content[:key], *content[key + 1 :])


def with_odd(content, key):
    if isinstance(content, dict):
        return {**content, key: "odd"}
    return (*content[:key], "odd", *content[key + 1 :])


def each_hdf5(path, unused):
    """Yield a spoilt copy for each array: without it, and with words or fewer rows in its place."""
    h5py = pytest.importorskip("h5py")
    content = path.read_bytes()
    with h5py.File(path) as file:
        rows = {key: len(file[key]) for key in file if key not in unused}
    for key, count in rows.items():
        for odd in (None, np.array([b"odd"] * count), np.zeros((count - 1, 2), np.float32)):
            file = io.BytesIO(content)
            with h5py.File(file, "r+") as spoilt:
                attributes = dict(spoilt[key].attrs)
                del spoilt[key]
                if odd is not None:
                    spoilt[key] = odd
                    spoilt[key].attrs.update(attributes)
            yield file.getvalue()


def spoilt_copies(path, form, unused):
    """Yield (what the message must hold, bytes) of everything that may be wrong with a file."""
    if form in ("lines", "array", "object"):
        for change in (rows_without, rows_with_odd):
            for key, where, text in each_json(path, form, unused, change):
                yield [f"{path.name}{where}: expected", key], text.encode()
    elif form in ("tsv", "csv", "headless"):
        for _, where, text in each_table(path, form, unused):
            yield [f"{path.name}{where}: expected"], text.encode()
    elif form == "pickle":
        content = pickle.loads(path.read_bytes())
        for spoil in (without, with_odd):
            for spoilt in each_pickle(content, unused, spoil):
                yield [f"{path.name}: ", "expected"], pickle.dumps(spoilt)
        yield [f"{path.name}: ", "expected"], pickle.dumps([])
    elif form == "hdf5":
        for spoilt in each_hdf5(path, unused):
            yield [f"{path.name}: expected"], spoilt
    elif form == "npy":
        array = np.load(path)
        for odd in (array[:, None, :1] if array.ndim > 1 else array + 0.5, array[1:], array - 1.0):
            file = io.BytesIO()
            np.save(file, odd)
            yield [path.name, "expected"], file.getvalue()


def test_missing_keys_and_odd_values(parsed, tmp_path):
    parsed.build(tmp_path)
    for path, form in parsed.files(tmp_path):
        content = path.read_bytes()
        for named, spoilt in spoilt_copies(path, form, parsed.unused):
            path.write_bytes(spoilt)
            with pytest.raises(DataError) as error:
                parsed(tmp_path)
            assert all(word in str(error.value) for word in named), (named, str(error.value))
        path.write_bytes(content)


#: Files of rows, which cannot be seen to lack some where they are cut between two.
BY_ROW = {"lines", "tsv", "csv", "headless"}


def test_files_that_are_cut_off(parsed, tmp_path):
    parsed.build(tmp_path)
    for path, form in parsed.files(tmp_path):
        content = path.read_bytes()
        kept = [len(content) // 2, len(content) - 1]
        if form in BY_ROW:
            kept = [len(content) - len(content.splitlines()[-1]) // 2 - 2]
        for length in (0, *kept):
            path.write_bytes(content[:length])
            with pytest.raises(DataError, match=path.name):
                parsed(tmp_path)
        path.write_bytes(content)


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_bytes(parsed, data):
    """A file with some bytes changed either still reads, or is named in one error."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parsed.build(folder)
        path, _ = data.draw(st.sampled_from(sorted(parsed.files(folder))))
        content = path.read_bytes()
        for _ in range(4):
            start = data.draw(st.integers(0, len(content) - 1))
            noise = data.draw(st.binary(max_size=8))
            path.write_bytes(content[:start] + noise + content[start + len(noise) + 1 :])
            message = ""
            try:
                parsed(folder)
            except DataError as error:
                message = str(error)
            # What a row names may be missing, in place of the row's own file.
            assert not message or path.name in message or "missing" in message
