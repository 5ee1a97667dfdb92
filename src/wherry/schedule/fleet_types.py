"""The types of a fleet: how many devices offer each, and of how many one more could be made.

What an island offers is worked out once and kept as numbers, so that to count over a fleet is
a sum over its columns.

Letters of shapes: T types, E types of all islands together.

Source: design, sections 4 and 7; docs/reference/targets.md, "Ranking".
"""

from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.interned import Interned
from wherry.inventory.host_columns import HostColumns
from wherry.inventory.islands import Island
from wherry.schedule.recipes import Type, rooms_of


class FleetTypes(NamedTuple):
    """The types of a fleet by number, and their islands."""

    numbers: Mapping[Type, int]
    offering: NDArray[np.int64]
    """[T], islands that offer the type."""
    open: NDArray[np.int64]
    """[T], islands of which one more could be made."""

    @property
    def mix(self) -> NDArray[np.float64]:
        """The share of each type among all that is offered: float64[T]."""
        mix: NDArray[np.float64] = self.offering / max(1, int(self.offering.sum()))
        return mix


class _Entries(NamedTuple):
    """A row for each type of each island."""

    island: NDArray[np.int64]
    type: NDArray[np.int64]
    is_open: NDArray[np.bool_]


_NONE = _Entries(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))


class TypeCounter:
    """Counts the types of a fleet; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._table: Interned[Island] | None = None
        self._known = 0
        self._numbers: dict[Type, int] = {}
        self._entries = _NONE

    def count(self, columns: HostColumns) -> FleetTypes:
        """Count islands by type.

        Cost: O(islands of all hosts) in columns; in Python what of islands is new.
        """
        table = columns.tables.islands
        with self._lock:
            self._follow(table)
            entries, numbers = self._entries, self._numbers
            types = len(numbers)
        times = np.bincount(columns.islands, minlength=len(table))[entries.island]
        return FleetTypes(
            numbers,
            np.bincount(entries.type, times, types).astype(np.int64),
            np.bincount(entries.type, times * entries.is_open, types).astype(np.int64),
        )

    def _follow(self, table: Interned[Island]) -> None:
        if table is not self._table:
            self._table, self._known, self._numbers, self._entries = table, 0, {}, _NONE
        first, self._known = self._known, len(table)
        news = [
            (number, self._number(kind), room > 0)
            for number in range(first, self._known)
            for kind, room in rooms_of(table[number]).items()
        ]
        if news:
            fresh = (np.array(each) for each in zip(*news, strict=True))
            self._entries = _Entries(
                *(np.concatenate(both) for both in zip(self._entries, fresh, strict=True))
            )

    def _number(self, kind: Type) -> int:
        return self._numbers.setdefault(kind, len(self._numbers))
