import numpy as np
import pytest
import torch

from mmgraph.explain.samples import read_samples

#: Rows with holes of all kinds; there is nothing in row 5.
ROWS = [2, 3, 5, 8, 18, 21]


@pytest.fixture(scope="module")
def samples(mixed, fitted):
    return dict(zip(ROWS, read_samples(fitted, mixed[0].iloc[ROWS]), strict=True))


def relevant(fitted, logits):
    return fitted.model_.task.relevant(logits)


def test_all_units_are_the_row_and_none_are_the_prior(mixed, fitted, samples):
    with_input = [row for row in ROWS if row != 5]
    logits = np.log(fitted.predict_proba(mixed[0].iloc[with_input]))
    expected = logits - logits.mean(1, keepdims=True)
    for sample, row in zip([samples[row] for row in with_input], expected, strict=True):
        everything = torch.ones(2, sample.units, dtype=torch.bool)
        everything[1] = False
        logits = sample.subsets(everything)
        np.testing.assert_allclose(sample.logits.numpy(), row, atol=1e-4)
        torch.testing.assert_close(logits[0], sample.logits, atol=1e-5, rtol=0)
        prior = relevant(fitted, fitted.model_.task.prior.unsqueeze(0))[0]
        torch.testing.assert_close(logits[1], prior)


def test_gates_of_one_change_nothing(samples):
    for sample in samples.values():
        logits = sample.faded(torch.ones(2, sample.units))
        torch.testing.assert_close(logits, sample.logits.repeat(2, 1), atol=1e-5, rtol=0)


def test_faded_rows_in_a_batch_are_as_alone(samples):
    gate = torch.rand(3, samples[8].units)
    together = samples[8].faded(gate)
    alone = torch.cat([samples[8].faded(row.unsqueeze(0)) for row in gate])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_units_count_every_node(samples):
    sample = samples[2]  # two photos, no text, a clip, no film, price, no city, vectors
    assert sample.counts["photos"] == 2 * 4
    assert (sample.counts["texts"], sample.counts["film"], sample.counts["vectors"]) == (0, 0, 3)
    assert sample.units == sum(sample.counts.values()) == len(sample.unit_items)
    assert sample.unit_items[3:5] == [("photos", 0), ("photos", 1)]


def test_an_item_less_is_a_row_with_an_item_less(mixed, fitted, samples):
    frame, _ = mixed
    number = next(row for row in ROWS if len(frame["photos"].iloc[row] or []) == 2)
    second_gone = torch.tensor([[each != ("photos", 1) for each in samples[number].unit_items]])
    row = frame.iloc[[number]].copy()
    row.at[row.index[0], "photos"] = row["photos"].iloc[0][:1]
    logits = torch.from_numpy(np.log(fitted.predict_proba(row)))
    got = samples[number].subsets(second_gone)
    torch.testing.assert_close(got, relevant(fitted, logits), atol=1e-4, rtol=0)


def test_shares_are_the_linear_model(fitted, samples):
    model = fitted.model_
    for sample in samples.values():
        with torch.no_grad():
            logits = model.linear(sample.batch)[0] - model.linear.offset
            has = torch.tensor([sample.counts[name] > 0 for name in model.linear.pooled])
            bias = model.linear.bias if has.all() else model.linear.alone_bias[has].mean(0)
        if not has.any():
            continue
        expected = relevant(fitted, (model.weights[0] * (logits - bias)).unsqueeze(0))[0]
        torch.testing.assert_close(sample.linear.sum(0), expected, atol=1e-4, rtol=0)
