"""Compare methods on the same rows, folds and seeds."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped
from sklearn.base import clone

from mmgraph.comparison.baselines.choice import make_baselines
from mmgraph.comparison.experiment import Experiment
from mmgraph.comparison.methods import OWN, MethodLike, read_methods
from mmgraph.comparison.result import Comparison
from mmgraph.comparison.splits import Split, make_folds, read_split_column
from mmgraph.comparison.tables import compared_metrics
from mmgraph.data import targets
from mmgraph.data.infer import infer_modalities
from mmgraph.data.numbers import encode_numbers
from mmgraph.errors import DataError, quote
from mmgraph.estimator import (
    MultimodalEstimator,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
)
from mmgraph.kinds import TaskKind
from mmgraph.links.kinds import check_links
from mmgraph.links.reading import link_columns
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.names import FUSIONS
from mmgraph.system.held import HeldFolder, sweep
from mmgraph.tables.opening import read_frame, take_columns

if TYPE_CHECKING:
    import pandas as pd

#: How names of folders begin that keep runs as long as their comparison is there.
_PREFIX = "mmgraph-runs-"


def compare(
    frame: Any,
    y: Any,
    *,
    methods: Sequence[str] | Mapping[str, MethodLike] | None = None,
    modalities: Sequence[Modality] | None = None,
    template: MultimodalEstimator | None = None,
    groups: Any = None,
    folds: int | str = 5,
    test: Any = None,
    seeds: Sequence[int] = (0, 1, 2),
    metrics: Sequence[str] | None = None,
    reference: str = "graph",
    baselines: bool = True,
    output: str | Path | None = None,
    budget_minutes: float | None = None,
) -> Comparison:
    """Fit every method on every fold with every seed, and return how they compare.

    Each run is kept in the folder `output` when it is done. Called again with the same arguments,
    after it was killed or with more methods, only what is lacking is run.

    Args:
        frame: DataFrame, Hugging Face dataset, or path of a table.
        y: Target of each row, or the name of its column.
        methods: Names, or by names of your own such names, estimators, or functions of the seed
            that make estimators. Fusions ("graph", "concat", ...) are trained by themselves;
            "mmgraph" has a graph, a linear model and neighbours, "graph+linear",
            "linear+neighbours" and "linear" some of these. None: all of them.
        modalities: What the methods read from which columns; None: those of `template`, or
            inferred from the columns.
        template: Estimator whose settings the named methods share; None: a
            `MultimodalGraphClassifier` without the linear model and the neighbours.
        groups: Group of each row, or the name of its column: groups are never divided.
        folds: Number of folds, shuffled anew by each seed, or the name of a column with "train",
            "val" and "test", or with the fold of each row.
        test: True for the rows that nothing is chosen by; see `Comparison.test`. None: the
            "test" rows of a split column, if there is one.
        seeds: Seeds of the fits, and of the folds where their number is given.
        metrics: Names of metrics, see `mmgraph.evaluate_predictions`; None: what is usual, and for
            classes and labels log loss and calibration error.
        reference: The method that all others are tested against.
        baselines: Add models of frozen features, see `make_baselines`.
        output: Folder that keeps the runs; None: they are gone when the comparison is.
        budget_minutes: Begin no run after this time; None: do all.

    Raises:
        DataError: A row, a column or an argument cannot be used; the message says which.
    """
    table = read_frame(frame)
    if template is None:
        template = MultimodalGraphClassifier(
            linear=False, neighbours=False, graph=True, verbose=False
        )
    regression = isinstance(template, MultimodalGraphRegressor)
    inputs, truth, group, split, labels = _take(table, y, groups, folds, regression=regression)
    linked = link_columns(check_links(template.links))
    chosen = modalities or template.modalities
    chosen = chosen or infer_modalities(inputs, exclude=linked, labels=truth)
    # Groups are taken out of the inputs, and links may read them all the same.
    inputs = inputs.join(table[[each for each in linked if each not in inputs.columns]])
    template = clone(template).set_params(modalities=list(chosen))
    kind: TaskKind = "multiclass"
    if regression or truth.ndim == 2:
        kind = "regression" if regression else "multilabel"
    found = read_methods([*OWN, *FUSIONS] if methods is None else methods, template, kind)
    names = [each.name for each in found]
    if baselines:
        rows = len(table)
        found += [each for each in make_baselines(chosen, kind, rows) if each.name not in names]
    if reference not in [each.name for each in found]:
        raise DataError(f"reference={reference!r} is none of the methods, which are {names}")
    held = _own_folder() if output is None else None
    folder = output if held is None else held.path
    assert folder is not None
    splits, test_split = _make_splits(folds, split, test, truth, group, kind, seeds)
    experiment = Experiment(
        inputs,
        truth,
        labels=labels,
        groups=group,
        methods=found,
        folds=splits,
        test=test_split,
        seeds=seeds,
        folder=folder,
    )
    comparison = Comparison.begin(
        experiment, folder, metrics=list(metrics or compared_metrics(kind)), reference=reference
    )
    if held is not None:
        weakref.finalize(comparison, held.release)
    experiment.run(experiment.plan_folds(), budget_minutes=budget_minutes)
    return comparison


def _own_folder() -> HeldFolder:
    """Return a new folder for runs; those of killed comparisons are removed."""
    sweep(prefix=_PREFIX)
    return HeldFolder(prefix=_PREFIX)


def _take(
    table: pd.DataFrame, y: Any, groups: Any, folds: int | str, *, regression: bool
) -> tuple[pd.DataFrame, Shaped[np.ndarray, "rows *outputs"], Any, Any, list[Any] | None]:
    """Return inputs, targets, groups, the split column, and the names of labels."""
    inputs, target = take_columns(table, y, "y")
    inputs, group = take_columns(inputs, groups, "groups")
    split = None
    if isinstance(folds, str):
        inputs, split = take_columns(inputs, folds, "folds")
    if regression:
        numbers = encode_numbers(target, table.index).squeeze(1).numpy()
        return inputs, numbers, group, split, None
    target = targets.one_column(target)
    if targets.is_multilabel(target):
        labels, encoded = targets.encode_labels(target, table.index)
        return inputs, encoded.numpy().astype(np.int64), group, split, labels.tolist()
    classes, codes = targets.encode_classes(target, table.index)
    return inputs, classes[codes.numpy()], group, split, None


def _make_splits(
    folds: int | str,
    split: Any,
    test: Any,
    truth: Any,
    groups: Any,
    kind: str,
    seeds: Sequence[int],
) -> tuple[list[list[Split]], Split | None]:
    """Return the splits to choose by, for each seed, and the one with the test rows."""
    named: list[Split] = []
    is_test = np.zeros(len(truth), dtype=bool)
    if split is not None:
        named, is_test = read_split_column(list(split))
    if test is not None:
        is_test = is_test | _read_mask(test, len(truth))
    rest, held = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    named = [
        Split(each.name, each.train[~is_test[each.train]], each.test[~is_test[each.test]])
        for each in named
    ]
    found = [named] * len(seeds)
    if isinstance(folds, int):
        stratify = kind == "multiclass"
        found = make_folds(folds, truth, groups, rest, stratify=stratify, seeds=seeds)
    tested = Split("test", rest, held) if len(held) else None
    if groups is not None:
        _check_groups([*named, *([tested] if tested else [])], np.asarray(groups))
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
                f"fold {split.name}: group {quote(min(shared, key=str))} is on both sides "
                f"({len(shared)} groups are); use folds=5, which keeps groups together"
            )
