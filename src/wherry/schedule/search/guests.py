"""Providers that share with trees they do not stand in, as far as a request has use for them.

A provider with the trait ``MISC_SHARES_VIA_AGGREGATE`` serves every tree that has a member in
one of its aggregates.  There are few of them, so they are looked at one by one.

Source: Placement's guide, "Sharing Resource Providers".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns, Interned
from wherry.model.provider import Provider
from wherry.schedule.search.compile import Compiled, Spec

WORD = 64
_WORD = (1 << WORD) - 1


class Guests:
    """Who shares, by numbers: guest n is bit n of a mask.

    Attributes:
        rows: row of each.
        trees: tree of each.
        serves: for each spec of the request the guests that could serve it; for the group
            without a suffix where the aggregates of the anchor do not forbid it.
        words: 64-bit words of a mask.
    """

    def __init__(
        self,
        found: Sequence[tuple[int, int, Provider]],
        serves: tuple[int, ...],
        sets: Interned[frozenset[str]],
    ) -> None:
        self.rows = tuple(row for row, _, _ in found)
        self.trees = tuple(tree for _, tree, _ in found)
        self.serves = serves
        self.words = -(-len(found) // WORD)
        self._providers = tuple(provider for _, _, provider in found)
        self._reach = self._look_up(sets)
        self._home: dict[int, int] = {}
        for number, tree in enumerate(self.trees):
            self._home[tree] = self._home.get(tree, 0) | 1 << number

    @property
    def aggregates(self) -> frozenset[str]:
        """Any of these leads to a guest."""
        return frozenset[str]().union(*(each.aggregates for each in self._providers))

    def having(self, either: frozenset[str]) -> int:
        """The guests that have one of some traits."""
        return _mask(not either.isdisjoint(each.traits) for each in self._providers)

    def holding(self, name: str, amount: int) -> int:
        """The guests that could give several groups so much together."""
        return _mask(
            name in each.inventories and each.holds(name, amount) for each in self._providers
        )

    def below(self, columns: Columns) -> list[int]:
        """For each guest itself and the guests below it."""
        found = []
        for row, tree in zip(self.rows, self.trees, strict=True):
            first = int(columns.first[tree])
            under = columns.shapes[columns.shape[tree]].below[row - first]
            found.append(
                _mask(
                    other == tree and bool(under >> place - first & 1)
                    for place, other in zip(self.rows, self.trees, strict=True)
                )
            )
        return found

    def kin(self) -> list[int]:
        """For each guest all guests of its tree."""
        return [self._home[tree] for tree in self.trees]

    def reach_of(
        self, trees: NDArray[np.int64], aggregates: NDArray[np.unsignedinteger]
    ) -> NDArray[np.uint64]:
        """Give the guests in reach of trees: uint64[words, m]; those at home are none.

        Args:
            trees: int64[m].
            aggregates: [m]; number of the set of all aggregates of each tree.
        """
        reach = self._reach.take(aggregates, axis=1, mode="clip")
        for tree, mask in self._home.items():
            reach[:, trees == tree] &= ~self.as_words(mask)
        return reach

    def as_words(self, mask: int) -> NDArray[np.uint64]:
        """Write a mask as uint64[words, 1]."""
        return np.array([[mask >> WORD * n & _WORD] for n in range(self.words)], np.uint64)

    def _look_up(self, sets: Interned[frozenset[str]]) -> NDArray[np.uint64]:
        """For each set of aggregates the guests that it leads to: uint64[words, V + 1]."""
        leads: dict[str, int] = {}
        for number, each in enumerate(self._providers):
            for aggregate in each.aggregates:
                leads[aggregate] = leads.get(aggregate, 0) | 1 << number
        values = sets.values[: len(sets)]
        found = np.zeros((self.words, len(values) + 1), np.uint64)
        for place, value in enumerate(values):
            for aggregate in value & leads.keys():
                found[:, place] |= self.as_words(leads[aggregate])[:, 0]
        return found


def below_with_guests(
    columns: Columns, shape: int, own: int, guests: Guests | None
) -> tuple[int, ...]:
    """For each place itself and all below it, guests too, from the place *own* on."""
    below = columns.shapes[shape].below
    if guests is None:
        return below
    filled = [*below, *[0] * (own - len(below))]
    return (*filled, *(mask << own for mask in guests.below(columns)))


def find_guests(
    columns: Columns,
    compiled: Compiled,
    named: Mapping[str, int],
    read: Callable[[int], Provider],
) -> Guests | None:
    """Find the providers that share and could serve any slot; None: there are none.

    Args:
        named: for each provider that ``in_tree`` names, its tree.
        read: gives a row as a value.
    """
    found: list[tuple[int, int, Provider]] = []
    serving: list[list[bool]] = []
    for row in columns.sharing.tolist():
        tree, provider = columns.tree_of(row), read(row)
        served = [could_serve(spec, provider, tree, named) for spec in compiled.specs]
        if provider.aggregates and any(served):
            found.append((row, tree, provider))
            serving.append(served)
    if not found:
        return None
    serves = tuple(_mask(each) for each in zip(*serving, strict=True))
    return Guests(found, serves, columns.aggregate_sets)


def could_serve(spec: Spec, guest: Provider, tree: int, named: Mapping[str, int]) -> bool:
    """Whether a provider could serve a slot of some tree that it does not stand in."""
    if spec.in_tree is not None and (spec.is_spread or named[spec.in_tree] != tree):
        return False
    return (
        all(guest.takes(name, amount) for name, amount in spec.amounts)
        and spec.traits(guest.traits)
        and spec.aggregates(guest.aggregates)
    )


def _mask(bits: Iterable[bool]) -> int:
    found = 0
    for number, bit in enumerate(bits):
        found |= bit << number
    return found
