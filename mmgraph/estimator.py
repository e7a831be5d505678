"""The scikit-learn interface: fit, predict, score, save and load."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from mmgraph import data, persistence
from mmgraph.errors import DataError
from mmgraph.holdout import hold_out
from mmgraph.modalities.base import Modality
from mmgraph.modalities.infer import infer_modalities
from mmgraph.nn.additive import AdditiveModel
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.gnn import transformer_conv
from mmgraph.nn.model import MultimodalClassifier
from mmgraph.relations import Relation
from mmgraph.targets import encode_classes, encode_groups
from mmgraph.typing import EdgeType

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.training import TrainingResult

logger = logging.getLogger("mmgraph")

#: Rows that are decoded and held in memory at once while predicting.
_ROWS_AT_ONCE = 1024


class MultimodalGraphClassifier(ClassifierMixin, BaseEstimator):
    """Classifies rows of images, texts and more through one graph per row.

    Image regions and text tokens are the nodes; a graph neural network passes messages within
    and across the modalities; a readout fuses them into one vector, which is classified. A
    convex linear model over all modalities' features (`additive`) stands beside it, and
    held-out rows decide how much each of the two counts.

    Args:
        modalities: What to read from which columns; None: inferred from the columns.
        channels: Features of a node and of the fused vector.
        num_layers: Rounds of message passing.
        conv: `conv(in_channels, out_channels)` makes a PyG convolution; None: the default of
            `GraphFusion`.
        relations: Relations by (source, name, target); None: those of each modality, and
            every node to every node across modalities.
        readout: How the nodes of a modality become one vector.
        dropout: Probability of dropping a feature, in training.
        execution: "dense" or "sparse" message passing; "auto": dense wherever that is exact.
        additive: Add the linear model.
        epochs: Most passes over the training rows.
        batch_size: Rows of a batch.
        learning_rate: Highest learning rate.
        class_weight: "balanced": rare classes count as much as common ones; None: all rows
            count the same.
        validation: Share of the training rows that is held out to choose the best epoch and
            to weigh the parts; 0: none, and the parts count the same.
        refit: After that, train again on all rows, for as many epochs as were best.
        random_state: Seed of everything random; the same seed gives the same model on CPUs.
        device: "auto", "cpu", "gpu", as Lightning names accelerators.
        log_dir: Folder for training logs; None: no logs.
        logs: Kind of logs.
        verbose: Show progress, and say what was inferred.

    Fitted state:
        classes_, modalities_ (fitted), model_ (a `MultimodalClassifier`), history_ (metrics of
        each epoch with held-out rows, see `TrainingResult`), feature_names_in_, n_features_in_.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import MultimodalGraphClassifier, Text
        >>> frame = pd.DataFrame({"text": ["red", "blue sky", "red rose", "blue"] * 4})
        >>> label = ["warm", "cold", "warm", "cold"] * 4
        >>> text = Text("text", features=None)
        >>> clf = MultimodalGraphClassifier([text], epochs=2, verbose=False).fit(frame, label)
        >>> clf.predict(frame[:2]).tolist()
        ['warm', 'cold']
    """

    model_: MultimodalClassifier

    def __init__(
        self,
        modalities: Sequence[Modality] | None = None,
        *,
        channels: int = 64,
        num_layers: int = 2,
        conv: Callable[[int, int], nn.Module] | None = None,
        relations: Mapping[EdgeType, Relation] | None = None,
        readout: Literal["mean", "max", "sum", "attention", "set2set"] = "attention",
        dropout: float = 0.2,
        execution: Literal["auto", "dense", "sparse"] = "auto",
        additive: bool = True,
        epochs: int = 15,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        class_weight: Literal["balanced"] | None = "balanced",
        validation: float = 0.1,
        refit: bool = True,
        random_state: int = 0,
        device: str = "auto",
        log_dir: str | Path | None = None,
        logs: Literal["csv", "tensorboard"] = "csv",
        verbose: bool = True,
    ) -> None:
        self.modalities = modalities
        self.channels = channels
        self.num_layers = num_layers
        self.conv = conv
        self.relations = relations
        self.readout = readout
        self.dropout = dropout
        self.execution = execution
        self.additive = additive
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.validation = validation
        self.refit = refit
        self.random_state = random_state
        self.device = device
        self.log_dir = log_dir
        self.logs = logs
        self.verbose = verbose

    def fit(self, X: Any, y: Any, groups: Any = None) -> MultimodalGraphClassifier:
        """Fit the modalities, then the model.

        Args:
            X: DataFrame, Hugging Face dataset, or the path of a CSV, TSV, JSON Lines or Parquet
                file.
            y: Label of each row, or the name of the column that holds them.
            groups: Group of each row, or the name of a column: rows of one group are never on
                both sides of the held-out part.

        Returns:
            The fitted estimator itself.

        Raises:
            DataError: A row, a column or the labels cannot be used; the message says which.
        """
        frame = data.read_frame(X)
        frame, labels = _take_column(frame, y, "y")
        frame, groups = _take_column(frame, groups, "groups")
        with _messages(self.verbose), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            self.classes_, target = encode_classes(labels, frame.index)
            groups = None if groups is None else encode_groups(groups, frame.index)
            self._fit_modalities(frame, labels)
            items = data.transform(self.modalities_, frame)
            dataset = data.SampleDataset(self.modalities_, items, target)
            held_out = hold_out(target.numpy(), groups, self.validation, seed=self.random_state)
            self._fit_model(dataset, held_out)
        return self

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return the probability of each class, in the order of `classes_`.

        Args:
            X: As in `fit`; modalities may be missing in any row.

        Raises:
            DataError: A cell cannot be read.
            NotFittedError: `fit` was not called.
        """
        return self._run(X, lambda items: self.model_(items).softmax(1))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        probability = self.predict_proba(X)
        return self.classes_[probability.argmax(1)]

    def transform(self, X: Any) -> Float[np.ndarray, "rows channels"]:
        """Return the fused vector of each row."""
        return self._run(X, lambda items: self.model_.fused(items))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on rows and their labels (or the name of the labels' column)."""
        frame, labels = _take_column(data.read_frame(X), y, "y")
        return float(super().score(frame, labels, sample_weight))

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the fitted estimator into a folder of safetensors, JSON and tokenizer files.

        Args:
            path: The folder, which must not exist yet.
            overwrite: Replace a model that is already there.

        Raises:
            FileExistsError: Something is there already.
        """
        check_is_fitted(self, "model_")
        persistence.save(self, Path(path), overwrite=overwrite)

    def _fit_modalities(self, frame: pd.DataFrame, labels: Any) -> None:
        modalities = self.modalities
        if modalities is None:
            modalities = infer_modalities(frame, exclude=getattr(labels, "name", None))
        names = [modality.node_type for modality in modalities]
        if not names:
            raise DataError("expected at least one modality, got none; name them: [Text('text')]")
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise DataError(f"two modalities are called {sorted(repeated)[0]!r}; give one a name=")
        self.modalities_ = [
            data.fit_modality(modality, frame, seed=self.random_state) for modality in modalities
        ]
        columns = [column for modality in modalities for column in modality.column_list]
        self.feature_names_in_ = np.array(list(dict.fromkeys(columns)), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def _fit_model(
        self, dataset: data.SampleDataset, held_out: Int[np.ndarray, "held_out"]
    ) -> None:
        """Find the best epoch and the parts' weights on held-out rows; then use all rows."""
        rows = np.arange(len(dataset))
        if not len(held_out):
            self.history_ = self._train(dataset, rows, None, self.epochs).history
            self._fit_additive(dataset, rows)
            return
        kept = np.setdiff1d(rows, held_out)
        validation = dataset.subset(held_out.tolist())
        result = self._train(dataset, kept, validation, self.epochs)
        self.history_ = result.history
        self._fit_additive(dataset, kept)
        self._balance(validation)
        if self.refit and not result.interrupted:
            chosen = self.model_
            if self._train(dataset, rows, None, result.best_epochs).interrupted:
                self.model_ = chosen  # better than one that is half trained
                return
            self.model_.weights = chosen.weights
            self._fit_additive(dataset, rows)

    def _train(
        self,
        dataset: data.SampleDataset,
        rows: Int[np.ndarray, "kept"],
        validation: data.SampleDataset | None,
        epochs: int,
    ) -> TrainingResult:
        """Train a fresh model on some rows."""
        from mmgraph.training import TrainingSettings, train

        torch.manual_seed(self.random_state)
        generator = torch.Generator().manual_seed(self.random_state)
        training = dataset.subset(rows.tolist(), augment=True)
        assert training.target is not None
        settings = TrainingSettings(
            epochs=epochs,
            learning_rate=self.learning_rate,
            device=self.device,
            log_dir=self.log_dir,
            logs=self.logs,
            progress=self.verbose and sys.stderr.isatty(),
        )
        self.model_ = self._build_model()
        return train(
            self.model_,
            training.loader(self.batch_size, shuffle=True, generator=generator),
            None if validation is None else validation.loader(self.batch_size),
            self._class_weights(training.target),
            settings,
        )

    def _fit_additive(self, dataset: data.SampleDataset, rows: Int[np.ndarray, "kept"]) -> None:
        if self.model_.additive is None:
            return
        training = dataset.subset(rows.tolist())
        assert training.target is not None
        batches = [batch.items for batch in training.batches(self.batch_size)]
        self.model_.additive.fit(batches, training.target, self._class_weights(training.target))

    def _balance(self, validation: data.SampleDataset) -> None:
        if self.model_.additive is None:
            return
        assert validation.target is not None
        parts = (self.model_.additive, self.model_.fused_logits)
        with torch.no_grad():
            additive, fused = (
                torch.cat([part(batch.items) for batch in validation.batches(self.batch_size)])
                for part in parts
            )
        self.model_.balance(additive, fused, validation.target)

    def _class_weights(self, target: Int[Tensor, "rows"]) -> Float[Tensor, "classes"]:
        if self.class_weight is None:
            return torch.ones(len(self.classes_))
        count = torch.bincount(target, minlength=len(self.classes_)).clamp_min(1)
        return len(target) / (len(self.classes_) * count)

    def _build_model(self) -> MultimodalClassifier:
        """Make an untrained model for the fitted modalities."""
        own = {modality.node_type: modality.relations() for modality in self.modalities_}
        fusion = GraphFusion(
            own,
            self.channels,
            relations=self.relations,
            num_layers=self.num_layers,
            readout=self.readout,
            dropout=self.dropout,
            execution=self.execution,
            conv=self.conv or transformer_conv,
        )
        encoders = {each.node_type: each.make_encoder(self.channels) for each in self.modalities_}
        bags = {each.node_type: each.make_bags() for each in self.modalities_ if self.additive}
        additive = AdditiveModel(bags, len(self.classes_)) if any(bags.values()) else None
        return MultimodalClassifier(encoders, fusion, len(self.classes_), additive=additive)

    def _run(
        self, X: Any, compute: Callable[[Any], Float[Tensor, "batch _"]]
    ) -> Float[np.ndarray, "rows _"]:
        check_is_fitted(self, "model_")
        frame = data.read_frame(X)
        with _messages(self.verbose), torch.inference_mode():
            results = [compute(batch.items).numpy() for batch in self._batches(frame)]
        return np.concatenate(results)

    def _batches(self, frame: pd.DataFrame) -> Iterator[data.Batch]:
        """Read rows a part at a time, so that memory does not grow with the table."""
        for start in range(0, len(frame), _ROWS_AT_ONCE):
            part = frame.iloc[start : start + _ROWS_AT_ONCE]
            items = data.transform(self.modalities_, part, start=start)
            dataset = data.SampleDataset(self.modalities_, items)
            yield from dataset.batches(self.batch_size)


def _take_column(frame: pd.DataFrame, values: Any, what: str) -> tuple[pd.DataFrame, Any]:
    """Return values as given, or, for a column's name, that column and the frame without it."""
    if values is None and what == "groups":
        return frame, None
    if isinstance(values, str):
        if values not in frame.columns:
            raise DataError(
                f"{what}={values!r}: there is no such column; the table has "
                f"{[str(column) for column in frame.columns]}"
            )
        return frame.drop(columns=values), frame[values]
    if values is None or not hasattr(values, "__len__") or len(values) != len(frame):
        got = len(values) if hasattr(values, "__len__") else values
        raise DataError(f"{what}: expected one value for each of {len(frame)} rows, got {got}")
    return frame, values


class _messages:
    """Show the package's messages on stderr while in the block, unless logging is set up."""

    def __init__(self, verbose: bool) -> None:
        self.wanted = verbose and not logger.hasHandlers()
        self.handler = logging.StreamHandler()

    def __enter__(self) -> None:
        self.level = logger.level
        if self.wanted:
            logger.addHandler(self.handler)
            logger.setLevel(logging.INFO)

    def __exit__(self, *_: object) -> None:
        logger.removeHandler(self.handler)
        logger.setLevel(self.level)


def load(
    path: str | Path,
    *,
    conv: Callable[[int, int], nn.Module] | None = None,
    modalities: Sequence[type[Modality]] = (),
) -> MultimodalGraphClassifier:
    """Load an estimator from a folder that `MultimodalGraphClassifier.save` wrote.

    Args:
        path: The folder.
        conv: The convolution the model was made with, where it was not the default: code is
            not saved.
        modalities: Modality classes of your own that the model uses.

    Raises:
        DataError: The folder holds no model, a damaged one, or one of a newer version.
    """
    return persistence.load(Path(path), conv=conv, modalities=modalities)
