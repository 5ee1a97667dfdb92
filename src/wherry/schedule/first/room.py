"""How much is left where candidates take something.

Letters of shapes: N candidates of a batch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.inventory.columns.layout import ClassColumn
from wherry.schedule.search.compile import Slot
from wherry.schedule.search.found import Batch

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def least_left(columns: Columns, batch: Batch, slots: Sequence[Slot]) -> Floats:
    """Give for each candidate the least fraction of an asked class that it leaves.

    Returns:
        float64[N], 0 to 1; 1 where nothing is asked.

    Cost: O(N x classes asked), no Python loop over candidates.
    """
    least = np.ones(len(batch.rows))
    for (seat, name), asked in _asked(batch, slots).items():
        rows = batch.rows[:, seat]
        trees = columns.trees_of(rows)
        places = rows - columns.first[trees]
        np.minimum(least, _left(columns.classes[name], trees, places, asked), out=least)
    return np.maximum(least, 0.0)


def _asked(batch: Batch, slots: Sequence[Slot]) -> dict[tuple[int, str], int]:
    """Sum up what is asked of each seat, by class."""
    total: dict[tuple[int, str], int] = {}
    for slot, seat in zip(slots, batch.seats, strict=True):
        for name, amount in slot.amounts:
            total[seat, name] = total.get((seat, name), 0) + amount
    return total


def _left(column: ClassColumn, trees: Numbers, places: Numbers, asked: int) -> Floats:
    """Give the fraction of a class that is left on some providers, which have it."""
    entries = _entries(column, trees, places)
    kinds, kind = np.unique(column.limits[entries], return_inverse=True)
    capacity = np.array([column.table[each].capacity for each in kinds.tolist()], np.float64)[kind]
    free = capacity - column.used[entries] - asked
    return np.divide(free, capacity, out=np.zeros(len(free)), where=capacity > 0)


def _entries(column: ClassColumn, trees: Numbers, places: Numbers) -> Numbers:
    """Find the entries of places in trees."""
    start, end = column.start[trees].astype(np.int64), column.start[trees + 1]
    width = int((end - start).max(initial=1))
    every = np.minimum(start[:, None] + np.arange(width), max(len(column.local) - 1, 0))
    found = (column.local[every] == places[:, None]) & (every < end[:, None])
    entries: Numbers = every[np.arange(len(trees)), found.argmax(axis=1)]
    return entries
