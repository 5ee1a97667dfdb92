"""Which devices a guest would take on each of many hosts, as columns.

Hosts whose islands are of the same classes in the same order have the same mapping, but their
islands differ in what is left of them.  So the mapping is looked up once for each such row of
classes, and the islands that it means are gathered for all hosts at once.

Letters of shapes: R hosts, E islands that these would give something of, G distinct rows.

Source: specification of compatibility, sections 10 and 13; design, section 7.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.host_columns import spans
from wherry.schedule.classes import AtDevices
from wherry.schedule.question import Question

Load = tuple[tuple[int, int], ...]
"""The guest's devices that one island takes: number of each, and of its offer there."""


class Takings(NamedTuple):
    """A row for each island that a host would give something of."""

    host: NDArray[np.int64]
    """[E], place among the hosts that were asked about."""
    island: NDArray[np.int64]
    """[E], number in the table of islands."""
    load: NDArray[np.int64]
    """[E], number of `loads`."""
    loads: Sequence[Load]


def find_takings(question: Question, at: AtDevices, rows: NDArray[np.int64]) -> Takings:
    """Say what the guest would take on hosts that take it.

    Args:
        question: the guest.
        at: what it finds on every host.
        rows: [R], of those that are asked about.

    Cost: O(R x devices of the guest) in columns, with a Python loop over distinct rows.
    """
    groups, place_of = np.unique(at.group[rows], return_inverse=True)
    loads: dict[Load, int] = {}
    taken = [_taken_of(question, at, row, loads) for row in at.first[groups].tolist()]
    counts = np.array([len(each) for each in taken], np.int64)
    flat = np.array([pair for each in taken for pair in each], np.int64).reshape(-1, 2)
    places = spans((np.cumsum(counts) - counts)[place_of], counts[place_of])
    host = np.repeat(np.arange(len(rows)), counts[place_of])
    offsets, numbers = flat[places].T
    return Takings(host, at.islands[at.starts[rows][host] + offsets], numbers, list(loads))


def _taken_of(
    question: Question, at: AtDevices, row: int, loads: dict[Load, int]
) -> list[tuple[int, int]]:
    """Give the place in the row of each island that is taken of, and the number of its load."""
    memory, start = question.memory, at.starts[row]
    kept = memory.keep(at.classes[start : start + at.lengths[row]].tolist())
    by_island: dict[int, list[tuple[int, int]]] = {}
    for device, (island, offer) in enumerate(memory.founds[at.number[row]].places):
        by_island.setdefault(kept[island], []).append((device, offer))
    return [
        (offset, loads.setdefault(tuple(each), len(loads))) for offset, each in by_island.items()
    ]
