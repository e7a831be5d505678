"""Scores of predictions, by the conventions of the data sets they are published for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped

from mmgraph.errors import DataError, quote, unknown_name

#: Probabilities count as this at least, which is what single precision resolves near 1.
_LEAST = 1e-7
#: Bins of confidence.
_BINS = 15
#: Metrics that cannot be had without probabilities.
NEED_PROBABILITIES = frozenset({"auroc", "micro_auroc", "log_loss", "ece"})


@dataclass(frozen=True)
class _Predictions:
    """What metrics are computed from, checked: classes, tables of 0 and 1, or numbers."""

    truth: Shaped[np.ndarray, "rows *outputs"]
    predicted: Shaped[np.ndarray, "rows *outputs"]
    probabilities: Float[np.ndarray, "rows classes"] | None
    classes: Shaped[np.ndarray, "classes"] | None


def evaluate_predictions(
    names: Sequence[str],
    truth: Any,
    predicted: Any,
    probabilities: Any = None,
    classes: Any = None,
) -> dict[str, float]:
    r"""Return the named metrics of some predictions.

    | name | what it is |
    |---|---|
    | accuracy | share of rows that are right; of sets of labels, all of a row's must be |
    | macro_f1, micro_f1, weighted_f1 | F1: mean over classes; over all decisions; weighed by rows |
    | samples_f1 | F1 of each row's set of labels, and their mean; 1 where both are empty |
    | weighted_precision, weighted_recall | mean over classes, weighed by rows |
    | auroc | area under the ROC curve: of the second of two classes; mean over more, or labels |
    | micro_auroc | area under the ROC curve of all decisions, row by class, together |
    | log_loss | mean of -log p of the true class, or of each label's decision; p is 1e-7 at least |
    | ece | expected calibration error: mean distance of confidence and accuracy over 15 bins |
    | mae, rmse | mean absolute error; root of the mean squared error |
    | correlation | Pearson's r, NaN for constant predictions |
    | acc7 | accuracy of numbers that are cut to -3..3 and rounded |
    | acc2_has0, f1_has0 | accuracy, weighted F1 of the sign, where 0 counts as positive |
    | acc2_non0, f1_non0 | the same of the sign in rows whose true number is not 0 |

    The last five are those of CMU-MOSI and MOSEI (https://arxiv.org/abs/1707.07250). An F1 that
    is 0/0 counts as 0. A label that is in `truth` but not in `classes` was never predicted.

    Args:
        names: Names of metrics.
        truth: True class, set of labels or number of each row; a table of 0 and 1 for labels.
        predicted: What `predict` returned; sets of labels, or a table of 0 and 1, for labels.
        probabilities: What `predict_proba` returned, [rows, classes]; needed for
            auroc, micro_auroc, log_loss and ece.
        classes: `classes_` of the classifier: names of the columns of tables.

    Raises:
        DataError: A metric is unknown or cannot be had of such predictions, or truth and
            predictions do not fit.

    Example:
        >>> evaluate_predictions(["accuracy", "macro_f1"], ["a", "b", "b"], ["a", "b", "a"])
        {'accuracy': 0.6666666666666666, 'macro_f1': 0.6666666666666666}
        >>> evaluate_predictions(["mae", "acc2_non0"], [-1.0, 0.0, 2.0], [-3.0, 1.0, 2.0])
        {'mae': 1.0, 'acc2_non0': 1.0}
    """
    check_metrics(names)
    given = _read(truth, predicted, probabilities, classes)
    return {name: float(_METRICS[name](given)) for name in names}


def check_metrics(names: Sequence[str]) -> None:
    """Refuse names of metrics that there are not, before anything is predicted.

    Raises:
        DataError: There is no such metric.
    """
    for name in names:
        if name not in _METRICS:
            raise DataError(unknown_name("metric", name, _METRICS))


def bootstrap_metrics(
    names: Sequence[str],
    truth: Any,
    predicted: Any,
    probabilities: Any = None,
    classes: Any = None,
    *,
    groups: Any = None,
    draws: int = 500,
    seed: int = 0,
) -> Float[np.ndarray, "draws metrics"]:
    """Return the metrics of rows that are drawn again and again, with replacement.

    Percentiles of a column are an interval of the metric. Draws in which a metric cannot be had,
    as for lack of a class, are NaN.

    Args:
        names: Names of metrics.
        truth: As for `evaluate_predictions`.
        predicted: As for `evaluate_predictions`.
        probabilities: As for `evaluate_predictions`.
        classes: As for `evaluate_predictions`.
        groups: Group of each row; groups are drawn then. None: rows are.
        draws: How often.
        seed: Seed of the draws.

    Raises:
        DataError: As `evaluate_predictions`.
    """
    check_metrics(names)
    given = _read(truth, predicted, probabilities, classes)
    count = len(given.truth)
    own = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    members = np.split(np.argsort(own, kind="stable"), np.bincount(own).cumsum()[:-1])
    random = np.random.default_rng(seed)
    found = np.full((draws, len(names)), np.nan)
    for draw in range(draws):
        rows = np.concatenate(
            [members[g] for g in random.integers(len(members), size=len(members))]
        )
        p = given.probabilities
        some = _Predictions(
            given.truth[rows], given.predicted[rows], None if p is None else p[rows], given.classes
        )
        for place, name in enumerate(names):
            with suppress(DataError):
                found[draw, place] = _METRICS[name](some)
    return found


def default_metrics(task: str) -> tuple[str, ...]:
    """Return the names of the metrics to report where a data set has none of its own.

    Example:
        >>> default_metrics("regression")
        ('mae', 'correlation')
    """
    return {
        "multiclass": ("accuracy", "macro_f1"),
        "multilabel": ("micro_f1", "macro_f1"),
        "regression": ("mae", "correlation"),
    }[task]


def _read(truth: Any, predicted: Any, probabilities: Any, classes: Any) -> _Predictions:
    from mmgraph.data.targets import flat, is_multilabel
    from mmgraph.tables.values import read_values

    columns = None if classes is None else np.asarray(classes)
    truth, predicted = read_values(truth, "truth"), read_values(predicted, "predicted")
    # Where one side has one value a row, a table of one column on the other has as well.
    if not is_multilabel(predicted):
        truth = flat(truth)
    elif columns is None and not is_multilabel(truth):
        predicted = flat(predicted)
    if is_multilabel(truth) or is_multilabel(predicted):
        tables = _tables(truth, predicted, columns)
    else:
        tables = np.asarray(truth), np.asarray(predicted)
        _check_missing(tables[0])
    if len(tables[0]) != len(tables[1]) or not len(tables[0]):
        raise DataError(
            f"expected as many predictions as true values, got {len(tables[1])} and "
            f"{len(tables[0])}"
        )
    if probabilities is not None:
        probabilities = np.asarray(probabilities, dtype=float)
        if probabilities.ndim != 2 or len(probabilities) != len(tables[0]):
            raise DataError(
                f"expected probabilities [{len(tables[0])} rows, classes], got "
                f"{list(probabilities.shape)}; pass what predict_proba returned"
            )
        if columns is not None and probabilities.shape[1] != len(columns):
            raise DataError(
                f"expected a probability for each of {len(columns)} classes, got "
                f"{probabilities.shape[1]}"
            )
    return _Predictions(*tables, probabilities, columns)


def _check_missing(truth: Shaped[np.ndarray, "rows *outputs"]) -> None:
    import pandas as pd

    rows = np.flatnonzero(pd.isna(truth).reshape(len(truth), -1).any(1))
    if len(rows):
        raise DataError(
            f"row {', '.join(map(str, rows[:5]))}: expected a true value, got a missing one "
            f"({len(rows)} of {len(truth)} rows); the labels of some test parts are not published"
        )


def _tables(
    truth: Any, predicted: Any, columns: Shaped[np.ndarray, "classes"] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return sets of labels as tables of 0 and 1, over all labels that come up."""
    if getattr(truth, "ndim", 1) == 2 and getattr(predicted, "ndim", 1) == 2:
        true_table, predicted_table = np.asarray(truth), np.asarray(predicted)
        if true_table.shape != predicted_table.shape:
            raise DataError(
                f"expected tables of one shape, got {list(predicted_table.shape)} predictions "
                f"and {list(true_table.shape)} true values"
            )
        return true_table, predicted_table
    sets = [_label_sets(values, columns) for values in (truth, predicted)]
    known = [] if columns is None else columns.tolist()
    others = set().union(*sets[0], *sets[1]) - set(known)
    labels = [*known, *sorted(others, key=str)]
    true_table, predicted_table = (
        np.array([[int(label in row) for label in labels] for row in rows]).reshape(len(rows), -1)
        for rows in sets
    )
    return true_table, predicted_table


def _label_sets(values: Any, columns: Shaped[np.ndarray, "classes"] | None) -> list[set[Any]]:
    if getattr(values, "ndim", 1) != 2:
        rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in values]
        for number, row in enumerate(rows):
            if not isinstance(row, set | frozenset | list | tuple):
                raise DataError(
                    f"row {number}: expected a set of labels, as elsewhere, got {quote(row)}; the "
                    "labels of some test parts are not published"
                )
        return [set(row) for row in rows]
    table = np.asarray(values)
    if columns is None or table.shape[1] != len(columns):
        raise DataError(
            f"expected classes= with the names of {table.shape[1]} columns, got "
            f"{'none' if columns is None else len(columns)}; pass classes=classifier.classes_"
        )
    return [set(columns[row.astype(bool)].tolist()) for row in table]


def _f1(average: str) -> Callable[[_Predictions], float]:
    def score(given: _Predictions) -> float:
        from sklearn.metrics import f1_score

        truth, predicted = _labels(given)
        # A row without labels that gets none is right.
        empty = 1.0 if average == "samples" else 0.0
        return float(f1_score(truth, predicted, average=average, zero_division=empty))

    return score


def _samples_f1(given: _Predictions) -> float:
    if given.truth.ndim != 2:
        raise DataError("samples_f1 is for sets of labels, got one class for each row")
    return _f1("samples")(given)


def _weighted(name: Literal["precision_score", "recall_score"]) -> Callable[[_Predictions], float]:
    def score(given: _Predictions) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(*_labels(given), average="weighted", zero_division=0.0))

    return score


def _accuracy(given: _Predictions) -> float:
    truth, predicted = _labels(given)
    return float((truth == predicted).reshape(len(truth), -1).all(1).mean())


def _labels(given: _Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and predictions as classes that can be compared."""
    truth, predicted = given.truth, given.predicted
    if truth.ndim == 2:
        return truth.astype(int), predicted.astype(int)
    kinds = {_kind(values) for values in (truth, predicted)}
    if len(kinds) > 1:
        raise DataError(
            f"expected true values and predictions of one type, got "
            f"{quote(truth.tolist()[0])} and {quote(predicted.tolist()[0])}"
        )
    # Where labels are not published, those that are can come as objects.
    whole = kinds != {"number"} or all((x.astype(float) % 1 == 0).all() for x in (truth, predicted))
    if not whole:
        raise DataError("this metric is for classes, got fractions; use mae or correlation")
    codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)[1]
    return codes[: len(truth)], codes[len(truth) :]


def _kind(values: Shaped[np.ndarray, "rows"]) -> str:
    first = values.tolist()[0]
    return "number" if isinstance(first, bool | int | float) else type(first).__name__


def _auroc(given: _Predictions) -> float:
    from sklearn.metrics import roc_auc_score

    probabilities, hits, names = _decisions(given)
    if given.truth.ndim == 1 and len(names) == 2:
        probabilities, hits, names = probabilities[:, 1:], hits[:, 1:], names[1:]
    areas = []
    for column, name in enumerate(names):
        if hits[:, column].all() or not hits[:, column].any():
            raise DataError(f"auroc needs rows of class {quote(name)} and rows of others")
        areas.append(roc_auc_score(hits[:, column], probabilities[:, column]))
    return float(np.mean(areas))


def _micro_auroc(given: _Predictions) -> float:
    from sklearn.metrics import roc_auc_score

    probabilities, hits, _ = _decisions(given)
    if hits.all() or not hits.any():
        raise DataError("micro_auroc needs decisions that are right and others that are not")
    return float(roc_auc_score(hits.ravel(), probabilities.ravel()))


def _log_loss(given: _Predictions) -> float:
    probabilities, hits, _ = _decisions(given, "log_loss")
    if given.truth.ndim == 2:
        said = np.where(hits, probabilities, 1 - probabilities)
    else:
        # A class that the training rows lack has no column, and was given no probability.
        said = (probabilities * hits).sum(1)
    return float(-np.log(said.clip(_LEAST)).mean())


def _calibration_error(given: _Predictions) -> float:
    """Guo et al., 2017 (https://arxiv.org/abs/1706.04599); of labels, all probabilities count."""
    probabilities, hits, _ = _decisions(given, "ece")
    if given.truth.ndim == 2:
        confidence, right = probabilities.ravel(), hits.ravel()
    else:
        confidence = probabilities.max(1)
        right = hits[np.arange(len(hits)), probabilities.argmax(1)]
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _decisions(
    given: _Predictions, name: str = "auroc"
) -> tuple[Float[np.ndarray, "rows classes"], Bool[np.ndarray, "rows classes"], list[Any]]:
    """Return the probability of each class in each row, whether it is right, and the classes."""
    if given.probabilities is None or given.classes is None:
        raise DataError(f"{name} needs probabilities= (of predict_proba) and classes= (classes_)")
    names = given.classes.tolist()
    if given.truth.ndim == 2:
        return given.probabilities, given.truth[:, : len(names)].astype(bool), names
    hits = [[value == name for name in names] for value in given.truth.tolist()]
    return given.probabilities, np.array(hits, dtype=bool), names


def _numbers(given: _Predictions) -> tuple[np.ndarray, np.ndarray]:
    try:
        truth, predicted = given.truth.astype(float), given.predicted.astype(float)
    except (TypeError, ValueError):
        raise DataError(
            f"this metric is for numbers, got {quote(given.truth.tolist()[0])}; use accuracy or "
            "macro_f1"
        ) from None
    if truth.shape != predicted.shape:
        raise DataError(
            f"expected predictions of shape {list(truth.shape)}, got {list(predicted.shape)}"
        )
    return truth, predicted


def _mae(given: _Predictions) -> float:
    truth, predicted = _numbers(given)
    return float(np.abs(truth - predicted).mean())


def _rmse(given: _Predictions) -> float:
    truth, predicted = _numbers(given)
    return float(np.sqrt(np.square(truth - predicted).mean()))


def _correlation(given: _Predictions) -> float:
    truth, predicted = _numbers(given)
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(np.corrcoef(truth.ravel(), predicted.ravel())[0, 1])


def _acc7(given: _Predictions) -> float:
    truth, predicted = (np.round(x.clip(-3, 3)) for x in _numbers(given))
    return float((truth == predicted).mean())


def _signs(zero: Literal["has0", "non0"]) -> Callable[[_Predictions], _Predictions]:
    def signs(given: _Predictions) -> _Predictions:
        truth, predicted = _numbers(given)
        if zero == "has0":
            return _Predictions(truth >= 0, predicted >= 0, None, None)
        nonzero = truth != 0
        if not nonzero.any():
            raise DataError("acc2_non0 and f1_non0 need rows whose true number is not 0")
        return _Predictions(truth[nonzero] > 0, predicted[nonzero] > 0, None, None)

    return signs


_METRICS: dict[str, Callable[[_Predictions], float]] = {
    "accuracy": _accuracy,
    "macro_f1": _f1("macro"),
    "micro_f1": _f1("micro"),
    "weighted_f1": _f1("weighted"),
    "samples_f1": _samples_f1,
    "weighted_precision": _weighted("precision_score"),
    "weighted_recall": _weighted("recall_score"),
    "auroc": _auroc,
    "micro_auroc": _micro_auroc,
    "log_loss": _log_loss,
    "ece": _calibration_error,
    "mae": _mae,
    "rmse": _rmse,
    "correlation": _correlation,
    "acc7": _acc7,
    "acc2_has0": lambda given: _accuracy(_signs("has0")(given)),
    "acc2_non0": lambda given: _accuracy(_signs("non0")(given)),
    "f1_has0": lambda given: _f1("weighted")(_signs("has0")(given)),
    "f1_non0": lambda given: _f1("weighted")(_signs("non0")(given)),
}
