"""The classifier: one class of several, or any number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import ClassifierMixin
from torch import Tensor

from mmgraph.data import targets
from mmgraph.estimator.base import MultimodalEstimator
from mmgraph.estimator.messages import shown_messages
from mmgraph.graph.relations import Relation
from mmgraph.message_passing.gnn import ConvFactory, Execution
from mmgraph.modalities.base import Modality
from mmgraph.nn.build import FusionFactory
from mmgraph.nn.outputs import Outputs
from mmgraph.nn.readout import ReadoutKind
from mmgraph.nn.tasks import Task
from mmgraph.tables.opening import open_table, take_columns
from mmgraph.tables.stream import spooled
from mmgraph.typing import EdgeType


class MultimodalGraphClassifier(ClassifierMixin, MultimodalEstimator):
    """Classifies rows of images, texts and more through one graph per row.

    Image regions and text tokens are the nodes; a graph neural network passes messages within
    and across the modalities; a readout fuses them into one vector, which is classified. A
    convex linear model over all modalities' features (`linear`) stands beside it, and
    held-out rows decide how much each of the two counts.

    Args:
        modalities: What to read from which columns; None: inferred from the columns.
        channels: Features of a node and of the fused vector.
        num_layers: Rounds of message passing.
        conv: `conv(in_channels, out_channels)` makes a PyG convolution; None: the default of
            `GraphFusion`.
        relations: Relations by (source, name, target); None: those of each modality, all pairs
            of nodes across the items of a modality where rows have several, and every node to
            every node across modalities.
        readout: How the nodes of a modality become one vector.
        dropout: Probability of dropping a feature, in training.
        execution: "dense" or "sparse" message passing; "auto": dense wherever that is exact.
        fusion: Another fusion in place of the graph: a class of `mmgraph.nn.fusion`, or any
            function of (modalities with their relations, channels). Of the arguments above, those
            that are not at their defaults are passed on; it is an error if it does not take them.
        linear: Add the linear model.
        absent_nodes: Give a modality that a row lacks one learnt node; else it has none.
        modality_dropout: Probability of hiding a modality of a row, in training; for inputs
            that lack more than the training rows do.
        epochs: Most passes over the training rows.
        batch_size: Rows of a batch, over all processes where a launcher started several.
        accumulate: Parts of a batch that are computed one after the other, where a whole one
            needs more memory than there is. The steps stay the same.
        learning_rate: Highest learning rate.
        class_weight: "balanced": rare classes count as much as common ones; None: all rows
            count the same. Sets of labels are never weighed.
        validation: Share of the training rows that is held out to choose the best epoch, to
            weigh the parts and to set the threshold of labels; 0: none, and the parts count
            the same.
        refit: After that, train again on all rows, for as many epochs as were best.
        random_state: Seed of everything random; the same seed gives the same model on CPUs.
        device: "auto", "cpu", "gpu", as Lightning names accelerators.
        log_dir: Folder for training logs; None: no logs.
        logs: Kind of logs.
        checkpoint_dir: Folder for the state of the training after each epoch. A fit that was killed
            goes on from there if it is begun again with the same rows and settings, and ends with
            the same weights on CPUs; when it is done, the state is deleted. None: none is kept.
        verbose: Show progress, and say what was inferred.

    Fitted state:
        classes_ (classes or labels), multilabel_, modalities_ (fitted), model_ (a
        `MultimodalModel`), history_ (metrics of each epoch with held-out rows, see
        `TrainingResult`), feature_names_in_, n_features_in_.

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

    def __init__(
        self,
        modalities: Sequence[Modality] | None = None,
        *,
        channels: int = 64,
        num_layers: int = 2,
        conv: ConvFactory | None = None,
        relations: Mapping[EdgeType, Relation] | None = None,
        readout: ReadoutKind = "attention",
        dropout: float = 0.2,
        execution: Execution = "auto",
        fusion: FusionFactory | None = None,
        linear: bool = True,
        absent_nodes: bool = False,
        modality_dropout: float = 0.0,
        epochs: int = 15,
        batch_size: int = 64,
        accumulate: int = 1,
        learning_rate: float = 2e-3,
        class_weight: Literal["balanced"] | None = "balanced",
        validation: float = 0.1,
        refit: bool = True,
        random_state: int = 0,
        device: str = "auto",
        log_dir: str | Path | None = None,
        logs: Literal["csv", "tensorboard"] = "csv",
        checkpoint_dir: str | Path | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(
            modalities,
            channels=channels,
            num_layers=num_layers,
            conv=conv,
            relations=relations,
            readout=readout,
            dropout=dropout,
            execution=execution,
            fusion=fusion,
            linear=linear,
            absent_nodes=absent_nodes,
            modality_dropout=modality_dropout,
            epochs=epochs,
            batch_size=batch_size,
            accumulate=accumulate,
            learning_rate=learning_rate,
            validation=validation,
            refit=refit,
            random_state=random_state,
            device=device,
            log_dir=log_dir,
            logs=logs,
            checkpoint_dir=checkpoint_dir,
            verbose=verbose,
        )
        self.class_weight = class_weight

    @property
    def classes_(self) -> np.ndarray:
        """The classes or labels, in the order of `predict_proba`."""
        assert self.outputs_.classes is not None
        return self.outputs_.classes

    @property
    def multilabel_(self) -> bool:
        """Whether rows have sets of labels."""
        return self.outputs_.are_sets

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return the probability of each class, in the order of `classes_`.

        With sets of labels each has a probability of its own, and rows need not sum to 1.

        Args:
            X: As in `fit`; modalities may be missing in any row. Rows without any input get
                the shares of the training rows, with a warning that names them.

        Raises:
            DataError: A cell cannot be read.
            NotFittedError: `fit` was not called.
        """
        fitted = self.fitted_
        with shown_messages(self.verbose):
            return fitted.predict(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, or a table of 0 and 1 for labels."""
        return self.fitted_.decide(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on rows and their labels (or the name of the labels' column).

        With sets of labels a row counts as right when all its labels are.
        """
        with spooled(X) as rows:
            frame, truth = take_columns(open_table(rows), y, "y")
            if not self.multilabel_:
                return float(super().score(frame, truth, sample_weight))
            wanted = targets.indicator(truth, self.classes_, frame.index)
            right = (self.predict(frame) == wanted).all(1)
            return float(np.average(right, weights=sample_weight))

    def _encode(
        self, truth: Any, index: Any
    ) -> tuple[Shaped[Tensor, "rows *outputs"], Shaped[np.ndarray, "rows"]]:
        if not targets.is_multilabel(truth):
            classes, target = targets.encode_classes(truth, index)
            self.outputs_ = Outputs(classes)
            return target, target.numpy()
        labels, target = targets.encode_labels(truth, index)
        self.outputs_ = Outputs(labels, are_sets=True)
        # Rarest label first: a row stands for the rarest of its labels.
        rarity = target / target.sum(0).clamp_min(1)
        return target, rarity.argmax(1).numpy()

    def _make_task(self) -> Task:
        return self.outputs_.make_task(balanced=self.class_weight == "balanced")
