"""Rows of different lengths, told apart: which hosts have the same in the same order.

Letters of shapes: N rows, M values of all rows together, G distinct rows.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Groups(NamedTuple):
    """Equal rows under one number."""

    number: NDArray[np.int64]
    """[N], of each row: 0 to G - 1."""
    first: NDArray[np.int64]
    """[G], a row of each number."""


Hash = Callable[[NDArray[np.integer], NDArray[np.int64]], NDArray[np.uint64]]
"""Values [M] and their places in their rows to what is added up for each row."""


def mix(values: NDArray[np.integer], places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Mix each value with its place, so that sums of few of them hardly ever meet.

    Source: the finalizer of splitmix64 (Steele, Lea, Flood, 2014).
    """
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += places.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def group_rows(
    values: NDArray[np.integer], lengths: NDArray[np.int64], mixed_by: Hash = mix
) -> Groups:
    """Put equal rows together.

    Args:
        values: [M], those of the first row first.
        lengths: [N], of each row; 0 is a row as any other.
        mixed_by: the hash; that equal rows are equal does not hang on it.

    Cost: O(M + N log N), no Python loop over rows unless two hashes meet.
    """
    starts = np.cumsum(lengths) - lengths
    hashes = lengths.astype(np.uint64)
    full = np.flatnonzero(lengths)
    if len(full):
        places = np.arange(len(values)) - np.repeat(starts, lengths)
        hashes[full] += np.add.reduceat(mixed_by(values, places), starts[full])
    _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    if _are_equal(values, lengths, starts, first[number]):
        return Groups(number, first)
    return _group_plainly(values, lengths, starts)


def _are_equal(
    values: NDArray[np.integer],
    lengths: NDArray[np.int64],
    starts: NDArray[np.int64],
    others: NDArray[np.int64],
) -> bool:
    """Whether each row is equal to another one."""
    if not np.array_equal(lengths, lengths[others]):
        return False
    places = np.arange(len(values)) + np.repeat(starts[others] - starts, lengths)
    return np.array_equal(values, values[places])


def _group_plainly(
    values: NDArray[np.integer], lengths: NDArray[np.int64], starts: NDArray[np.int64]
) -> Groups:
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    number = np.empty(len(lengths), np.int64)
    for row, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        key = values[start : start + length].tobytes()
        if key not in numbers:
            numbers[key] = len(first)
            first.append(row)
        number[row] = numbers[key]
    return Groups(number, np.array(first, np.int64))


def cut_runs(
    values: NDArray[np.int32], lengths: NDArray[np.int64], most: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Leave of equal neighbours in a row no more than the value allows.

    Args:
        values: [M], those of the first row first.
        lengths: [N], of each row.
        most: by value.

    Returns:
        bool[M], what stays, and int64[N], how much of each row.
    """
    if not len(values):
        return np.ones(0, np.bool_), lengths
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    starts = np.cumsum(lengths) - lengths
    begins[starts[lengths > 0]] = True
    places = np.arange(len(values))
    run_starts = np.maximum.accumulate(np.where(begins, places, 0))
    stays = places - run_starts < most[values]
    left = np.concatenate([[0], np.cumsum(stays)])
    return stays, left[starts + lengths] - left[starts]
