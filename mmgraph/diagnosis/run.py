"""Taking all the measures of a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.data import targets
from mmgraph.diagnosis.edges import (
    fuse_with_strangers,
    fuse_without_cross_edges,
    has_cross_edges,
)
from mmgraph.diagnosis.encoded import EncodedRows
from mmgraph.diagnosis.measures import Measure
from mmgraph.diagnosis.projection import additive_projection, largest_prime
from mmgraph.diagnosis.result import Diagnosis
from mmgraph.diagnosis.scores import Resampling, Score, make_score
from mmgraph.errors import DataError
from mmgraph.explain.exact_shapley import coalitions, shapley_values
from mmgraph.fitted import Fitted, FittedModel, fitted_model
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.tables.opening import read_frame, take_columns

if TYPE_CHECKING:
    import pandas as pd

#: Shapley values need 2 to the power of this many predictions of all rows at most.
_MOST_MODALITIES = 8


def diagnose(
    estimator: Fitted,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    emap_rows: int = 300,
    permutations: int = 5,
    draws: int = 1000,
    seed: int = 0,
) -> Diagnosis:
    """Measure what a fitted model owes to each modality, to interaction and to cross-modal edges.

    Use rows that the model was not trained on. Encoders run once a row; all else is putting
    encoded modalities together anew, 2^modalities + emap_rows + permutations × modalities times
    the rows.

    A modality is hidden in the way in which it would be missing, as `mmgraph.hide` does it. The
    model may have met few such rows in training, or none: then what it says of them tells about
    the model and not about the data, and so does a modality `alone`, for which no model was
    trained. Permuted modalities keep every part as it was in training, but not how they go
    together. The interaction is measured without hiding anything, by Hessel and Lee's EMAP.

    Args:
        estimator: A fitted classifier or regressor with two modalities or more, or its
            `FittedModel`.
        X: Rows to diagnose on, as `estimator.score` takes them.
        y: Their targets, or the name of the column with them.
        groups: Group of each row, or the name of a column: rows that belong together are drawn
            together for the standard errors, which else come out too small.
        emap_rows: Most rows for the additive projection, a random choice where there are more:
            it takes this number squared of predictions. With more than two modalities it is the
            largest prime number not above.
        permutations: How often each modality is permuted.
        draws: Draws of the bootstrap.
        seed: Seed of choice, permutations and bootstrap.

    Returns:
        The measures with their standard errors, and a verdict: `print(diagnose(...))`.

    Raises:
        DataError: There is only one modality or more than eight, too few rows or groups, a number
            is too small, or a row or target cannot be used.
        NotFittedError: The estimator is not fitted.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import MultimodalGraphClassifier, Text, diagnose
        >>> frame = pd.DataFrame({"title": ["red", "blue"] * 10, "note": ["warm", "cold"] * 10})
        >>> modalities = [Text("title", features=None), Text("note", features=None)]
        >>> clf = MultimodalGraphClassifier(modalities, channels=8, epochs=1, verbose=False)
        >>> result = diagnose(clf.fit(frame, ["w", "c"] * 10), frame, ["w", "c"] * 10, emap_rows=8)
        >>> round(sum(result.get("shapley", name).value for name in result.modalities), 6)
        0.5
    """
    fitted = fitted_model(estimator)
    frame, truth = take_columns(read_frame(X), y, "y")
    frame, groups = take_columns(frame, groups, "groups")
    if groups is not None:
        groups = targets.encode_groups(groups, frame.index)
    _check_options(emap_rows=emap_rows, permutations=permutations, draws=draws)
    _check_rows(fitted, frame, groups, emap_rows)
    with torch.inference_mode():
        score = make_score(fitted, truth, frame.index)
        rows = EncodedRows.of(fitted, frame)
        examination = _Examination(rows, score, groups, draws, seed)
        measures = [
            *examination.contributions(),
            *examination.permuted(permutations),
            *examination.parts(),
            *examination.projection(emap_rows),
            *examination.edges(),
        ]
    return Diagnosis(score.name, score.is_share, tuple(rows.names), tuple(measures))


def _check_options(**options: int) -> None:
    for name, value in options.items():
        least = {"emap_rows": 2, "permutations": 1, "draws": 2}[name]
        if value < least:
            raise DataError(f"{name}: expected {least} or more, got {value}")


def _check_rows(
    fitted: FittedModel,
    frame: pd.DataFrame,
    groups: Int[np.ndarray, "rows"] | None,
    emap_rows: int,
) -> None:
    count = len(fitted.modalities)
    if not 2 <= count <= _MOST_MODALITIES:
        raise DataError(
            f"expected a model with two to {_MOST_MODALITIES} modalities to diagnose, got {count}; "
            "with one its score is all there is, and columns of one kind can share a modality: "
            "Tabular(['age', 'price'])"
        )
    # The projection of more than two modalities needs a prime number of rows, one a modality.
    least = 4 if count < 4 else next(n for n in range(count, 2 * count) if largest_prime(n) == n)
    if len(frame) < least:
        raise DataError(f"expected {least} rows or more to diagnose, got {len(frame)}")
    if count > 2 and emap_rows < least:
        raise DataError(
            f"emap_rows: expected {least} or more for {count} modalities, got {emap_rows}"
        )
    if groups is not None and len(np.unique(groups)) < 2:
        raise DataError(
            "groups: expected two groups or more, for standard errors are drawn from groups; got "
            "one, so leave groups out"
        )


class _Examination:
    """The measures of one model on some rows, each a generator.

    Scores are arrays: first that of the rows themselves, behind it those of the bootstrap's
    draws. Whatever is computed from several of them keeps that form, so differences are paired.
    """

    def __init__(
        self,
        rows: EncodedRows,
        score: Score,
        groups: Int[np.ndarray, "rows"] | None,
        draws: int,
        seed: int,
    ) -> None:
        self.rows = rows
        self.score = score
        self.groups = groups
        self.draws = draws
        self.seed = seed
        self.whole = rows.as_they_are()
        self.resample = Resampling(score, rows.missing, groups=groups, draws=draws, seed=seed)
        self.numbers = score.measure(rows.logits(self.whole))
        self.full = self.resample(self.numbers)

    def contributions(self) -> Iterator[Measure]:
        """Score every set of modalities with the others hidden."""
        names = self.rows.names
        members = coalitions(len(names))
        worth = np.stack([self._score_visible(visible) for visible in members])
        values = shapley_values(worth)
        yield self._measure("score", None, self.full)
        yield self._measure("nothing", None, worth[0])
        for place, name in enumerate(names):
            alone = worth[(members.sum(1) == 1) & members[:, place]][0]
            without = worth[(members.sum(1) == len(names) - 1) & ~members[:, place]][0]
            yield self._measure("alone", name, alone)
            yield self._measure("lead", name, self.full - alone)
            yield self._measure("hidden", name, self.full - without)
            yield self._measure("shapley", name, values[place])

    def permuted(self, permutations: int) -> Iterator[Measure]:
        """Exchange each modality between rows."""
        for place, name in enumerate(self.rows.names):
            numbers = []
            for partner in self._partners(permutations):
                chosen = self.whole.clone()
                chosen[:, place] = partner
                numbers.append(self.score.measure(self.rows.logits(chosen)))
            yield self._measure("permuted", name, self.full - self.resample(np.mean(numbers, 0)))

    def parts(self) -> Iterator[Measure]:
        """Score each part by itself, and the model without it, where there are several."""
        linear = self.rows.linear_logits(self.whole)
        if linear is not None:
            alone = {
                "linear_model": linear,
                "vote": self.rows.vote(self.whole),
                "fused_part": self.rows.fused_logits(self.whole),
            }
            for name, logits in alone.items():
                if logits is not None:
                    yield self._measure(name, None, self._resampled(logits))
        pieces = self.rows.pieces(self.whole)
        for (name, modality), piece in pieces.items() if len(pieces) > 1 else ():
            scores = self._resampled(self.rows.without(self.whole, piece))
            yield self._measure(f"{name}_removed", modality, self.full - scores)

    def projection(self, most: int) -> Iterator[Measure]:
        """Compare the model with its additive projection, on as many rows as there may be."""
        total, modalities = self.rows.missing, len(self.rows.names)
        count = min(most, total)
        if modalities > 2:
            count = largest_prime(count)
        chosen = np.sort(np.random.default_rng(self.seed).permutation(total)[:count])
        subset = torch.from_numpy(chosen)
        projected = additive_projection(
            lambda rows: self.rows.logits(subset[rows]), count, modalities, seed=self.seed
        )
        # The truth belongs to all rows, so the projection is put where it belongs among them.
        logits = self.rows.logits(self.whole)
        logits[subset] = projected
        groups = None if self.groups is None else self.groups[chosen]
        resample = Resampling(self.score, count, groups=groups, draws=self.draws, seed=self.seed)
        emap = resample(self.score.measure(logits)[chosen])
        model = resample(self.numbers[chosen])
        yield self._measure("emap_rows", None, model, rows=count)
        yield self._measure("emap", None, emap, rows=count)
        yield self._measure("interaction", None, model - emap, rows=count)

    def edges(self) -> Iterator[Measure]:
        """Remove and exchange the edges between modalities, where there are any."""
        rows, fusion = self.rows, self.rows.model.fusion
        if not isinstance(fusion, GraphFusion) or not has_cross_edges(fusion):
            return
        partner = next(self._partners(1))
        ways = {
            "edges_removed": lambda chosen: fuse_without_cross_edges(fusion, rows.nodes(chosen)),
            "edges_shuffled": lambda chosen: fuse_with_strangers(
                fusion, rows.nodes(chosen), rows.nodes(partner[chosen])
            ),
        }
        for name, fuse in ways.items():
            logits = rows.logits(self.whole, fuse=fuse)
            yield self._measure(name, None, self.full - self._resampled(logits))

    def _score_visible(self, visible: Any) -> Float[np.ndarray, "draws"]:
        chosen = self.whole.clone()
        chosen[:, ~torch.as_tensor(visible)] = self.rows.missing
        return self._resampled(self.rows.logits(chosen))

    def _resampled(self, logits: Float[Tensor, "rows outputs"]) -> Float[np.ndarray, "draws"]:
        return self.resample(self.score.measure(logits))

    def _partners(self, count: int) -> Iterator[Int[Tensor, "rows"]]:
        """Give every row another one, at random, each row once."""
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(count):
            ring = torch.randperm(self.rows.missing, generator=generator)
            yield torch.empty_like(ring).index_copy_(0, ring, ring.roll(1))

    def _measure(
        self,
        name: str,
        modality: str | None,
        scores: Float[np.ndarray, "draws"],
        *,
        rows: int | None = None,
    ) -> Measure:
        error = float(scores[1:].std(ddof=1))
        return Measure(name, modality, float(scores[0]), error, rows or self.rows.missing)
