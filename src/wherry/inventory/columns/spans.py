"""Many short stretches of columns at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def spread(start: NDArray[Any], count: NDArray[Any]) -> Numbers:
    """List the members of stretches, one after the other: int64[sum(count)]."""
    ends = np.cumsum(count, dtype=np.int64)
    size = int(ends[-1]) if len(ends) else 0
    offsets = start.astype(np.int64) - (ends - count)
    members: Numbers = np.arange(size) + np.repeat(offsets, count)
    return members


def part(values: NDArray[Any], start: Numbers, count: Numbers) -> tuple[Numbers, Numbers]:
    """Part stretches, none of them empty, by what stands in them, in order.

    Returns:
        int64[K]: one stretch of each kind; int64[N]: the kind of each stretch.
    """
    members = spread(start, count)
    first = np.cumsum(count) - count
    mixed = values[members].astype(np.uint64) + np.uint64(1)
    mixed *= (np.arange(len(members)) - np.repeat(first, count) + 1).astype(np.uint64) * _ODD
    mixed ^= mixed >> np.uint64(32)
    mixed *= _ODD
    mixed ^= mixed >> np.uint64(29)
    sums = np.add.reduceat(mixed, first) if len(first) else mixed
    _, heads, kind = np.unique(sums, return_index=True, return_inverse=True)
    like = heads[kind]
    if (count[like] == count).all() and (
        values[spread(start[like], count)] == values[members]
    ).all():
        return heads, kind
    # Two kinds came to one sum: tell them apart by what stands in them.
    numbers: dict[tuple[int, ...], int] = {}
    kinds, firsts = [], []
    for at, (begin, size) in enumerate(zip(start.tolist(), count.tolist(), strict=True)):
        key = tuple(values[begin : begin + size].tolist())
        if key not in numbers:
            numbers[key] = len(numbers)
            firsts.append(at)
        kinds.append(numbers[key])
    return np.array(firsts, np.int64), np.array(kinds, np.int64)


_ODD = np.uint64(0x9E3779B97F4A7C15)
