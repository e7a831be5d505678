"""Numbers written as people write them: "$12.99", "12,99", "1 234,5", "12%", "3 kg", "(5)"."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: Letters that stand for a currency, where no sign of Unicode does.
_CURRENCIES = frozenset(
    [
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "CNY",
        "RMB",
        "INR",
        "CHF",
        "CAD",
        "AUD",
        "NZD",
        "BRL",
        "MXN",
        "RUB",
        "KRW",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "TRY",
        "ZAR",
        "SGD",
        "HKD",
        "ILS",
        "THB",
        "US",
        "A",
        "C",
        "NZ",
        "HK",
        "S",
        "R",
        "Rs",
        "kr",
        "zł",
        "Kč",
        "Ft",
        "TL",
    ]
)
#: Units that stand right behind a number; with a space between, any word is one.
_UNITS = frozenset(
    [
        "kg",
        "g",
        "mg",
        "t",
        "lb",
        "lbs",
        "oz",
        "km",
        "m",
        "cm",
        "mm",
        "mi",
        "ft",
        "in",
        "yd",
        "l",
        "L",
        "ml",
        "mL",
        "cl",
        "h",
        "hr",
        "hrs",
        "min",
        "s",
        "sec",
        "ms",
        "kB",
        "KB",
        "MB",
        "GB",
        "TB",
        "W",
        "kW",
        "kWh",
        "V",
        "A",
        "mAh",
        "Ah",
        "Hz",
        "kHz",
        "MHz",
        "GHz",
        "px",
        "pt",
        "y",
        "yr",
        "yrs",
        "d",
        "days",
        "cal",
        "kcal",
        "J",
        "kJ",
        "K",
        "bar",
        "hPa",
        "Pa",
        "x",
    ]
)
#: As Python writes numbers; 007 is rather a code.
PLAIN = re.compile(r"\s*[+-]?(0|[1-9]\d*|(?=\.\d))(\.\d*)?(e[+-]?\d+)?\s*", re.I)
_MINUS = "\u2212"
_APOSTROPHE = "\u2019"
_SPACES = " \u00a0\u202f\u2009"
_SIGN = rf"[+\-{_MINUS}]"
_CELL = re.compile(
    rf"""(?P<open>\()?
    (?P<sign>{_SIGN})?
    (?P<before>[^\d\s().,+\-{_MINUS}]{{0,3}}\.?)
    [{_SPACES}]?
    (?P<inner>{_SIGN})?
    (?P<body>\d+(?:[.,'{_APOSTROPHE}{_SPACES}]\d+)*)
    (?P<gap>[{_SPACES}]?)
    (?P<after>[^\d\s().,;:/+\-{_MINUS}]{{0,12}}\.?)
    (?P<close>\))?""".replace("\n    ", "")
)


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Args:
        decimal: What stands before fractions: "." or ",".
        group: What stands between thousands: "." or "," or "'" or " "; "" where nothing does.
        affix: Sign of a currency, percent sign or unit beside the numbers; "" without.
        bare: Numbers without the affix mean the same.
    """

    decimal: str
    group: str
    affix: str = ""
    bare: bool = True

    def plain(self, text: str) -> str | None:
        """Return a number as Python writes it; None where the text is no number of this notation.

        Example:
            >>> Notation(",", ".", "€").plain("1.234,50 €"), Notation(".", ",").plain("(5)")
            ('1234.50', '-5')
        """
        if self.bare and self.decimal == "." and PLAIN.fullmatch(text):
            return text
        parts = _split(text)
        if parts is None or parts.affix not in ({self.affix, ""} if self.bare else {self.affix}):
            return None
        whole, mark, fraction = parts.body.partition(self.decimal)
        groups = whole.split(self.group) if self.group else [whole]
        if len(groups) > 1 and not _is_grouped(groups):
            return None
        whole = "".join(groups)
        digits = whole + fraction if mark else whole
        if not (digits.isascii() and digits.isdigit()) or (len(whole) > 1 and whole[0] == "0"):
            return None
        return f"{'-' if parts.negative else ''}{whole}{'.' if mark else ''}{fraction}"


@dataclass(frozen=True)
class _Parts:
    negative: bool
    affix: str
    body: str


def find_notation(values: Sequence[Any]) -> Notation | None:
    """Return how the texts of a column write numbers; None where they are plain, or no numbers.

    More than half of the values must be numbers of one notation: one currency or unit, one
    decimal sign. Where every comma may separate thousands, all of them do.

    Example:
        >>> find_notation(["$12.99", "$1,300.00"])
        Notation(decimal='.', group=',', affix='$', bare=True)
        >>> find_notation(["red", "A12", "2020-01-01"]) is None
        True
    """
    texts = [value for value in values if isinstance(value, str)]
    found = [parts for parts in map(_split, texts) if parts is not None]
    if 2 * len(found) <= len(texts):
        return None
    affixes = Counter(parts.affix for parts in found if parts.affix)
    if len(affixes) > 1:
        return None
    affix = next(iter(affixes), "")
    marks = _find_marks({parts.body for parts in found}, decorated=bool(affix))
    if marks is None:
        return None
    # 0.5 beside 12% may be a share or half a percent.
    notation = Notation(*marks, affix, bare=affix not in ("%", "‰"))
    read = sum(notation.plain(text) is not None for text in texts)
    return notation if 2 * read > len(texts) else None


def is_ambiguous(notation: Notation, texts: Iterable[str]) -> bool:
    """Say whether only a custom tells that commas are of thousands: all are as in 1,299."""
    bodies = [parts.body for parts in map(_split, texts) if parts is not None]
    commas = [body for body in bodies if "," in body]
    return notation.group == "," and all(
        body.count(",") == 1 and "." not in body for body in commas
    )


def _split(text: str) -> _Parts | None:
    """Return the parts of a number; None where the text is something else."""
    match = _CELL.fullmatch(text.strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    before, after = match["before"].rstrip("."), match["after"].rstrip(".")
    if (before and after) or (before and not _is_currency(before)):
        return None
    symbol = after.startswith("°") or not any(map(str.isalnum, after))
    known = symbol or after in _UNITS or _is_currency(after)
    if after and not known and not (match["gap"] and after.isalpha()):
        return None
    body = re.sub(f"[{_SPACES}]", " ", match["body"]).replace(_APOSTROPHE, "'")
    signs = [sign for sign in (match["sign"], match["inner"], match["open"]) if sign]
    if len(signs) > 1:
        return None
    # 1 room, 3 rooms
    plural = after.removesuffix("s") if len(after) > 3 and after not in _UNITS else after
    return _Parts(bool(signs) and signs[0] != "+", before or plural, body)


def _find_marks(bodies: set[str], *, decorated: bool) -> tuple[str, str] | None:
    """Return the signs before fractions and between thousands; None where they contradict."""
    decimals, groups = set[str](), set[str]()
    open_marks = set[str]()
    for body in bodies:
        marks = [sign for sign in body if not sign.isdigit()]
        if not marks:
            continue
        last, rest = marks[-1], set(marks[:-1])
        parts = re.split(r"\D", body)
        if last in ".," and (last not in rest) and rest:
            decimals.add(last)
            groups |= rest
        elif rest == {last} or last not in ".,":
            groups.add(last)
        elif len(parts[-1]) != 3 or len(parts[0]) > 3 or parts[0] == "0":
            decimals.add(last)
        else:
            open_marks.add(last)
    if len(decimals) > 1 or len(groups) > 1 or decimals & groups:
        return None
    for mark in sorted(open_marks - decimals - groups):
        # As Python reads it, and as most of the world writes it: 1.234 and 1,299.
        (groups if mark == "," or "," in decimals else decimals).add(mark)
    if len(decimals) > 1 or len(groups) > 1 or decimals & groups:
        return None
    decimal, group = next(iter(decimals), ""), next(iter(groups), "")
    if group == " " and not decimal and not decorated and len(set(map(len, bodies))) == 1:
        return None  # 555 123 456 may be a telephone number
    decimal = decimal or ("," if group == "." else ".")
    return None if decimal == group else (decimal, group)


def _is_grouped(groups: list[str]) -> bool:
    return 1 <= len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:])


def _is_currency(text: str) -> bool:
    signs = [sign for sign in text if unicodedata.category(sign) == "Sc"]
    letters = "".join(sign for sign in text if unicodedata.category(sign) != "Sc")
    if len(signs) > 1:
        return False
    # US$, R$ and C$; but A12 is no price.
    return (
        bool(signs) if not letters else letters in _CURRENCIES and (bool(signs) or len(letters) > 1)
    )
