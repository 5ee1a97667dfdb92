"""Columns of a moment made from those of another, by the hosts in which the two differ.

Where they differ in most, or the tables hold too much that is gone, they are made from nothing.

Source: design, section 6 ("Truth, columns, claims").
"""

from dataclasses import replace
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.host_columns import HostColumns, Shards, make_columns, measure, spans
from wherry.inventory.host_view import HostView

SPARE: Final = 1024
"""Values that tables may hold beside twice as many as are in use."""


class LastColumns:
    """Remembers the columns made last, to make those of the next moment from; for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: HostColumns | None = None

    def of(self, shards: Shards) -> HostColumns:
        """Give the columns of a moment."""
        last = self._last
        if last is not None and last.shards is shards:
            return last
        with self._lock:
            last = self._last
            if last is None or last.shards is not shards:
                last = self._last = make_columns(shards) if last is None else follow(last, shards)
            return last


def follow(before: HostColumns, shards: Shards) -> HostColumns:
    """Make the columns of another moment by the hosts in which it differs.

    Cost: O(changed hosts) in Python, and one copy of all columns.
    """
    changed = _changed(before.shards, shards)
    if not changed:
        return replace(before, shards=shards)
    bloated = before.tables.size > 2 * before.tables_size + SPARE
    if bloated or 2 * len(changed) > len(before):
        return make_columns(shards)
    rows = np.array([before.row_of[n] for n in changed if n in before.row_of], np.int64)
    there = [host for host in changed.values() if host is not None]
    block = measure(there, before.tables, shards)
    # Both have the changed hosts in one order.
    in_place = len(there) == len(rows) == len(changed)
    if in_place and np.array_equal(before.lengths[rows], block.lengths):
        return _put(before, rows, block)
    return _splice(before, rows, block)


def _changed(before: Shards, after: Shards) -> dict[str, HostView | None]:
    """Name the hosts that are other ones afterwards; None for those that are gone."""
    changed: dict[str, HostView | None] = {}
    for old, new in zip(before, after, strict=True):
        if old is not new:
            changed |= {name: host for name, host in new.items() if old.get(name) is not host}
            changed |= dict.fromkeys(old.keys() - new.keys())
    return changed


def _put(before: HostColumns, rows: NDArray[np.int64], block: HostColumns) -> HostColumns:
    """Change rows whose hosts have as many islands as before."""
    ends = np.cumsum(before.lengths)
    places = spans(ends[rows] - before.lengths[rows], block.lengths)
    keys = before.amounts.keys() | block.amounts.keys()
    return replace(
        before,
        shards=block.shards,
        hosts=_with(before.hosts, rows, block.hosts),
        facts=_with(before.facts, rows, block.facts),
        standings=_with(before.standings, rows, block.standings),
        labels=_with(before.labels, rows, block.labels),
        unused=_with(before.unused, rows, block.unused),
        islands=_with(before.islands, places, block.islands),
        nodes=_with(before.nodes, places, block.nodes),
        amounts={key: _with(before.amount(*key), rows, block.amount(*key)) for key in keys},
    )


def _splice(before: HostColumns, rows: NDArray[np.int64], block: HostColumns) -> HostColumns:
    """Take rows out, and put others to the end."""
    stays = np.ones(len(before), np.bool_)
    stays[rows] = False

    def joined(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([old[stays], new])

    names = joined(before.names, block.names)
    kept = np.repeat(stays, before.lengths)
    keys = before.amounts.keys() | block.amounts.keys()
    return replace(
        before,
        shards=block.shards,
        row_of={name: row for row, name in enumerate(names.tolist())},
        hosts=joined(before.hosts, block.hosts),
        names=names,
        facts=joined(before.facts, block.facts),
        standings=joined(before.standings, block.standings),
        labels=joined(before.labels, block.labels),
        unused=joined(before.unused, block.unused),
        lengths=joined(before.lengths, block.lengths),
        islands=np.concatenate([before.islands[kept], block.islands]),
        nodes=np.concatenate([before.nodes[kept], block.nodes]),
        amounts={key: joined(before.amount(*key), block.amount(*key)) for key in keys},
    )


def _with(column: NDArray[Any], rows: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    changed = column.copy()
    changed[rows] = values
    return changed
