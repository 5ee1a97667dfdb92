"""Answers about interned values, by their numbers: asked once for each value, then looked up.

Tables only grow, and may do so while a search runs.  A look-up therefore ends with one more
answer, that for all numbers it does not know.
"""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns, Interned, LimitsTable

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


class UnitLookups:
    """Whether one group may ask for so many units, for each inventory of a class."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[LimitsTable, int, Bools | None]] = {}

    def __call__(self, name: str, table: LimitsTable, amount: int) -> Bools | None:
        """Give bool[V + 1] as `Lookups` does; None: every inventory takes so many."""
        kept = self._kept.get((name, amount))
        if kept is not None and kept[0] is table and kept[1] == len(table):
            return kept[2]
        fits: Bools = (table.min_unit <= amount) & (amount % table.step_size == 0)
        found = None if fits.all() else np.append(fits, False)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[name, amount] = (table, len(fits), found)
        return found


class FleetLookups:
    """The look-ups of one fleet: over sets of traits and of aggregates, and over inventories."""

    def __init__(self, columns: Columns) -> None:
        self.traits = Lookups(columns.trait_sets)
        self.aggregates = Lookups(columns.aggregate_sets)
        self.units = UnitLookups()
