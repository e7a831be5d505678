"""Compare methods on the same rows, folds and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped
from sklearn.base import clone

from mmgraph import data, targets
from mmgraph.compare.comparison import Comparison
from mmgraph.compare.experiment import Experiment
from mmgraph.compare.methods import DEFAULT, FUSIONS, MethodLike, read_methods
from mmgraph.compare.rivals import make_rivals
from mmgraph.compare.splits import Split, make_folds, read_split_column
from mmgraph.errors import DataError
from mmgraph.estimator import (
    MultimodalEstimator,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
)
from mmgraph.estimator.base import take_columns
from mmgraph.metrics import default_metrics
from mmgraph.modalities.base import Modality
from mmgraph.modalities.infer import infer_modalities

if TYPE_CHECKING:
    import pandas as pd


def compare(
    frame: Any,
    y: Any,
    *,
    output: str | Path,
    methods: Sequence[str] | Mapping[str, MethodLike] | None = None,
    modalities: Sequence[Modality] | None = None,
    template: MultimodalEstimator | None = None,
    groups: Any = None,
    folds: int | str = 5,
    test: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    metrics: Sequence[str] | None = None,
    reference: str = "graph",
    rivals: bool = True,
    budget_minutes: float | None = None,
) -> Comparison:
    """Fit every method on every fold with every seed, and return how they compare.

    Each run is kept in `output` when it is done. Called again with the same arguments, after it
    was killed or with more methods, only what is lacking is run.

    Args:
        frame: DataFrame, Hugging Face dataset, or path of a table.
        y: Target of each row, or the name of its column.
        output: Folder that keeps the runs.
        methods: Names of fusions ("graph", "concat", ...; "mmgraph" is the graph with the linear
            model beside it), or by names of one's own such names, estimators, or functions of
            the seed that make estimators; None: all names.
        modalities: What the methods read from which columns; None: those of `template`, or
            inferred from the columns.
        template: Estimator whose settings the named methods share; None: a
            `MultimodalGraphClassifier` without the linear model.
        groups: Group of each row, or the name of its column: groups are never divided.
        folds: Number of folds, or the name of a column with "train", "val" and "test", or with
            the fold of each row.
        test: True for the rows that nothing is chosen by; see `Comparison.test`. None: the
            "test" rows of a split column, if there is one.
        seeds: Seeds of the fits.
        metrics: Names of metrics, see `mmgraph.evaluate_predictions`; None: what is usual.
        reference: The method that all others are tested against.
        rivals: Add scikit-learn's logistic regressions on frozen features to classes.
        budget_minutes: Begin no run after this time; None: do all.

    Raises:
        DataError: A row, a column or an argument cannot be used; the message says which.
    """
    table = data.read_frame(frame)
    inputs, truth, group, split, labels = _take(table, y, groups, folds)
    if template is None:
        template = MultimodalGraphClassifier(additive=False, verbose=False)
    chosen = modalities or template.modalities or infer_modalities(inputs, labels=truth)
    template = clone(template).set_params(modalities=list(chosen))
    kind = _kind_of(truth, template)
    found = read_methods([DEFAULT, *FUSIONS] if methods is None else methods, template)
    names = [each.name for each in found]
    if rivals and kind == "multiclass":
        found += [each for each in make_rivals(chosen) if each.name not in names]
    if reference not in [each.name for each in found]:
        raise DataError(f"reference={reference!r} is none of the methods, which are {names}")
    splits, test_split = _make_splits(folds, split, test, truth, group, kind)
    experiment = Experiment(
        inputs,
        truth,
        labels=labels,
        groups=group,
        methods=found,
        folds=splits,
        test=test_split,
        seeds=seeds,
        folder=output,
    )
    comparison = Comparison.begin(
        experiment, output, metrics=list(metrics or default_metrics(kind)), reference=reference
    )
    experiment.run(experiment.plan_folds(), budget_minutes=budget_minutes)
    return comparison


def _take(
    table: pd.DataFrame, y: Any, groups: Any, folds: int | str
) -> tuple[pd.DataFrame, Shaped[np.ndarray, "rows *outputs"], Any, Any, list[Any] | None]:
    """Return inputs, targets, groups, the split column, and the names of labels."""
    inputs, target = take_columns(table, y, "y")
    inputs, group = take_columns(inputs, groups, "groups")
    split = None
    if isinstance(folds, str):
        inputs, split = take_columns(inputs, folds, "folds")
    if targets.is_multilabel(target):
        if not _is_indicator(target):
            return inputs, np.asarray(target, dtype=float), group, split, None
        labels, encoded = targets.encode_labels(target, table.index)
        return inputs, encoded.numpy().astype(np.int64), group, split, labels.tolist()
    values = target.tolist() if hasattr(target, "tolist") else list(target)
    missing = [row for row, value in enumerate(values) if data.is_missing(value)]
    if missing:
        raise DataError(
            f"row {', '.join(data.row_name(table.index, row) for row in missing[:5])}: expected a "
            f"target, got a missing value ({len(missing)} of {len(values)} rows); leave these out"
        )
    return inputs, np.array(values), group, split, None


def _is_indicator(target: Any) -> bool:
    """Say whether rows have sets of labels, or 0 and 1 for each, and not several numbers."""
    if getattr(target, "ndim", 1) != 2:
        return True
    values = np.asarray(target)
    return bool(((values == 0) | (values == 1)).all())


def _kind_of(truth: Shaped[np.ndarray, "rows *outputs"], template: MultimodalEstimator) -> Any:
    if isinstance(template, MultimodalGraphRegressor):
        return "regression"
    return "multilabel" if truth.ndim == 2 else "multiclass"


def _make_splits(
    folds: int | str, split: Any, test: Any, truth: Any, groups: Any, kind: str
) -> tuple[list[Split], Split | None]:
    """Return the splits to choose by, and the one with the test rows."""
    found: list[Split] = []
    is_test = np.zeros(len(truth), dtype=bool)
    if split is not None:
        found, is_test = read_split_column(list(split))
    if test is not None:
        is_test = is_test | _read_mask(test, len(truth))
    rest, held = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if isinstance(folds, int):
        found = make_folds(folds, truth, groups, rest, stratify=kind == "multiclass")
    found = [
        Split(each.name, each.train[~is_test[each.train]], each.test[~is_test[each.test]])
        for each in found
    ]
    tested = Split("test", rest, held) if len(held) else None
    if groups is not None:
        _check_groups([*found, *([tested] if tested else [])], np.asarray(groups))
    return found, tested


def _read_mask(test: Any, count: int) -> Bool[np.ndarray, "rows"]:
    mask = np.asarray(test)
    if mask.shape != (count,) or mask.dtype.kind != "b":
        raise DataError(
            f"test: expected True or False for each of {count} rows, got {mask.dtype} of shape "
            f"{list(mask.shape)}; write test=frame['split'] == 'test'"
        )
    return mask


def _check_groups(splits: Sequence[Split], groups: Shaped[np.ndarray, "rows"]) -> None:
    """Refuse splits that have a group on both sides."""
    for split in splits:
        shared = set(groups[split.train].tolist()) & set(groups[split.test].tolist())
        if shared:
            raise DataError(
                f"fold {split.name}: group {min(shared, key=str)!r} is on both sides "
                f"({len(shared)} groups are); use folds=5, which keeps groups together"
            )
