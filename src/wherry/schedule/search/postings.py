"""Trees by what they have, so that what few have is found without reading every summary.

A *posting* lists the trees whose traits, or aggregates, together answer a question.  It is made by
one pass over the summaries when the question comes first, and holds until a tree's traits or
aggregates change, or a tree comes or goes; claims change none of that.  Nothing is decided by it
alone: who uses it asks the summaries of the listed trees once more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.compile import Wanted
from wherry.schedule.search.lookups import Bools, answers

SHARE = 16
"""One in so many trees at most: of more it is quicker to read the summaries in their order."""
KEPT = 64
"""Postings of one fleet; each takes at most a quarter of a byte for each of its trees."""
STRETCH = 1 << 11
"""Trees of the first stretch that is looked at."""
Trees = NDArray[np.int64]
What = Literal["tree_traits", "tree_aggregates"]


@dataclass(frozen=True, slots=True)
class _Posting:
    """What was found, and in which state of which column."""

    ids: NDArray[Any]
    moves: NDArray[np.int64]
    moved: int
    trees: NDArray[np.int32] | None
    """Rising; None: more than are worth a list."""


class Postings:
    """The postings of one fleet, for the questions asked last."""

    def __init__(self) -> None:
        self._kept: dict[tuple[What, Wanted], _Posting] = {}

    def few(
        self, columns: Columns, what: What, question: Wanted, lookup: Bools
    ) -> NDArray[np.int32] | None:
        """List the trees that answer a question; None: they are not few.

        Args:
            lookup: the answer for each set by its number, yes for those that it does not know.

        Returns:
            int32, rising.

        Cost: one pass over a column of all trees where anything moved since, else none.
        """
        ids, moves = getattr(columns, what), columns.moves
        moved = int(moves[0])
        kept = self._kept.get((what, question))
        if kept is None or kept.ids is not ids or kept.moves is not moves or kept.moved != moved:
            found = answers(lookup, ids).nonzero()[0]
            few = found.astype(np.int32) if len(found) * SHARE <= len(ids) else None
            kept = _Posting(ids, moves, moved, few)
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[what, question] = kept
        return kept.trees


def stretches(trees: NDArray[np.int32], start: int) -> Iterator[Trees]:
    """Cut a rising list into stretches that grow: first from *start* on, then those before."""
    at = int(np.searchsorted(trees, start))
    turned = np.concatenate([trees[at:], trees[:at]]).astype(np.int64)
    low, size = 0, STRETCH
    while low < len(turned):
        yield turned[low : low + size]
        low, size = low + size, 2 * size
