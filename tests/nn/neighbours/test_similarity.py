import math

import pytest
import torch

from mmgraph.nn.neighbours.similarity import NEVER, RowVectors, nearest, similarity

EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]
HALF = [0.5, math.sqrt(0.75)]


def rows_of(first, second, has=None):
    vectors = tuple(torch.tensor(x) for x in (first, second))
    has = [[True, True]] * len(first) if has is None else has
    return RowVectors(vectors, torch.tensor(has))


def test_similarity_by_hand():
    some = rows_of([EAST], [NORTH])
    others = rows_of([EAST, HALF, WEST], [NORTH, EAST, NORTH])
    alike = similarity(some, others, torch.tensor([4.0, 2.0]))
    assert alike[0].tolist() == pytest.approx([6.0, 2.0, -2.0], abs=1e-6)


def test_rows_are_compared_by_what_both_have():
    some = rows_of([EAST, EAST], [NORTH, NORTH], [[True, True], [False, True]])
    others = rows_of([HALF] * 3, [NORTH] * 3, [[True, True], [True, False], [False, True]])
    alike = similarity(some, others, torch.tensor([4.0, 2.0]))
    # All weight goes to the modalities that both have.
    assert alike[0].tolist() == pytest.approx([4.0, 3.0, 6.0], abs=1e-6)
    assert alike[1].tolist() == pytest.approx([6.0, NEVER, 6.0], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_row_finds_its_own_group(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.normalize(torch.randn(40, 3, generator=generator), dim=1)
    rows = RowVectors((x,), torch.ones(40, 1, dtype=torch.bool))
    group = torch.randint(0, 12, (40,), generator=generator)
    alike, found = nearest(rows, rows, torch.tensor([5.0]), 10, apart=(group, group))
    real = alike > NEVER / 2
    assert real.any(1).all()
    assert not (real & (group[found] == group.unsqueeze(1))).any()
    assert not (real & (found == torch.arange(40).unsqueeze(1))).any()


def test_the_search_is_exact_and_its_blocks_do_not_matter(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(50, 4, generator=generator), dim=1)
    rows = RowVectors((x,), torch.ones(50, 1, dtype=torch.bool))
    alike, found = nearest(rows, rows, torch.tensor([2.0]), 3)
    torch.testing.assert_close(alike, (2 * x @ x.T).sort(descending=True).values[:, :3])
    assert found[:, 0].tolist() == list(range(50))
    monkeypatch.setattr("mmgraph.nn.neighbours.similarity._AT_ONCE", 170)
    again, same = nearest(rows, rows, torch.tensor([2.0]), 3)
    torch.testing.assert_close(again, alike)
    assert same.tolist() == found.tolist()


def test_fewer_rows_than_asked_for_are_all_found():
    rows = rows_of([EAST, NORTH], [EAST, NORTH])
    assert nearest(rows, rows, torch.ones(2), 10)[1].shape == (2, 2)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_the_largest_are_found_in_groups_as_without(missing, monkeypatch):
    generator = torch.Generator().manual_seed(1)

    def some(count):
        x = torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=1)
        y = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=1)
        return RowVectors((x, y), torch.rand(count, 2, generator=generator) >= missing)

    queries, rows = some(40), some(1303)
    sharpness = torch.tensor([2.0, 3.0])
    expected = similarity(queries, rows, sharpness).topk(5, dim=1).values
    alike, found = nearest(queries, rows, sharpness, 5)  # 1303 > 4 * 64 * 5
    torch.testing.assert_close(alike, expected)
    again = similarity(queries, rows, sharpness).gather(1, found)
    torch.testing.assert_close(alike, again)


def test_neighbours_alone_are_those_in_a_batch():
    generator = torch.Generator().manual_seed(2)
    x = torch.nn.functional.normalize(torch.randn(500, 8, generator=generator), dim=1)
    rows = RowVectors((x,), torch.ones(500, 1, dtype=torch.bool))
    alike, found = nearest(rows[:64], rows, torch.tensor([6.0]), 9)
    for place in range(0, 64, 7):
        one, same = nearest(rows[place : place + 1], rows, torch.tensor([6.0]), 9)
        assert same[0].tolist() == found[place].tolist()
        torch.testing.assert_close(one[0], alike[place], atol=1e-6, rtol=0)
