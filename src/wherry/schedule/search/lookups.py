"""Answers about interned values, by their numbers: asked once for each value, then looked up.

Tables only grow, and may do so while a search runs.  A look-up therefore ends with one more
answer, that for all numbers it does not know.
"""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Interned, LimitsTable

T = TypeVar("T", bound=Hashable)
Bools = NDArray[np.bool_]
KEPT = 512


class Lookups(Generic[T]):
    """Yes or no for each value of one table, kept for the questions asked last."""

    def __init__(self, table: Interned[T]) -> None:
        self._table = table
        self._kept: dict[Callable[[T], bool], Bools] = {}

    def __call__(self, question: Callable[[T], bool], *, unknown: bool = False) -> Bools:
        """Give bool[V + 1]: for each value, and what counts for those that came meanwhile."""
        known = self._kept.get(question)
        size = len(self._table)
        if known is None or len(known) <= size:
            before = [] if known is None else known[:-1].tolist()
            values = self._table.values[len(before) : size]
            known = np.array([*before, *(question(value) for value in values), False], bool)
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[question] = known
        if not unknown:
            return known
        open_ended = known.copy()
        open_ended[-1] = True
        return open_ended


def answers(lookup: Bools, ids: NDArray[Any]) -> Bools:
    """Look numbers up; those beyond the table get its last answer."""
    found: Bools = lookup.take(ids, mode="clip")
    return found


def suits_units(table: LimitsTable, amount: int) -> Bools | None:
    """Say for each inventory whether one group may ask for so many; None: for each it may."""
    fits: Bools = (table.min_unit <= amount) & (amount % table.step_size == 0)
    return None if fits.all() else np.append(fits, False)
