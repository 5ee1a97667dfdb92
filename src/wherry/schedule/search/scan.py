"""Which trees could hold a candidate, by their summaries alone.

Trees are looked at in blocks whose temporaries stay in the processor's cache, from a place that
the caller chooses and round to it again: requests that begin at different places find different
hosts first, and their claims do not meet.
"""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.compile import INT32, Tests
from wherry.schedule.search.lookups import Bools, Lookups, answers

SMALLEST, GREATEST = 1 << 13, 1 << 16
"""Trees of the first block, and of any."""


def could_any(columns: Columns, tests: Tests) -> bool:
    """Whether there may be a tree that passes, by the classes there are."""
    return all(name in columns.classes and amount <= INT32 for name, amount in tests.most.items())


def scan(
    columns: Columns,
    tests: Tests,
    traits: Lookups[frozenset[str]],
    aggregates: Lookups[frozenset[str]],
    start: int,
    *,
    only: Collection[int] = (),
) -> Iterator[NDArray[np.int64]]:
    """Give the trees that pass, block by block.

    Args:
        start: the tree to begin with.
        only: trees to look at; none: all.
    """
    trait_lookup = None if tests.traits.is_free else traits(tests.traits, unknown=True)
    aggregate_lookup = (
        None if tests.aggregates.is_free else aggregates(tests.aggregates, unknown=True)
    )
    if only:
        trees = np.array(sorted(only), np.int64)
        trees = trees[passes(columns, tests, trait_lookup, aggregate_lookup, trees)]
        if len(trees):
            yield trees
        return
    for low, high in blocks(columns.trees, start):
        ok = passes(columns, tests, trait_lookup, aggregate_lookup, slice(low, high))
        found = np.flatnonzero(ok)
        if len(found):
            yield found + low


def blocks(trees: int, start: int) -> Iterator[tuple[int, int]]:
    """Cut all trees into blocks that grow: first from *start* on, then those before."""
    size = SMALLEST
    for begin, end in ((start, trees), (0, start)):
        low = begin
        while low < end:
            high = min(low + size, end)
            yield low, high
            low, size = high, min(2 * size, GREATEST)


def passes(
    columns: Columns,
    tests: Tests,
    trait_lookup: Bools | None,
    aggregate_lookup: Bools | None,
    which: slice | NDArray[np.int64],
) -> Bools:
    """Say of some trees whether they pass."""
    ok: Bools | None = None
    for name, amount in tests.most.items():
        one = columns.classes[name].tmax[which] >= amount
        ok = one if ok is None else np.logical_and(ok, one, out=ok)
    if ok is None:
        ok = columns.count[which] > 0
    for name, amount in tests.total.items():
        ok &= columns.classes[name].tsum[which] >= amount
    for name, number in tests.holders.items():
        ok &= columns.classes[name].tcnt[which] >= number
    if trait_lookup is not None:
        ok &= answers(trait_lookup, columns.tree_traits[which])
    if aggregate_lookup is not None:
        ok &= answers(aggregate_lookup, columns.tree_aggregates[which])
    return ok
