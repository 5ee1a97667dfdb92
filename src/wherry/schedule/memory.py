"""What has been found out about islands for one question; the next one like it starts there.

Questions are alike if they ask about equal devices under one policy, whoever's they are.  An
island and a class never change what they mean, so nothing here is ever stale.

Source: design, section 4; specification of compatibility, sections 10 and 13.
"""

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from wherry.compat.judgement import Judgement
from wherry.inventory.columns.interned import Interned
from wherry.inventory.islands import Island
from wherry.model.checks import GuestResponse, ReturnPath, Verdict
from wherry.schedule.pairs import Pairs
from wherry.schedule.recipes import Loss

UNKNOWN = -1
_NONE: NDArray[np.int32] = np.empty(0, np.int32)


class Least(NamedTuple):
    """The first of the offers that are least severe for a contract, in the mode asked about."""

    weight: int
    """Of the verdict: 0 ok, 1 warn, 2 unknown, 3 no."""
    codes: frozenset[str]
    """Of the reasons that stand in the way."""


class IslandAnswer(NamedTuple):
    """What an island gives a guest."""

    judgements: tuple[tuple[Judgement, ...], ...]
    """For each offer of the island, that of each contract; complete."""
    least: tuple[Least, ...]
    """For each contract, how the offer that is least severe for it goes with it."""
    number: int
    """Of its class: the same for islands that give this guest the same."""
    keep: int
    """How many of equal islands on one host can matter: each device of the guest may want
    one for itself, but of those that take none, one tells it all."""


class Found(NamedTuple):
    """What a guest finds at the devices of a host, or at its facts."""

    verdict: Verdict
    codes: frozenset[str]
    """Of all reasons that stand in the way."""
    is_mapped: bool = True
    downtime_ms: int | None = None
    """Of the devices together, if it can be told."""
    places: tuple[tuple[int, int], ...] = ()
    """Of each device: which of the islands that matter it is mapped to, and which offer of it;
    empty where there is no mapping."""
    nearness: float = 0.0
    """How well the NUMA nodes of the devices go with what is asked: from 0 to 1."""


class Memory:
    """Answers on islands, and on what hosts have of them; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.islands: WeakKeyDictionary[Island, IslandAnswer] = WeakKeyDictionary()
        self.seen: WeakKeyDictionary[Island, Island | None] = WeakKeyDictionary()
        """Islands as a question supposes them to be; None where that is as they are."""
        self.pairs = Pairs()
        self.leasts: dict[int, Least] = {}
        """By the number of a pair."""
        self.most: dict[tuple[bytes, ...], dict[str, int]] = {}
        """Units of each class that all devices of the guest could take of islands with these
        shapes."""
        self.founds: list[Found] = []
        """By number; only grows."""
        self.ways: dict[tuple[str, bytes, bytes], ReturnPath] = {}
        """By slot and the digests of the shapes of target and home."""
        self.responses: dict[tuple[tuple[Island, int], ...], GuestResponse] = {}
        """By the islands of a host that can matter with their nodes, of hosts that themselves lack
        nothing."""
        self.losses: WeakKeyDictionary[Island, dict[Hashable, Loss]] = WeakKeyDictionary()
        """By the devices that an island would take."""
        self._found_numbers: dict[Found, int] = {}
        self._by_row: dict[bytes, int] = {}
        self._by_kept: dict[tuple[int, ...], int] = {}
        self._classes: dict[Hashable, int] = {}
        self._keep: list[int] = []
        self._of_table: tuple[Interned[Island] | None, NDArray[np.int32]] = (None, _NONE)
        """A table and the classes of its islands: one value, so that no thread reads halves."""

    def __len__(self) -> int:
        held = (
            self.islands, self._by_row, self._by_kept, self.ways, self.responses, self.pairs,
            self.losses,
        )  # fmt: skip
        return sum(len(each) for each in held)

    def class_of(self, key: Hashable, keep: int) -> int:
        """Number a class of islands, the same for the same key."""
        with self._lock:
            number = self._classes.setdefault(key, len(self._classes))
            if number == len(self._keep):
                self._keep.append(keep)
            return number

    def keeps(self) -> NDArray[np.int64]:
        """Give how many islands of each class on one host can matter, by its number."""
        return np.array(self._keep, np.int64)

    def found_for(self, row: NDArray[np.int32], find: Callable[[list[int]], Found]) -> int:
        """Number what a host finds; worked out the first time.

        Args:
            row: the classes of its islands, in order.
            find: works it out from the places of the islands that can matter.
        """
        key = row.tobytes()
        number = self._by_row.get(key)
        if number is None:
            number = self._by_row[key] = self._for_kept(row.tolist(), find)
        return number

    def keep(self, classes: Sequence[int]) -> list[int]:
        """Choose the islands of a host that can matter, by their place, in order."""
        seen: dict[int, int] = {}
        kept: list[int] = []
        for place, each in enumerate(classes):
            times = seen.get(each, 0)
            if times < self._keep[each]:
                seen[each] = times + 1
                kept.append(place)
        return kept

    def _for_kept(self, classes: list[int], find: Callable[[list[int]], Found]) -> int:
        places = self.keep(classes)
        key = tuple([classes[place] for place in places])
        number = self._by_kept.get(key)
        if number is None:
            number = self._by_kept[key] = self._number(find(places))
        return number

    def _number(self, found: Found) -> int:
        with self._lock:
            number = self._found_numbers.setdefault(found, len(self._found_numbers))
            if number == len(self.founds):
                self.founds.append(found)
            return number

    def classes_in(
        self, table: Interned[Island], present: NDArray[np.bool_], about: Callable[[Island], int]
    ) -> NDArray[np.int32]:
        """Give the class of each island of a table that is present.

        Args:
            table: islands by number.
            present: bool[islands of the table], those that are asked about.
            about: the class of an island, worked out.
        """
        last, known = self._of_table
        if last is not table:
            known = _NONE
        numbers = np.full(max(len(present), len(known)), UNKNOWN, np.int32)
        numbers[: len(known)] = known
        missing = np.flatnonzero(present & (numbers[: len(present)] == UNKNOWN))
        if len(missing):
            numbers[missing] = [about(table[place]) for place in missing.tolist()]
            # Another thread's may replace it: then some are looked up once more.
            self._of_table = table, numbers
        return numbers
