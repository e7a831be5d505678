"""Columns that give the label away: each by itself says what it is, as no input should."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mmgraph.checks.finding import Checked, Finding, Severity
from mmgraph.data.folds import assign_folds
from mmgraph.modalities.columns import NumberColumn
from mmgraph.modalities.image import Image
from mmgraph.modalities.tokens.stop_words import WORD
from mmgraph.tables.missing import is_missing

#: Of what is left beyond the largest class, a column that is right on so much gives it away.
_ERROR, _WARNING = 0.95, 0.8
#: Characters of a value's beginning that are looked at as if they were a word.
_BEGINNINGS = (1, 2, 3, 4)
#: Values of fewer rows tell nothing.
_FEWEST = 10
#: Words of a value that are looked at.
_MOST_WORDS = 40


def find_leaks(checked: Checked) -> Iterator[Finding]:
    """Yield each column that says the label by itself, on rows that it was not learnt from."""
    if checked.code is None:
        return
    fold = assign_folds(checked.code, checked.group, 5, seed=0)
    if len(np.unique(fold)) < 2:
        return
    # Names of files are no input.
    named = {c for m in checked.modalities if isinstance(m, Image) for c in m.column_list}
    most = np.bincount(checked.code).max() / len(checked.code)
    for column in checked.others:
        if column in named:
            continue
        values = checked.frame[column].tolist()
        if sum(not is_missing(value) for value in values) < _FEWEST:
            continue
        accuracy, how = _tell(values, checked.code, fold)
        lift = (accuracy - most) / max(1 - most, 1e-9)
        if lift >= _WARNING:
            severity: Severity = "error" if lift >= _ERROR else "warning"
            said = (
                f"{how} says the label of {accuracy:.1%} of left-out rows (the largest class has "
                f"{most:.1%}); leave the column out unless it is known before the label"
            )
            yield Finding("leak", severity, said, column=column, score=float(lift))


def _tell(
    values: Sequence[Any], code: Int[np.ndarray, "rows"], fold: Int[np.ndarray, "rows"]
) -> tuple[float, str]:
    """Return how often a column's simple rules are right, and which of them is best."""
    missing = np.array([is_missing(value) for value in values])
    rules = {"whether a value is missing": [[str(gone)] for gone in missing.tolist()]}
    numbers = _numbers(values)
    texts = ["" if gone else str(value) for value, gone in zip(values, missing, strict=True)]
    rules["the value"] = [[text] for text in texts]
    rules["one word, or how the value begins,"] = [_words(text) for text in texts]
    found = {how: _word_rule(words, code, fold) for how, words in rules.items()}
    if numbers is not None:
        found["the number"] = _tree_rule(numbers, code, fold)
    best = max(found, key=lambda how: found[how])
    return found[best], best


def _words(text: str) -> list[str]:
    """Return words of a value, and how it begins."""
    words = dict.fromkeys(WORD.findall(text.casefold())[:_MOST_WORDS])
    return [*words, *(f"^{text[:length].casefold()}" for length in _BEGINNINGS if text)]


def _word_rule(
    words: Sequence[Sequence[str]], code: Int[np.ndarray, "rows"], fold: Int[np.ndarray, "rows"]
) -> float:
    """Return how often the purest of a row's words in other folds tells its class."""
    right = 0
    for number in np.unique(fold):
        held: dict[str, Counter[int]] = defaultdict(Counter)
        for row in np.flatnonzero(fold != number).tolist():
            for word in words[row]:
                held[word][int(code[row])] += 1
        rule = {word: _purity(counts) for word, counts in held.items()}
        most = int(np.bincount(code[fold != number]).argmax())
        for row in np.flatnonzero(fold == number).tolist():
            known = [rule[word] for word in words[row] if word in rule]
            right += (max(known)[1] if known else most) == code[row]
    return float(right / len(code))


def _purity(counts: Counter[int]) -> tuple[float, int]:
    """Return the share of the most common class, where few rows count for less, and the class."""
    [(label, count)] = counts.most_common(1)
    return count / (sum(counts.values()) + 1), label


def _numbers(values: Sequence[Any]) -> Float[np.ndarray, "rows"] | None:
    """Return values as numbers, NaN where they are missing; None where they are none."""
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if not is_missing(value):
            try:
                found[row] = NumberColumn.parse(value)
            except (ValueError, TypeError):
                return None
    return found


def _tree_rule(
    numbers: Float[np.ndarray, "rows"],
    code: Int[np.ndarray, "rows"],
    fold: Int[np.ndarray, "rows"],
) -> float:
    """Return how often a small tree of one number tells the class."""
    from sklearn.tree import DecisionTreeClassifier

    x = np.stack([np.nan_to_num(numbers, nan=0, posinf=1e30, neginf=-1e30), np.isnan(numbers)], 1)
    right = 0
    for number in np.unique(fold):
        known = fold != number
        tree = DecisionTreeClassifier(max_leaf_nodes=4 * int(code.max() + 1), random_state=0)
        tree.fit(x[known], code[known])
        right += int((tree.predict(x[~known]) == code[~known]).sum())
    return right / len(code)
