"""The hosts of a moment as columns: what a question about all of them reads.

A row is a host.  What many hosts share (islands, facts, standing, limits) is a small number
in a table, so that it is decided once and then looked up; amounts are columns by class.
Columns never change; `wherry.inventory.following` makes those of a later moment.

Letters of shapes: N hosts, M islands of all hosts together.

Source: design, section 6 ("Truth, columns, claims").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.interned import Interned
from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shared
from wherry.inventory.islands import Island
from wherry.model.checks import HostFacts
from wherry.model.inventory import TENANTS, HostState, Inventory

Shards = tuple[Mapping[str, HostView], ...]
"""Name to host, in parts: two moments share the parts that are equal in both."""

MOST: Final = 1 << 53
"""Amounts beyond it are cut to it: up to it fractions are exact."""


class Standing(NamedTuple):
    """What of a host is neither device nor amount."""

    state: HostState
    tenants: str | None
    """The label as it stands; None where there is none."""
    has_root: bool
    is_unsettled: bool


class Limits(NamedTuple):
    """In which amounts a class is allocated."""

    min_unit: int
    max_unit: int
    step_size: int


Amount = Literal["free", "total", "root_free", "root_limits"]
"""Of a class: free and total over all providers of the host, free on its own provider, and
the number of its limits there."""


class Tables(NamedTuple):
    """Values by number; they only grow, so columns of several moments share them."""

    islands: Interned[Island]
    facts: Interned[Shared[HostFacts]]
    standings: Interned[Standing]
    limits: Interned[Limits | None]
    """Number 0 is None: any amount."""
    labels: Interned[tuple[tuple[str, str], ...]]
    """Label and value of each, by label."""

    @property
    def size(self) -> int:
        """Values in all tables together."""
        return sum(len(table) for table in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostColumns:
    """All hosts as of one moment, one row each, in no particular order."""

    shards: Shards
    """The moment that this is of."""
    tables: Tables
    tables_size: int
    """Of the tables when they were last made anew."""
    row_of: Mapping[str, int]
    """Host to row."""
    hosts: NDArray[np.object_]
    """[N], the views themselves."""
    names: NDArray[np.object_]
    """[N]"""
    facts: NDArray[np.int32]
    """[N]"""
    standings: NDArray[np.int32]
    """[N]"""
    labels: NDArray[np.int32]
    """[N]"""
    unused: NDArray[np.float64]
    """[N]"""
    lengths: NDArray[np.int64]
    """[N], islands of each host."""
    islands: NDArray[np.int32]
    """[M], those of the first row first, each row in its own order."""
    nodes: NDArray[np.int16]
    """[M], the NUMA node of each of these, as their host numbers them."""
    amounts: Mapping[tuple[Amount, str], NDArray[np.int64]]
    """[N], by kind and class; 0 where a host does not have the class."""

    def __len__(self) -> int:
        return len(self.facts)

    def amount(self, kind: Amount, resource_class: str) -> NDArray[np.int64]:
        """Give a column of amounts; zeros for a class that no host has."""
        found = self.amounts.get((kind, resource_class))
        return np.zeros(len(self), np.int64) if found is None else found


def make_columns(shards: Shards) -> HostColumns:
    """Make the columns of a moment from nothing.

    Cost: O(hosts x (islands + classes)) in Python.
    """
    tables = Tables(Interned(), Interned(), Interned(), Interned(), Interned())
    tables.limits.intern(None)
    hosts = [host for shard in shards for host in shard.values()]
    made = measure(hosts, tables, shards)
    return replace(made, tables_size=tables.size)


def measure(hosts: Sequence[HostView], tables: Tables, shards: Shards) -> HostColumns:
    """Make columns of these hosts alone, in their order."""
    facts, standings = tables.facts.intern, tables.standings.intern
    labels, island = tables.labels.intern, tables.islands.intern
    return HostColumns(
        shards=shards,
        tables=tables,
        tables_size=0,
        row_of={host.name: row for row, host in enumerate(hosts)},
        hosts=_objects(hosts),
        names=_objects([host.name for host in hosts]),
        facts=np.array([facts(host.facts) for host in hosts], np.int32),
        standings=np.array([standings(standing_of(host)) for host in hosts], np.int32),
        labels=np.array([labels(_labels_of(host)) for host in hosts], np.int32),
        unused=np.array([host.unused for host in hosts], np.float64),
        lengths=np.array([len(host.islands) for host in hosts], np.int64),
        islands=np.array([island(each) for host in hosts for each in host.islands], np.int32),
        nodes=np.array([each for host in hosts for each in host.nodes], np.int16),
        amounts=_amounts(hosts, tables),
    )


def standing_of(host: HostView) -> Standing:
    """Tell what of a host is neither device nor amount."""
    record = host.record
    return Standing(
        record.state, record.labels.get(TENANTS), host.root is not None, bool(host.unsettled)
    )


def _labels_of(host: HostView) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(host.record.labels.items()))


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), np.object_)
    column[:] = values
    return column


def _amounts(
    hosts: Sequence[HostView], tables: Tables
) -> dict[tuple[Amount, str], NDArray[np.int64]]:
    cells: dict[tuple[Amount, str], tuple[list[int], list[int]]] = {}

    def add(kind: Amount, name: str, row: int, value: int) -> None:
        rows, values = cells.setdefault((kind, name), ([], []))
        rows.append(row)
        values.append(max(-MOST, min(MOST, value)))

    for row, host in enumerate(hosts):
        for name, room in host.room.items():
            add("free", name, row, room.free)
            add("total", name, row, room.total)
        for name, free in host.root_room.items():
            add("root_free", name, row, free)
        for name, inventory in host.root_limits.items():
            add("root_limits", name, row, tables.limits.intern(limits_of(inventory)))
    columns = {key: np.zeros(len(hosts), np.int64) for key in cells}
    for key, (rows, values) in cells.items():
        columns[key][rows] = values
    return columns


def limits_of(inventory: Inventory) -> Limits:
    """Tell in which amounts an inventory is allocated."""
    return Limits(inventory.min_unit, inventory.max_unit, inventory.step_size)


def rows_of(columns: HostColumns, names: Iterable[str]) -> NDArray[np.int64]:
    """Give the rows of these hosts, each once; names that are not there have none."""
    known = {columns.row_of[name] for name in names if name in columns.row_of}
    return np.array(sorted(known), np.int64)


def spans(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the places from each start on, as many as its length, all in one row."""
    before = np.cumsum(lengths) - lengths
    places: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    return places
