"""Rows of different lengths are told apart exactly, whatever their hashes do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.schedule.rows import cut_runs, group_rows, mix

ROWS = st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=12)


def ragged(rows):
    values = np.array([value for row in rows for value in row], np.int32)
    return values, np.array([len(row) for row in rows], np.int64)


def same_for_all(values, places):
    """A hash under which rows of one length always meet."""
    return np.zeros(len(values), np.uint64)


def of_values_alone(values, places):
    """A hash under which rows meet that hold the same in another order."""
    return mix(values, np.zeros(len(values), np.int64))


@pytest.mark.parametrize("mixed_by", [mix, same_for_all, of_values_alone])
@given(rows=ROWS)
def test_rows_have_one_number_exactly_if_they_are_equal(mixed_by, rows):
    groups = group_rows(*ragged(rows), mixed_by)

    numbers = groups.number.tolist()
    for left, a in zip(rows, numbers, strict=True):
        assert rows[groups.first[a]] == left
        for right, b in zip(rows, numbers, strict=True):
            assert (a == b) == (left == right)
    assert len(groups.first) == len({tuple(row) for row in rows})


@given(ROWS, st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_of_equal_neighbours_only_so_many_stay(rows, most):
    values, lengths = ragged(rows)
    stays, left = cut_runs(values, lengths, np.array(most))

    expected = []
    for row in rows:
        cut: list[int] = []
        for value in row:
            if cut[-most[value] :] != [value] * most[value]:
                cut.append(value)
        expected.append(cut)
    assert values[stays].tolist() == [value for row in expected for value in row]
    assert left.tolist() == [len(row) for row in expected]
