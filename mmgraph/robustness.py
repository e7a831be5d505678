"""How scores fall when inputs go missing: for estimators of mmgraph and for any baseline."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.errors import DataError, names, quote

if TYPE_CHECKING:
    import pandas as pd

#: Name under which all modalities are hidden together, each row and each modality by itself.
EVERY = "every"


def hide(
    frame: pd.DataFrame, columns: str | Sequence[str], rate: float, *, seed: int
) -> pd.DataFrame:
    """Return a copy in which a random share of the rows lacks all of some columns.

    With the same seed a higher rate hides the same rows and more, so that curves are smooth.

    Args:
        frame: The table.
        columns: One modality's columns.
        rate: Share of the rows, from 0 to 1.
        seed: Seed of the choice.

    Raises:
        DataError: A column is not in the table, or the rate is none.

    Example:
        >>> import pandas as pd
        >>> hide(pd.DataFrame({"text": ["a", "b", "c", "d"]}), "text", 0.5, seed=0)["text"].tolist()
        [None, 'b', None, 'd']
    """
    import pandas as pd

    wanted = [columns] if isinstance(columns, str) else list(columns)
    unknown = [column for column in wanted if column not in frame.columns]
    if unknown:
        raise DataError(
            f"expected the column {quote(unknown[0])} to hide, got a table with "
            f"{names(frame.columns)}"
        )
    if not 0 <= rate <= 1:
        raise DataError(f"expected a rate from 0 to 1 to hide, got {rate}")
    order = np.random.default_rng(seed).permutation(len(frame))
    result = frame.copy()
    for column in wanted:
        values = result[column].astype(object).to_numpy(copy=True)
        values[order[: round(rate * len(frame))]] = None
        result[column] = pd.Series(values, index=frame.index, dtype=object)
    return result


def robustness_curve(
    models: Mapping[str, Any],
    X: pd.DataFrame,
    y: Any,
    *,
    modalities: Mapping[str, str | Sequence[str]],
    rates: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    seeds: int = 5,
    score: Callable[[Any, Any], float] | None = None,
) -> pd.DataFrame:
    """Return scores of fitted models against the share of rows that lack a modality.

    Every model sees the same hidden rows, so that differences are paired.

    Args:
        models: Fitted models by name: anything whose `predict` takes a DataFrame in which the
            hidden cells hold None.
        X: Test rows.
        y: Their targets.
        modalities: Columns to hide together, by a name for them. Where there are several, a
            curve called "every" hides each of them by itself at the same rate.
        rates: Shares of the rows to hide.
        seeds: Number of random choices of rows at each rate between 0 and 1.
        score: `score(y, predictions)`, higher is better; None: accuracy.

    Returns:
        Columns model, modality, rate, seed, score: a row for each measurement.

    Example:
        >>> import pandas as pd
        >>> from sklearn.dummy import DummyClassifier
        >>> frame = pd.DataFrame({"text": ["a", "b", "c", "d"]})
        >>> dummy = DummyClassifier().fit(frame, [0, 0, 0, 1])
        >>> curve = robustness_curve({"dummy": dummy}, frame, [0, 0, 0, 1],
        ...     modalities={"text": "text"}, rates=[0.0, 1.0])
        >>> curve["score"].tolist()
        [0.75, 0.75]
    """
    import pandas as pd
    from sklearn.metrics import accuracy_score

    score = score or accuracy_score
    plans: dict[str, list[str | Sequence[str]]] = {
        name: [columns] for name, columns in modalities.items()
    }
    if len(modalities) > 1:
        plans[EVERY] = list(modalities.values())
    rows = []
    for name, groups in plans.items():
        for rate in rates:
            # Nothing and everything can be hidden in one way only.
            for seed in range(seeds if 0 < rate < 1 else 1):
                hidden = X
                for number, columns in enumerate(groups):
                    hidden = hide(hidden, columns, rate, seed=seed + 1000 * number)
                for model_name, model in models.items():
                    value = float(score(y, _predict(model, hidden)))
                    rows.append((model_name, name, float(rate), seed, value))
    return pd.DataFrame(rows, columns=["model", "modality", "rate", "seed", "score"])


def _predict(model: Any, hidden: pd.DataFrame) -> Any:
    with warnings.catch_warnings():
        # Rows without any input are what is measured here.
        warnings.filterwarnings("ignore", message=".*no input in any modality")
        return model.predict(hidden)
