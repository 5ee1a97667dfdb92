"""What a search gives: rows of candidates in arrays, those of one form together."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.model.errors import AnswerTooLarge
from wherry.schedule.candidates.candidate import Candidate
from wherry.schedule.search.compile import Compiled
from wherry.schedule.search.grounds import Field, Patch
from wherry.schedule.search.guests import Guests
from wherry.schedule.search.masks import Trees
from wherry.schedule.search.placing import Way

MOST_NAMED = 1 << 23
"""Providers that the candidates of one answer name: about a gigabyte on the wire."""
Seats = tuple[int, ...]
"""For each slot of a request the number of the provider that it sits on; from 0, without gaps,
in the order of the slots."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Candidates that are kept beyond a search, one of each tree; never written to.

    Attributes:
        trees: int64[M], rising.
        rows: int64[M, S]; row of each provider.
        made: what has been made of all of them, by what it is; is kept as long as they are.
    """

    trees: Trees
    rows: NDArray[np.int64]
    made: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """N candidates in which the same slots sit together, on S providers.

    Attributes:
        rows: int64[N, S]; row of each provider.
        order: int64[N], rising; places of the candidates in the whole answer.
        trees: int64[N]; the tree that each is anchored in.
        part: of which these are the first N, from *begin* on and round; None: of nothing kept.
    """

    seats: Seats
    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    trees: Trees
    part: Part | None = None
    begin: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Candidates in columns, and what they were found for."""

    columns: Columns
    compiled: Compiled
    batches: tuple[Batch, ...]
    is_shared: bool
    """Whether providers of other trees than the anchor's may be among the rows."""

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return sum(len(batch.rows) for batch in self.batches)

    def candidates(self) -> Iterator[Candidate]:
        """Give them one by one, in order."""
        every = [
            (place, number, batch)
            for batch in self.batches
            for number, place in enumerate(batch.order.tolist())
        ]
        for _, number, batch in sorted(every, key=lambda each: each[0]):
            yield self._candidate(batch, number)

    def _candidate(self, batch: Batch, number: int) -> Candidate:
        uuids = [self.columns.uuid(row) for row in batch.rows[number].tolist()]
        allocations: dict[str, dict[str, int]] = {}
        mappings: dict[str, set[str]] = {}
        for slot, seat in zip(self.compiled.slots, batch.seats, strict=True):
            mappings.setdefault(slot.suffix, set()).add(uuids[seat])
            for name, amount in slot.amounts:
                resources = allocations.setdefault(uuids[seat], {})
                resources[name] = resources.get(name, 0) + amount
        return Candidate(
            allocations=allocations,
            mappings={suffix: tuple(sorted(each)) for suffix, each in mappings.items()},
            anchor=self.columns.uuid(int(self.columns.first[batch.trees[number]])),
        )


class Collector:
    """Gathers ways in their order, at most so many as are asked for.

    Args:
        limit: most to take; None: all.
        guests: who may come up in several trees, and counts once.
        most: providers that all candidates together may name.
    """

    def __init__(
        self, columns: Columns, limit: int | None, *, guests: Guests | None, most: int = MOST_NAMED
    ) -> None:
        self._columns, self._guests = columns, guests
        self._most, self._named = most, 0
        self._room = limit
        self._count = 0
        self._parts: dict[Seats, list[tuple[Trees, NDArray[np.int64], int]]] = {}
        self._sharing = frozenset(() if guests is None else guests.rows)
        self._seen: set[tuple[int, ...]] = set()

    @property
    def room(self) -> int | None:
        """How many more are taken; None: any number."""
        return self._room

    def is_full(self) -> bool:
        """Whether no more is taken."""
        return self._room == 0

    def add_firsts(self, field: Field, ways: Sequence[Way | None]) -> None:
        """Take one way in each tree, as far as there is room.

        Args:
            ways: for each ground of the field; None: there is none.
        """
        if self._guests is not None:
            for patch, way in zip(field.patches(), ways, strict=True):
                if way is not None:
                    self.add(patch, way)
            return
        known: dict[Seats, int] = {}
        parts = [((), ()) if way is None else split(way) for way in ways]
        forms = np.array([known.setdefault(seats, len(known)) for seats, _ in parts])
        for seats, form in known.items():
            if not seats:
                continue
            places = np.array([places for each, places in parts if each == seats], np.int64)
            trees, which = field.trees, field.which
            if len(known) > 1:
                some = (forms == form)[which]
                trees, which = trees[some], which[some]
            number = np.cumsum(forms == form) - 1
            self._put(seats, trees, places[number[which]])

    def add(self, patch: Patch, way: Way) -> None:
        """Take one way in each tree of a patch, as far as there is room."""
        seats, places = split(way)
        trees = patch.trees
        if self._guests is not None:
            guests = self._guests.rows
            places = tuple(
                place if place < patch.own else ~guests[place - patch.own] for place in places
            )
            trees = self._unseen(trees, [places[seat] for seat in seats])
        self._put(seats, trees, np.array([places], np.int64))

    def _put(self, seats: Seats, trees: Trees, places: NDArray[np.int64]) -> None:
        """Take trees with places: int64[m, S], or int64[1, S] for all of them."""
        if self._room is not None:
            if len(trees) > self._room:
                trees, places = trees[: self._room], places[: self._room]
            self._room -= len(trees)
        if len(trees):
            self._parts.setdefault(seats, []).append((trees, places, self._count))
            self._count += len(trees)
            self._named += trees.size * places.shape[1]
            if self._named > self._most:
                raise AnswerTooLarge(most=self._most)

    def _unseen(self, trees: Trees, places: list[int]) -> Trees:
        """Leave out what was found from another anchor before: what guests serve alone."""
        first = self._columns.first
        kept = []
        for tree in trees.tolist():
            at = int(first[tree])
            rows = tuple(at + place if place >= 0 else ~place for place in places)
            if self._sharing.issuperset(rows):
                if rows in self._seen:
                    continue
                self._seen.add(rows)
            kept.append(tree)
        return np.array(kept, np.int64)

    def found(self, compiled: Compiled) -> Found:
        """Give all that was taken."""
        batches = []
        for seats, parts in self._parts.items():
            sizes = np.array([len(trees) for trees, _, _ in parts])
            trees = np.concatenate([trees for trees, _, _ in parts])
            starts = np.array([start for _, _, start in parts])
            order = np.arange(len(trees)) + (starts - (sizes.cumsum() - sizes)).repeat(sizes)
            places = np.concatenate([_fill(places, len(trees)) for trees, places, _ in parts])
            rows = places + self._columns.first[trees].astype(np.int64)[:, None]
            if self._guests is not None:
                rows = np.where(places < 0, ~places, rows)
            batches.append(Batch(seats=seats, rows=rows, order=order, trees=trees))
        return Found(
            columns=self._columns, compiled=compiled, batches=tuple(batches),
            is_shared=self._guests is not None,
        )  # fmt: skip


def _fill(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Repeat one row of places for all trees of a part."""
    return places if len(places) == size else places.repeat(size, axis=0)


@lru_cache(maxsize=4096)
def split(way: Way) -> tuple[Seats, tuple[int, ...]]:
    """Say which slots sit together, and on which places."""
    numbers: dict[int, int] = {}
    seats = tuple(numbers.setdefault(place, len(numbers)) for place in way)
    return seats, tuple(numbers)
