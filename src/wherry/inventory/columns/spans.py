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


def find(column: NDArray[Any], start: NDArray[Any], end: NDArray[Any], wanted: Numbers) -> Numbers:
    """Find a number in each of many rising stretches: its place in the column, -1 if not there."""
    low, high = start.astype(np.int64), end.astype(np.int64)
    while (on := low < high).any():
        middle = (low + high) // 2
        below = on & (column.take(middle, mode="clip") < wanted)
        low = np.where(below, middle + 1, low)
        high = np.where(on & ~below, middle, high)
    there = low < end
    if len(column):
        there &= column.take(low, mode="clip") == wanted
    return np.where(there, low, -1)
