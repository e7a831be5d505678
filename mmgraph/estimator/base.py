"""What classifier and regressor share: fit, transform, explain and save."""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from mmgraph.data import targets
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.disk_dataset import DiskDataset
from mmgraph.data.folds import Partition
from mmgraph.data.holdout import hold_out
from mmgraph.data.infer import infer_modalities
from mmgraph.data.known_rows import KnownRows
from mmgraph.data.survey import FITTING_ROWS, fit_on_sample
from mmgraph.data.transform import fit_modality, fit_transform, read_items, transform
from mmgraph.errors import DataError, quote
from mmgraph.estimator.adding import Adding
from mmgraph.estimator.arguments import Arguments, check_modalities
from mmgraph.estimator.fit_arguments import (
    check_seed,
    refuse_others,
    require_targets,
    warn_of_idle,
)
from mmgraph.estimator.keeping import keep_rows
from mmgraph.estimator.messages import shown_messages
from mmgraph.fitted import FittedModel
from mmgraph.links.kinds import check_links
from mmgraph.links.reading import add_linked_rows, link_columns, take_link_columns
from mmgraph.modalities.base import Modality, is_usable_name
from mmgraph.nn.build import NetworkOptions, build_model
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.outputs import Outputs
from mmgraph.nn.task import Task
from mmgraph.saving.facts import collect_facts
from mmgraph.saving.model import SavedEstimator, save
from mmgraph.saving.unsaved import warn_of_code, warn_of_state
from mmgraph.system import distributed
from mmgraph.system.choices import check_choices
from mmgraph.tables.base import DiskTable
from mmgraph.tables.names import column_names, row_name
from mmgraph.tables.opening import Table, open_rows, open_table, read_frame, take_columns
from mmgraph.tables.stream import spooled
from mmgraph.training.settings import Surroundings

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.explain.base import Explainer
    from mmgraph.explain.explanation import Explanation
    from mmgraph.explain.methods import Method

logger = logging.getLogger("mmgraph")

AnyEstimator = TypeVar("AnyEstimator", bound="MultimodalEstimator")


@dataclass(kw_only=True, eq=False, repr=False)
class MultimodalEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Adding, Arguments):
    """What classifier and regressor share; their own pages explain the arguments."""

    model_: MultimodalModel = field(init=False)
    modalities_: Sequence[Modality] = field(init=False)
    outputs_: Outputs = field(init=False)
    history_: list[dict[str, int | float]] = field(init=False)
    facts_: dict[str, Any] = field(init=False)
    #: What the model was fitted with, whatever `set_params` says since.
    fitted_params_: dict[str, Any] = field(init=False)
    known_rows_: KnownRows | None = field(init=False)

    def fit(
        self: AnyEstimator, X: Any, y: Any = None, groups: Any = None, **others: Any
    ) -> AnyEstimator:
        """Fit the modalities, then the model.

        Args:
            X: DataFrame, Hugging Face dataset, `ParquetTable`, `ArrowTable`, or the path of a CSV,
                TSV, JSON Lines or Parquet file, or of a folder of Parquet files or of a dataset.
                Parquet files and datasets of more than 100,000 rows or a gigabyte stay on disk, see
                `ParquetTable`; streamed datasets are written there first.
            y: Target of each row, or the name of the column (or names of the columns) with it.
            groups: Group of each row, or the name of a column: rows of one group are never on
                both sides of the held-out part.
            others: Nothing else is taken; the error says what to do in place of it.

        Returns:
            The fitted estimator itself.

        Raises:
            DataError: A row, a column or a target cannot be used; the message says which.
            ValueError: An argument is out of its range, contradicts another one, or is none of
                the fusion's; or there is no `y`.
            TypeError: An argument is none of these, such as `sample_weight`.
        """
        from mmgraph.training import check_device, join_processes

        refuse_others(others)
        require_targets(self, y)
        check_choices(self)
        check_seed(self.random_state)
        self.chosen_params()  # before any row is read
        check_device(self.device)
        warn_of_idle(self)
        if self.graph:
            self.chosen_fusion.try_at(self.channels)
        if self.modalities is not None:
            check_modalities(self.modalities)
        join_processes()
        known = self.modalities if isinstance(self.modalities, list | tuple) else ()
        warn_of_code(self.chosen_fusion, [each for each in known if isinstance(each, Modality)])
        with spooled(X) as rows:
            return self._fit(open_table(rows), y, groups)

    def _fit(self: AnyEstimator, frame: Table, y: Any, groups: Any) -> AnyEstimator:
        frame, truth = take_columns(frame, y, "y")
        keys = take_link_columns(check_links(self.links), frame, truth)
        frame, groups = take_columns(frame, groups, "groups")
        named_groups, groups_name = groups, getattr(groups, "name", None)
        with shown_messages(self.verbose), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            target, strata = self._encode(truth, frame.index)
            groups = None if groups is None else targets.encode_groups(groups, frame.index)
            dataset, rows_with = self._read_rows(frame, truth, groups_name, target)
            if keys is not None:
                dataset, rows_with = self._link(keys, dataset, groups, rows_with)
            warn_of_state(self.modalities_)
            held_out = hold_out(strata, groups, self.validation, seed=self.random_state)
            partition = Partition.of(strata, groups, held_out, seed=self.random_state)
            if self.validation and not len(held_out):
                logger.info(
                    "no rows are held out (too few, or groups too large for validation=%g): all "
                    "epochs count, and the parts count the same",
                    self.validation,
                )
            self.model_, self.history_, scores = self._fitting().fit(dataset, partition)
            self.fitted_params_ = self.chosen_params()
            self.known_rows_ = keep_rows(self.model_, self.modalities_, frame)
            self.facts_ = collect_facts(
                self.model_.task,
                rows_with,
                target,
                held_out_rows=len(held_out),
                held_out=scores,
                truth=truth,
                groups=named_groups,
            )
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "rows channels"]:
        """Return the fused vector of each row.

        Raises:
            ValueError: The fusion was not trained (graph=False).
        """
        fitted = self.fitted_
        if not self.fitted_params_["graph"]:
            raise ValueError("transform: graph=False trained no fused vectors; fit with graph=True")
        with shown_messages(self.verbose):
            return fitted.run(X, fitted.network.fused)

    @property
    def _n_features_out(self) -> int:
        """How many features `transform` returns, for `get_feature_names_out`."""
        return self.channels

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = tags.input_tags.allow_nan = True
        tags.input_tags.dict = True  # one row, or a list of rows
        tags.target_tags.multi_output = True
        return tags

    @property
    def fitted_(self) -> FittedModel:
        """The model without the estimator, which other rooms take.

        Raises:
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "model_")
        return FittedModel(
            modalities=self.modalities_,
            network=self.model_,
            outputs=self.outputs_,
            features=self.feature_names_in_.tolist(),
            facts=self.facts_,
            batch_size=self.chosen_training.batch_size,
            known_rows=self.known_rows_,
        )

    def explain(
        self,
        X: Any,
        *,
        method: Method | Explainer = "integrated_gradients",
        target: Any = None,
        truth: Any = None,
        faithfulness: bool = False,
    ) -> list[Explanation]:
        """Return for each row how much every region, word, frame or column mattered.

        Args:
            X: Rows, as for `predict`.
            method: Name of a method, or one of `mmgraph.explain` with settings of its own.
            target: The class, label or number of the output to explain, for all rows; None:
                the most probable class or label of each row, and the first number.
            truth: Targets as for `fit`, to show beside what is predicted, or the name of their
                column; None: the column that `fit` was given, where the table has it.
            faithfulness: Measure how true each explanation is, beside random ones.

        Raises:
            DataError: A cell cannot be read, there is no such output or method, or the method
                does not suit the model.
        """
        from mmgraph.explain.run import explain_rows

        return explain_rows(
            self.fitted_,
            X,
            method=method,
            target=target,
            truth=truth,
            faithfulness=faithfulness,
        )

    def count_items(self, X: Any) -> pd.DataFrame:
        """Return how many items (images, texts, ...) each row has of each modality.

        Rows of zeros have no input at all; they are predicted by the training prior alone.
        """
        import pandas as pd

        check_is_fitted(self, "model_")
        frame = open_rows(X)
        counts = [
            {name: [len(cell) for cell in cells] for name, cells in items.items()}
            for items in read_items(self.modalities_, frame)
        ]
        return pd.concat(map(pd.DataFrame, counts), ignore_index=True).set_index(frame.index)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the fitted estimator into a folder of safetensors, JSON and tokenizer files.

        Of several processes that fitted it together, the first one writes.

        Args:
            path: The folder, which must not exist yet; or a file that ends in `.mmgraph`, which
                holds that folder.
            overwrite: Replace a model that is already there.

        Raises:
            FileExistsError: Something is there already.
        """
        fitted = self.fitted_
        if distributed.is_first():
            kind = next(
                each for each in type(self).__mro__ if each.__module__.startswith("mmgraph.")
            )
            if kind is not type(self):
                logger.warning(
                    "%s is saved as the %s that it is: code is not saved with a model",
                    *(type(self).__name__, kind.__name__),
                )
            parameters = self.fitted_params_
            described = SavedEstimator(kind.__name__, parameters, fitted, self.history_)
            save(described, Path(path), overwrite=overwrite)

    def export(
        self,
        path: str | Path,
        *,
        example: Any,
        format: Literal["torch", "onnx"] = "torch",
        overwrite: bool = False,
    ) -> None:
        """Write the fitted estimator as a program that runs without mmgraph's network code.

        Args:
            path: The folder to write; `mmgraph.load_exported` opens it.
            example: Rows like those to come, a hundred or so: the program is written only if it
                predicts what the estimator does on them.
            format: A program of `torch.export`, or ONNX (needs `mmgraph[export]`).
            overwrite: Replace an exported model that is already there.

        Raises:
            ExportError: A part cannot be exported, or predictions differ by more than 1e-4.
            DataError: No row of the example has a value of some modality.
            FileExistsError: Something is there already.
        """
        from mmgraph.export import export_model

        export_model(self.fitted_, Path(path), read_frame(example), format, overwrite)

    @abstractmethod
    def _encode(
        self, truth: Any, index: Any
    ) -> tuple[Shaped[Tensor, "rows *outputs"], Shaped[np.ndarray, "rows"]]:
        """Set `outputs_`; return the targets, and a number of each row's kind to stratify by."""

    def _make_task(self) -> Task:
        """Return the unfitted task."""
        return self.outputs_.make_task()

    def _build_model(self) -> MultimodalModel:
        options = NetworkOptions.choose(self.chosen_params())
        return build_model(self.modalities_, self._make_task(), options)

    def _read_rows(
        self, frame: Table, truth: Any, groups_name: Any, target: Shaped[Tensor, "rows *outputs"]
    ) -> tuple[SampleDataset, dict[str, int]]:
        """Fit the modalities; return all rows, and how many have something of each modality."""
        modalities = self._choose_modalities(frame, truth, groups_name)
        seed = self.random_state
        if isinstance(frame, DiskTable):
            self.modalities_, survey = distributed.from_first(
                lambda: fit_on_sample(modalities, frame, seed=seed)
            )
            for modality in self.modalities_:
                modality.several_ = modality.node_type in survey.several
            table = frame.select(self.feature_names_in_.tolist())
            rows = np.arange(len(frame))
            stream = DiskDataset(self.modalities_, table, rows, survey.length, target)
            return stream, survey.rows_with
        if distributed.world_size() == 1:
            self.modalities_, items = fit_transform(modalities, frame, seed=seed)
        else:
            self.modalities_ = distributed.from_first(
                lambda: [fit_modality(modality, frame, seed=seed) for modality in modalities]
            )
            with distributed.first_of_machine_first():
                items = transform(self.modalities_, frame)
        for modality in self.modalities_:
            modality.several_ = any(len(cell) > 1 for cell in items[modality.node_type])
        names = [row_name(frame.index, row) for row in range(len(frame))]
        rows_with = {name: sum(map(bool, cells)) for name, cells in items.items()}
        return SampleDataset(self.modalities_, items, target, names=names), rows_with

    def _link(
        self,
        keys: pd.DataFrame,
        dataset: SampleDataset,
        groups: Int[np.ndarray, "rows"] | None,
        rows_with: dict[str, int],
    ) -> tuple[SampleDataset, dict[str, int]]:
        """Return all rows with those that each of them sees, and how many see one."""
        linked, dataset = distributed.from_first(
            lambda: add_linked_rows(check_links(self.links), keys, dataset, groups)
        )
        self.modalities_ = [*self.modalities_, linked]
        self._name_features(self.modalities_)
        count = sum(map(bool, dataset.items[linked.node_type]))
        return dataset, rows_with | {linked.node_type: count}

    def _choose_modalities(self, frame: Table, truth: Any, groups_name: Any) -> Sequence[Modality]:
        modalities = self.modalities
        if modalities is None:
            # Neither the labels nor the groups are inputs, where they are still in the table.
            inputs = (
                frame if groups_name is None else frame.drop(columns=groups_name, errors="ignore")
            )
            labels = truth
            if isinstance(inputs, DiskTable):
                inputs = inputs.head(FITTING_ROWS)
                labels = truth[: len(inputs)]
            excluded = [*column_names(truth), *link_columns(check_links(self.links))]
            modalities = infer_modalities(inputs, exclude=excluded, labels=labels)
        names = [modality.node_type for modality in modalities]
        if not names:
            raise DataError("expected at least one modality, got none; name them: [Text('text')]")
        unusable = [name for name in names if not is_usable_name(name)]
        if unusable:
            raise DataError(
                f"no modality can be called {quote(unusable[0])}; give it another name= of letters"
            )
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise DataError(f"two modalities are called {sorted(repeated)[0]!r}; give one a name=")
        self._name_features(modalities)
        return modalities

    def _name_features(self, modalities: Sequence[Modality]) -> None:
        columns = [column for modality in modalities for column in modality.column_list]
        self.feature_names_in_ = np.array(list(dict.fromkeys(columns)), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def _fitting(self) -> Any:
        # Lightning takes seconds to import, which loading a model need not wait for.
        from mmgraph.training.procedure import Fitting

        return Fitting(
            build=self._build_model,
            settings=self.chosen_training,
            surroundings=Surroundings(
                device=self.device,
                log_dir=self.log_dir,
                logs=self.logs,
                progress=self.verbose and sys.stderr.isatty(),
            ),
            refit=bool(self.refit),
            seed=self.random_state,
            checkpoint_dir=None if self.checkpoint_dir is None else Path(self.checkpoint_dir),
            graph=self.chosen_params()["graph"],
        )
