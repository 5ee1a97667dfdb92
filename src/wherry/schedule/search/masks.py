"""Which providers of some trees could serve each slot: bits, for many trees at once.

A mask is uint64[W, m] for m trees: bit n of word w stands for the provider at place 64 w + n of
its tree.  Words after those of the tree stand for guests, providers that share with it.  All is
computed from the entries of the classes that are asked for, so that cost follows what trees
have of them and not how large they are.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import ClassColumn, Columns
from wherry.schedule.search.compile import Spec, Wanted
from wherry.schedule.search.guests import Guests
from wherry.schedule.search.lookups import Bools, FleetLookups, answers

Mask = NDArray[np.uint64]
Trees = NDArray[np.int64]
ONE, NONE = np.uint64(1), np.uint64(0)
WORD, SHIFT = 64, 6


_BITS = ONE << (np.arange(256, dtype=np.uint64) & np.uint64(WORD - 1))


def bits_of(local: NDArray[Any]) -> Mask:
    """Give the bit of each place in its word."""
    return _BITS.take(local & (len(_BITS) - 1))


class Ranges:
    """Stretches of an array, one for each tree, taken together.

    Attributes:
        index: int64[n]; places in the array.
        single: every stretch is of one place.
    """

    __slots__ = ("_sizes", "_starts", "_trees", "index", "single")

    def __init__(self, start: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        self._sizes = sizes
        self.single = bool((sizes == 1).all())
        self._trees: NDArray[np.int64] | None = None
        if self.single:
            self.index = self._starts = start
            return
        ends = sizes.cumsum()
        self._starts = ends - sizes
        self.index = np.arange(int(ends[-1])) + np.repeat(start - self._starts, sizes)

    def spread(self, each: NDArray[Any]) -> NDArray[Any]:
        """Repeat what belongs to each tree for every place of its stretch."""
        if self.single:
            return each
        if self._trees is None:
            self._trees = np.repeat(np.arange(len(self._sizes)), self._sizes)
        return each[self._trees]

    def join(self, ok: Bools | None, bit: Mask, word: NDArray[Any] | None, words: int) -> Mask:
        """Set the bits of those for which *ok* holds.

        Args:
            ok: bool[n]; None: all.
            bit, word: [n]; the bit of each place and the word that it is in; None: the first.
        """
        if ok is not None:
            bit = np.where(ok, bit, NONE)
        if word is None:
            return self._join(bit)[None, :]
        return np.stack([self._join(np.where(word == n, bit, NONE)) for n in range(words)])

    def _join(self, bits: Mask) -> Mask:
        if self.single:
            return bits
        if self._sizes.all():
            return np.bitwise_or.reduceat(bits, self._starts)
        found = np.zeros(len(self._sizes), np.uint64)
        some = self._sizes.nonzero()[0]
        if len(some):
            found[some] = np.bitwise_or.reduceat(bits, self._starts[some])
        return found


class _Entries:
    """The entries of one class in some trees; each column is read when it is asked for."""

    def __init__(self, column: ClassColumn, trees: Trees, first: NDArray[np.int64]) -> None:
        self._column, self._first = column, first
        start = column.start.take(trees).astype(np.int64)
        self.ranges = Ranges(start, column.start.take(trees + 1) - start)

    @cached_property
    def local(self) -> NDArray[Any]:
        """Place of each in its tree."""
        return self._column.local.take(self.ranges.index)

    @cached_property
    def bit(self) -> Mask:
        """Bit of each in its word."""
        return bits_of(self.local)

    def join(self, ok: Bools | None, words: int) -> Mask:
        """Set the bits of those for which *ok* holds; None: all."""
        word = None if words == 1 else self.local >> SHIFT
        return self.ranges.join(ok, self.bit, word, words)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the providers."""
        rows: NDArray[np.int64] = self.ranges.spread(self._first) + self.local
        return rows

    @cached_property
    def eff(self) -> NDArray[np.int32]:
        """Units that each could give together."""
        return self._column.eff.take(self.ranges.index)

    def takes(self, amount: int, sure: int, units: Bools | None) -> Bools | None:
        """Say of each whether it could give one group so much; None: all of them.

        Args:
            sure: so much some entry of each tree could give.
            units: for each inventory whether one group may ask for so many; None: for all.
        """
        ok = None if self.ranges.single and amount <= sure else self.eff >= amount
        if units is None:
            return ok
        suited = answers(units, self._column.limits.take(self.ranges.index))
        return suited if ok is None else ok & suited


class Block:
    """Some trees of one width, looked at closely.

    Args:
        trees: int64[m].
        words: 64-bit words that hold the places of any of them.
        named: for each provider that ``in_tree`` names, its tree.
        sure: for each class units that some provider of each tree could give.
        guests: who shares with any of them; None: nobody.
    """

    def __init__(
        self,
        columns: Columns,
        trees: Trees,
        words: int,
        *,
        lookups: FleetLookups,
        named: Mapping[str, int],
        sure: Mapping[str, int],
        guests: Guests | None = None,
    ) -> None:
        self._sure = sure
        self._columns, self.trees, self.words = columns, trees, words
        self._lookups = lookups
        self._named, self._guests = named, guests
        self.first = columns.first.take(trees).astype(np.int64)
        self._entries: dict[str, _Entries] = {}
        self._reach: Mask | None = None

    def mask(self, spec: Spec, number: int) -> Mask:
        """Mark the providers that could serve a slot, were it alone.

        Args:
            number: that of the spec in the request.
        """
        own = self._own(spec)
        if spec.in_tree is not None:
            own = np.where(self.trees == self._named[spec.in_tree], own, NONE)
        if self._guests is None:
            return own
        guests = self._with_guests(self._guests, self._guests.serves[number], spec)
        return np.concatenate([own, guests])

    def having(self, either: frozenset[str], classes: Collection[str]) -> Mask:
        """Mark the providers that have one of some traits, of those that have some class."""
        own = np.zeros((self.words, len(self.trees)), np.uint64)
        lookup = self._lookups.traits(Wanted((either,)))
        asked: list[NDArray[np.int64]] = []
        for name in classes:
            if name not in self._columns.classes:
                continue
            entries = self._entries_of(name)
            # Mostly all classes are on the same providers.
            if any(np.array_equal(entries.rows, rows) for rows in asked):
                continue
            asked.append(entries.rows)
            ok = answers(lookup, self._columns.traits.take(entries.rows))
            own |= entries.join(ok, self.words)
        if self._guests is None:
            return own
        guests = self._with_guests(self._guests, self._guests.having(either))
        return np.concatenate([own, guests])

    def holding(self, name: str, amount: int) -> Mask:
        """Mark the providers that could give several groups so much together."""
        own = np.zeros((self.words, len(self.trees)), np.uint64)
        if name in self._columns.classes:
            entries = self._entries_of(name)
            own = entries.join(entries.eff >= amount, self.words)
        if self._guests is None:
            return own
        guests = self._with_guests(self._guests, self._guests.holding(name, amount))
        return np.concatenate([own, guests])

    def _own(self, spec: Spec) -> Mask:
        if not spec.amounts:
            rows, ranges = self._all_rows
            local = rows - ranges.spread(self.first)
            ok = self._stands_right(spec, None, rows, ranges)
            word = None if self.words == 1 else local >> SHIFT
            return ranges.join(ok, bits_of(local), word, self.words)
        masks: list[Mask] = []
        for name, amount in spec.amounts:
            if name not in self._columns.classes:
                return np.zeros((self.words, len(self.trees)), np.uint64)
            entries = self._entries_of(name)
            units = self._lookups.units(name, self._columns.classes[name].table, amount)
            ok = entries.takes(amount, self._sure.get(name, 0), units)
            # What is asked of the provider itself is asked once.
            if not masks and not (spec.traits.is_free and spec.aggregates.is_free):
                ok = self._stands_right(spec, ok, entries.rows, entries.ranges)
            masks.append(entries.join(ok, self.words))
        return reduce(np.bitwise_and, masks)

    def _with_guests(self, guests: Guests, serving: int, spec: Spec | None = None) -> Mask:
        """Mark the guests in reach of each tree, of those that serve."""
        if self._reach is None:
            aggregates = self._columns.tree_aggregates[self.trees]
            self._reach = guests.reach_of(self.trees, aggregates)
        mask = self._reach & guests.as_words(serving)
        if spec is not None and spec.is_spread and spec.aggregates.forbidden:
            root = self._columns.aggregates[self.first]
            stranger = self._lookups.aggregates(Wanted((), spec.aggregates.forbidden))
            mask = np.where(answers(stranger, root), mask, NONE)
        return mask

    def _entries_of(self, name: str) -> _Entries:
        found = self._entries.get(name)
        if found is None:
            found = _Entries(self._columns.classes[name], self.trees, self.first)
            self._entries[name] = found
        return found

    @cached_property
    def _all_rows(self) -> tuple[NDArray[np.int64], Ranges]:
        ranges = Ranges(self.first, self._columns.count.take(self.trees).astype(np.int64))
        return ranges.index, ranges

    def _stands_right(
        self, spec: Spec, ok: Bools | None, rows: NDArray[np.int64], ranges: Ranges
    ) -> Bools | None:
        """Ask for traits and aggregates too."""
        columns = self._columns
        found = [] if ok is None else [ok]
        if not spec.traits.is_free:
            found.append(answers(self._lookups.traits(spec.traits), columns.traits.take(rows)))
        if not spec.aggregates.is_free:
            own = columns.aggregates.take(rows)
            if spec.is_spread:
                found += self._spans(spec.aggregates, own, ranges)
            else:
                found.append(answers(self._lookups.aggregates(spec.aggregates), own))
        return reduce(np.logical_and, found) if found else None

    def _spans(self, wanted: Wanted, own: NDArray[Any], ranges: Ranges) -> Iterator[Bools]:
        """Ask for aggregates where those of the root span the whole tree."""
        root = self._columns.aggregates[self.first]
        if wanted.either:
            lookup = self._lookups.aggregates(Wanted(wanted.either))
            yield answers(lookup, own) | ranges.spread(answers(lookup, root))
        if wanted.forbidden:
            lookup = self._lookups.aggregates(Wanted((), wanted.forbidden))
            yield answers(lookup, own) & ranges.spread(answers(lookup, root))
