"""Which trees could hold a candidate, by their summaries alone.

Trees are looked at in blocks whose temporaries stay in the processor's cache, from a place that
the caller chooses and round to it again: requests that begin at different places find different
hosts first, and their claims do not meet.  Where few trees have the traits or aggregates that are
asked for, only those are looked at (`postings`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.compile import INT32, Tests
from wherry.schedule.search.lookups import Bools, answers
from wherry.schedule.search.memory import Notes
from wherry.schedule.search.postings import stretches
from wherry.schedule.search.setting import Ward

SMALLEST, GREATEST = 1 << 13, 1 << 16
"""Trees of the first block, and of any."""
FEW = 4
"""One in so many trees with room: it is quicker to look the others up one by one."""
Trees = NDArray[np.int64]


def could_any(columns: Columns, tests: Tests) -> bool:
    """Whether there may be a tree that passes, by the classes there are."""
    return all(name in columns.classes and amount <= INT32 for name, amount in tests.most.items())


def scan(
    columns: Columns, ward: Ward, notes: Notes, start: int, among: Trees | None = None
) -> Iterator[Trees]:
    """Give the trees of a ward that pass, block by block; dead ones may be among them.

    Args:
        start: the tree to begin with.
        among: rising; all that are looked at, of a ward of any trees; None: every one.
    """
    tests = ward.tests
    lookups, listed = _asked(columns, tests, notes, is_listed=among is None)
    if among is not None or ward.only:
        trees = np.array(sorted(ward.only), np.int64) if among is None else among
        yield from _some(ward, trees[_has_room(columns, tests, trees)], lookups)
        return
    few = min((each for each in listed if each is not None), key=len, default=None)
    if few is not None:
        for trees in stretches(few, start):
            yield from _some(ward, trees[_has_room(columns, tests, trees)], lookups)
        return
    for low, high in blocks(columns.trees, start):
        ok = _has_room(columns, tests, slice(low, high))
        is_thin = bool(lookups) and np.count_nonzero(ok) * FEW < high - low
        if not is_thin:
            for lookup, ids in lookups:
                ok &= answers(lookup, ids[low:high])
        yield from _some(ward, ok.nonzero()[0] + low, lookups if is_thin else ())


def _asked(
    columns: Columns, tests: Tests, notes: Notes, *, is_listed: bool
) -> tuple[list["Asking"], list[NDArray[np.int32] | None]]:
    """Say what is looked up of trees, and list those that are few, if that is of use."""
    lookups: list[Asking] = []
    listed: list[NDArray[np.int32] | None] = []
    if not tests.traits.is_free:
        lookup = notes.lookups.traits(tests.traits, unknown=True)
        lookups.append((lookup, columns.tree_traits))
        if is_listed:
            listed.append(notes.postings.few(columns, "tree_traits", tests.traits, lookup))
    if not tests.aggregates.is_free:
        lookup = notes.lookups.aggregates(tests.aggregates, unknown=True)
        lookups.append((lookup, columns.tree_aggregates))
        if is_listed:
            found = notes.postings.few(columns, "tree_aggregates", tests.aggregates, lookup)
            listed.append(found)
    return lookups, listed


Asking = tuple[Bools, NDArray[Any]]
"""A look-up, and the numbers that it is asked for."""


def _some(ward: Ward, trees: Trees, lookups: Sequence[Asking]) -> Iterator[Trees]:
    """Give those of some trees that pass the look-ups and belong to the ward, if any do."""
    for lookup, ids in lookups:
        trees = trees[answers(lookup, ids[trees])]
    if ward.is_in is not None:
        trees = trees[ward.is_in(trees)]
    if len(trees):
        yield trees


def blocks(trees: int, start: int) -> Iterator[tuple[int, int]]:
    """Cut all trees into blocks that grow: first from *start* on, then those before."""
    size = SMALLEST
    for begin, end in ((start, trees), (0, start)):
        low = begin
        while low < end:
            high = min(low + size, end)
            yield low, high
            low, size = high, min(2 * size, GREATEST)


def _has_room(columns: Columns, tests: Tests, which: slice | Trees) -> Bools:
    """Say of some trees whether they have units enough."""
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
    return ok
