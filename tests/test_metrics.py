import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import DataError, default_metrics, evaluate_predictions
from mmgraph.datasets.base import TaskKind


def score(name, *values, **options):
    return evaluate_predictions([name], *values, **options)[name]


# Of class a: 2 rows, 1 found, 1 wrongly. Of b: 2 rows, 1 found, 2 wrongly. Of c: 1 row, none.
TRUTH, PREDICTED = ["a", "a", "b", "b", "c"], ["a", "b", "b", "a", "b"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 2 / 5),
        ("micro_f1", 2 / 5),
        # Precision 1/2, 1/3, 0 and recall 1/2, 1/2, 0 give F1 1/2, 2/5, 0.
        ("macro_f1", (1 / 2 + 2 / 5 + 0) / 3),
        ("weighted_f1", (2 * 1 / 2 + 2 * 2 / 5 + 0) / 5),
        ("weighted_precision", (2 * 1 / 2 + 2 * 1 / 3 + 0) / 5),
        ("weighted_recall", 2 / 5),
    ],
)
def test_classes(name, expected):
    assert score(name, TRUTH, PREDICTED) == pytest.approx(expected)
    numbered = [[ord(each) for each in values] for values in (TRUTH, PREDICTED)]
    assert score(name, *numbered) == pytest.approx(expected)


SETS = [{"x", "y"}, {"x"}, set(), ["y"]]
TABLE = np.array([[1, 0], [1, 1], [0, 0], [0, 0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 1 / 4),
        # x: 2 of 2 found, none wrongly; y: 0 of 2 found, 1 wrongly.
        ("macro_f1", (1 + 0) / 2),
        ("micro_f1", 2 * 2 / (2 * 2 + 1 + 2)),
        ("weighted_f1", (2 * 1 + 2 * 0) / 4),
        ("samples_f1", (2 / 3 + 2 / 3 + 1 + 0) / 4),
    ],
)
def test_labels(name, expected):
    assert score(name, SETS, TABLE, classes=["x", "y"]) == pytest.approx(expected)
    as_sets = [{"x"}, {"x", "y"}, [], []]
    assert score(name, SETS, as_sets) == pytest.approx(expected)
    truth = np.array([[1, 1], [1, 0], [0, 0], [0, 1]])
    assert score(name, truth, TABLE) == pytest.approx(expected)


def test_labels_that_training_never_had_are_missed():
    truth = [{"x"}, {"x", "new"}]
    assert score("macro_f1", truth, np.array([[1], [1]]), classes=["x"]) == 1 / 2
    assert score("accuracy", truth, np.array([[1], [1]]), classes=["x"]) == 1 / 2


def test_log_loss_and_calibration_error():
    given = {"probabilities": [[0.8, 0.2], [0.6, 0.4]], "classes": np.array(["a", "b"])}
    found = score("log_loss", ["a", "b"], ["a", "a"], **given)
    assert found == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    # Said to be right by .8 and .6, in bins of their own; right and wrong.
    assert score("ece", ["a", "b"], ["a", "a"], **given) == pytest.approx((0.2 + 0.6) / 2)
    # A class that was never learnt got no probability.
    lost = score("log_loss", ["a", "c"], ["a", "a"], **given)
    assert lost == pytest.approx(-(np.log(0.8) + np.log(1e-7)) / 2)


def test_log_loss_and_calibration_error_of_labels():
    given = {"probabilities": [[0.9, 0.3]], "classes": np.array(["a", "b"])}
    found = score("log_loss", [["a"]], [["a"]], **given)
    assert found == pytest.approx(-(np.log(0.9) + np.log(0.7)) / 2)
    assert score("ece", [["a"]], [["a"]], **given) == pytest.approx((0.1 + 0.3) / 2)


def test_root_mean_squared_error():
    assert score("rmse", [0.0, 0.0], [3.0, 4.0]) == pytest.approx(np.sqrt(12.5))


def test_auroc():
    # Of the pairs of a row of class 1 and one of class 0, three of four are in order.
    p = np.array([0.1, 0.6, 0.4, 0.9])
    both = np.stack([1 - p, p], 1)
    given = {"probabilities": both, "classes": [0, 1]}
    assert score("auroc", [0, 0, 1, 1], [0, 1, 0, 1], **given) == 3 / 4
    # Right decisions have 0.9 0.4 0.4 0.9, wrong ones 0.1 0.6 0.6 0.1: 16 - 4 of 16 pairs.
    assert score("micro_auroc", [0, 0, 1, 1], [0, 1, 0, 1], **given) == pytest.approx(12 / 16)
    # Three classes: 1, 1/2 (a tie) and 1, one against the rest.
    p = np.array([[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.1, 0.3, 0.6]])
    given = {"probabilities": p, "classes": ["a", "b", "c"]}
    # b: its row has 0.3; the others 0.1 (below) and 0.3 (a tie): 3/4.
    mean = (1 + 3 / 4 + 1) / 3
    assert score("auroc", ["a", "b", "c"], ["a", "b", "c"], **given) == pytest.approx(mean)
    p = np.array([[0.9, 0.2], [0.1, 0.6]])
    given = {"probabilities": p, "classes": ["x", "y"]}
    assert score("auroc", [["x"], ["y"]], p > 0.5, **given) == 1


NUMBERS = np.array([-2.6, -1.0, 0.0, 0.4, 3.0])
GUESSES = np.array([-3.4, 0.2, -0.1, 0.6, 2.4])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mae", (0.8 + 1.2 + 0.1 + 0.2 + 0.6) / 5),
        # -3 -1 0 0 3 against -3 0 0 1 2: the first and third.
        ("acc7", 2 / 5),
        # - - + + + against - + - + +.
        ("acc2_has0", 3 / 5),
        # Without the zero: - - + + against - + + +.
        ("acc2_non0", 3 / 4),
        # Positive: 2 of 3 found, 1 wrongly; negative: 1 of 2 found, 1 wrongly.
        ("f1_has0", (3 * 2 / 3 + 2 * 1 / 2) / 5),
        # Positive: 2 of 2, 1 wrongly: 4/5; negative: 1 of 2, none wrongly: 2/3.
        ("f1_non0", (2 * 4 / 5 + 2 * 2 / 3) / 4),
    ],
)
def test_numbers(name, expected):
    assert score(name, NUMBERS, GUESSES) == pytest.approx(expected)


def test_correlation():
    # Deviations -1 0 1 and -2 1 1: 3 / sqrt(2 × 6).
    assert score("correlation", [1, 2, 3], [0, 3, 3]) == pytest.approx(3 / math.sqrt(12))
    assert math.isnan(score("correlation", [1, 2, 3], [2, 2, 2]))


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=20).filter(lambda x: any(x)))
def test_true_numbers_score_best(numbers):
    names = ["mae", "acc7", "acc2_has0", "acc2_non0", "f1_has0", "f1_non0"]
    assert evaluate_predictions(names, numbers, numbers) == dict(
        zip(names, [0, 1, 1, 1, 1, 1], strict=True)
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_micro_f1_of_classes_is_their_accuracy(pairs):
    truth, predicted = zip(*pairs, strict=True)
    scores = evaluate_predictions(["accuracy", "micro_f1", "weighted_recall"], truth, predicted)
    assert len({round(value, 9) for value in scores.values()}) == 1


@pytest.mark.parametrize(
    ("name", "values", "options", "message"),
    [
        ("f1", (["a"], ["a"]), {}, "there is no metric 'f1'; there are: accuracy, macro_f1"),
        ("accuracy", (["a", "b"], ["a"]), {}, "as many predictions as true values, got 1 and 2"),
        ("accuracy", ([1.0, np.nan], [1, 1]), {}, r"row 1: expected a true value.*\(1 of 2 rows"),
        ("accuracy", (["a", None], ["a", "a"]), {}, "row 1: expected a true value"),
        ("micro_f1", ([["a"], None], [["a"], []]), {}, "row 1: expected a set of labels"),
        ("micro_f1", (["a"], np.eye(1)), {"classes": ["a"]}, "row 0: expected a set of labels"),
        ("accuracy", (["1"], [1]), {}, "of one type, got '1' and 1"),
        ("accuracy", ([0.5], [0.5]), {}, "for classes, got fractions"),
        ("samples_f1", (["a"], ["a"]), {}, "samples_f1 is for sets of labels"),
        ("mae", (["a"], ["a"]), {}, "for numbers, got 'a'"),
        ("mae", (np.eye(2), np.eye(2)[:, :1]), {}, "tables of one shape"),
        ("acc2_non0", ([0.0], [1.0]), {}, "not 0"),
        ("micro_f1", ([{"a"}], np.eye(1)), {}, "expected classes= with the names of 1 columns"),
        ("micro_f1", (np.eye(2), np.eye(3)), {}, "tables of one shape"),
        ("auroc", (["a", "b"], ["a", "b"]), {}, "auroc needs probabilities="),
        (
            "auroc",
            (["a", "a"], ["a", "a"]),
            {"probabilities": np.eye(2), "classes": ["a", "b"]},
            "auroc needs rows of class 'b' and rows of others",
        ),
        ("auroc", (["a"], ["a"]), {"probabilities": [0.5]}, r"probabilities \[1 rows, classes\]"),
        (
            "auroc",
            (["a"], ["a"]),
            {"probabilities": [[0.5]], "classes": ["a", "b"]},
            "a probability for each of 2 classes, got 1",
        ),
    ],
)
def test_mistakes_are_told(name, values, options, message):
    with pytest.raises(DataError, match=message):
        score(name, *values, **options)


@pytest.mark.parametrize("task", TaskKind.__args__)
def test_every_task_has_metrics(task):
    values = {
        "multiclass": (["a", "b"], ["a", "b"]),
        "multilabel": ([["a"], ["b"]], [["a"], ["b"]]),
        "regression": ([0.0, 1.0], [0.0, 1.0]),
    }[task]
    assert set(evaluate_predictions(default_metrics(task), *values)) == set(default_metrics(task))


def test_published_labels_of_a_column_with_others():
    truth = np.array([0, 1, 1, None], dtype=object)[:3]
    assert evaluate_predictions(["accuracy"], truth, np.array([0, 1, 0])) == {"accuracy": 2 / 3}
