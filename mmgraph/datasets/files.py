"""Files of downloaded data sets: whether they are all there, and rows whose keys are checked."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: What most sets call their parts, and what these are called here.
SPLITS = {"train": "train", "dev": "val", "test": "test"}

#: Files, or rows, that are named in a message.
_NAMED = 5


def name_some(values: Sequence[object]) -> str:
    """Return the first few of some values, as a message names them.

    Example:
        >>> name_some(range(3)), name_some(range(9))
        ('0, 1, 2', '0, 1, 2, 3, 4, ...')
    """
    return ", ".join(map(str, values[:_NAMED])) + ", ..." * (len(values) > _NAMED)


@dataclass(frozen=True)
class Download:
    """What somebody has of a data set on disk, and where to get what is lacking.

    Args:
        name: Name of the data set.
        homepage: Where to get it.
    """

    name: str
    homepage: str

    def require(self, paths: Iterable[Path]) -> None:
        """Check that files and folders are there.

        Raises:
            DataError: Some are not; it names them, and where to get them.
        """
        needed = list(dict.fromkeys(paths))
        missing = [path for path in needed if not path.exists()]
        if missing:
            raise DataError(
                f"{self.name}: {len(missing)} of {len(needed)} files are missing: "
                f"{name_some(missing)}; correct the path, or complete the download from "
                f"{self.homepage}"
            )

    def read(
        self, files: Mapping[str, Path], read: Callable[[Path], list[Record]]
    ) -> list[tuple[str, Record]]:
        """Return all rows of a file for each split, each with the name of its split.

        Raises:
            DataError: Files are missing, damaged or empty.
        """
        self.require(files.values())
        rows: list[tuple[str, Record]] = []
        for split, path in files.items():
            records = read(path)
            if not records:
                raise DataError(f"{path}: expected rows, got an empty file; download it again")
            rows.extend((split, each) for each in records)
        return rows

    def table(
        self, rows: Sequence[Mapping[str, Any]], files: Sequence[str] = ("image",)
    ) -> pd.DataFrame:
        """Return rows as a table, after a look at whether the files they name are there.

        Args:
            rows: The values of each row by column.
            files: Names of the columns whose values are paths.

        Raises:
            DataError: There are no rows, or files are missing.
        """
        import pandas as pd

        if not rows:
            raise DataError(f"{self.name}: expected rows that can be used, there are none")
        self.require(Path(row[column]) for row in rows for column in files)
        return pd.DataFrame(list(rows))


def part_files(pattern: Path) -> dict[str, Path]:
    """Return the files of train, dev and test by what these are called here.

    Args:
        pattern: A path with "{}" in the place of the part's name.

    Example:
        >>> part_files(Path("news/{}.json"))["val"].name
        'dev.json'
    """
    return {split: pattern.with_name(pattern.name.format(name)) for name, split in SPLITS.items()}


@dataclass(frozen=True)
class Record:
    """One row of a file; errors about it name the file and the row.

    Args:
        where: What to call the row: "train.jsonl, line 3".
        values: Its values by key.
    """

    where: str
    values: Mapping[str, Any]

    def text(self, *keys: str) -> str:
        """Return the text under the first of these keys that is there; an empty one is text.

        Raises:
            DataError: None of the keys is there, or the value is no text, such as JSON's null.
        """
        return self._read(keys, "text", lambda value: isinstance(value, str))

    def texts(self, *keys: str) -> list[str]:
        """Return the list of texts under the first of these keys that is there."""
        return self._read(
            keys,
            "a list of texts",
            lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
        )

    def identity(self, *keys: str) -> str:
        """Return what names the row, a text or a whole number, as text."""
        return str(
            self._read(
                keys,
                "text or a whole number",
                lambda value: isinstance(value, str | int) and not isinstance(value, bool),
            )
        )

    def number(self, *keys: str) -> float:
        """Return the finite number under the first of these keys, a number or the text of one.

        Raises:
            DataError: None of the keys is there, or the value is no such number.

        Example:
            >>> Record("rows.csv, line 2", {"price": "1.5"}).number("price")
            1.5
        """
        return float(self._read(keys, "a finite number", _is_number))

    def choice(self, key: str, options: Sequence[Any]) -> Any:
        """Return the value under a key, which is one of some options."""
        return self._read(
            [key],
            f"one of {list(options)}",
            lambda value: any(value == each and type(value) is type(each) for each in options),
        )

    def _read(self, keys: Sequence[str], expected: str, fits: Callable[[Any], bool]) -> Any:
        key = next((key for key in keys if key in self.values), None)
        if key is None:
            names = " or ".join(map(repr, keys))
            raise DataError(f"{self.where}: expected the key {names}, got {list(self.values)}")
        value = self.values[key]
        if not fits(value):
            raise DataError(f"{self.where}: expected {expected} as {key!r}, got {value!r:.80}")
        return value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def read_json_object(path: Path) -> Record:
    """Return what a JSON file of one object holds.

    Raises:
        DataError: It is no JSON object, or cut off.
    """
    return _record(_parse_json(_decode(path), str(path)), str(path))


def read_json_array(path: Path) -> list[Record]:
    """Return the rows of a JSON file that holds a list of objects.

    Raises:
        DataError: It is none, or cut off.
    """
    values = _parse_json(_decode(path), str(path))
    if not isinstance(values, list):
        raise DataError(f"{path}: expected a list of objects, got {type(values).__name__}")
    return [_record(value, f"{path}, row {row}") for row, value in enumerate(values)]


def read_json_lines(path: Path) -> list[Record]:
    """Return the rows of a file with a JSON object in each line.

    Raises:
        DataError: A line is none.
    """
    lines = _decode(path).split("\n")
    named = ((f"{path}, line {number}", line) for number, line in enumerate(lines, 1))
    return [_record(_parse_json(line, where), where) for where, line in named if line.strip()]


def read_tab_separated(path: Path) -> list[Record]:
    """Return the rows of a table with a header; quotes in it are ordinary characters.

    Raises:
        DataError: A row has more or fewer fields than the header.
    """
    lines = [line.rstrip("\r").split("\t") for line in _decode(path).split("\n")]
    return list(_rows(path, enumerate(lines[1:], 2), lines[0]))


def read_comma_separated(path: Path, columns: Sequence[str] | None = None) -> list[Record]:
    """Return the rows of a table of comma-separated, possibly quoted values.

    Args:
        path: The file.
        columns: Names of the columns; None: they are in the first line.

    Raises:
        DataError: A row has more or fewer fields than there are columns.
    """
    reader = csv.reader(io.StringIO(_decode(path), newline=""), strict=True)
    try:
        lines = [(reader.line_num, fields) for fields in reader]
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: cannot be read ({error}); download it again"
        ) from error
    if columns is None:
        if not lines:
            raise DataError(f"{path}: expected a header, got an empty file; download it again")
        return list(_rows(path, lines[1:], lines[0][1]))
    return list(_rows(path, lines, columns))


def read_text(path: Path) -> str:
    """Return a text somebody wrote, in UTF-8 or else in Windows' Western code page."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_npy(path: Path) -> Shaped[np.ndarray, "rows ..."]:
    """Return a view of the numbers in an .npy file, which are read from disk where they are used.

    Raises:
        DataError: It holds something else, or is cut off. Arrays of objects are refused, for
            loading them can run code.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header is parsed as Python, and fails in any way
        raise DataError(
            f"{path}: cannot be read as an array of numbers ({error}); download it again"
        ) from error
    if not isinstance(array, np.ndarray) or not array.ndim or array.dtype.kind not in "biuf":
        got = getattr(array, "dtype", "several arrays")
        raise DataError(f"{path}: expected an array of numbers, got {got}; download it again")
    return array


def _decode(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected text in UTF-8, but byte {error.start} is none; download it again"
        ) from error


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: cannot be read as JSON ({error}); it is cut off or another format: "
            "download it again"
        ) from error


def _record(value: Any, where: str) -> Record:
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object with keys, got {value!r:.80}")
    return Record(where, value)


def _rows(
    path: Path, lines: Iterable[tuple[int, list[str]]], columns: Sequence[str]
) -> Iterator[Record]:
    # MVSA-Multiple calls three columns the same.
    names = [
        f"{name}.{place}" if name in columns[:place] else name for place, name in enumerate(columns)
    ]
    for number, fields in lines:
        if fields in ([], [""]):
            continue
        if len(fields) != len(columns):
            raise DataError(
                f"{path}, line {number}: expected {len(columns)} fields ({', '.join(columns)}), "
                f"got {len(fields)}; it is cut off or another format: download it again"
            )
        yield Record(f"{path}, line {number}", dict(zip(names, fields, strict=True)))
