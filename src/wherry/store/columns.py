"""Loads the whole fleet into columns: a few aggregates instead of millions of rows.

The engines differ in how they hand over many numbers at once, and in nothing else: each has a
module with one function per question.  What a view shows follows from its pools; only where
values in use may close it are its plan and its instances looked at, one provider at a time.

Source: design, sections 5 and 6; docs/explanation/columns.md.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from wherry.inventory.columns.assemble import assemble
from wherry.inventory.columns.interned import LimitsTable
from wherry.inventory.columns.keys import keys_of
from wherry.inventory.columns.layout import Columns
from wherry.inventory.columns.raw import Numbers, Raw, RawStock, Tables
from wherry.inventory.columns.spans import part
from wherry.store import columns_postgresql, columns_sqlite
from wherry.store.columns_views import ViewRow, shown_views
from wherry.store.placement_inventories import shown_inventory
from wherry.store.transaction import Tx


class Limits(NamedTuple):
    """What entries of one class have in common, as stored; ``extra`` is held by nobody."""

    name: str
    total: int
    reserved: int
    min_unit: int
    max_unit: int
    step_size: int
    allocation_ratio: float
    cap: int
    extra: int

    @property
    def used(self) -> int:
        """Nothing, and so what is charged is what is held by others."""
        return 0

    @property
    def charged(self) -> int:
        """Units that siblings and strangers took."""
        return self.extra

    @property
    def stray(self) -> int:
        """Counted in `charged`."""
        return 0


def load_columns(tx: Tx) -> Columns:
    """Read all providers with what they have and what is used of it.

    Cost: seconds for 100,000 hosts; see `python -m benchmarks columns`.
    """
    engine = columns_postgresql if tx.dialect == "postgresql" else columns_sqlite
    tables = Tables()
    uuids, ids, parents, roots = engine.read_tree(tx)
    order = np.argsort(ids, kind="stable")
    places = Places(ids[order])
    keys, odd = keys_of([uuids[each] for each in order.tolist()])
    size = len(uuids)
    stock = _Stock(places, tables)
    for stored, providers, used in engine.read_stock(tx):
        stock.add(Limits(*stored), providers, used)
    stock.add_views(shown_views(tx))
    raw = Raw(
        keys=keys,
        odd=odd,
        parent=places.of(parents[order]),
        root=places.of(roots[order]),
        traits=_sets(
            _trait_names(tx), engine.read_traits(tx), places, size, tables.trait_sets.intern
        ),
        aggregates=_aggregates(_aggregate_pairs(tx), places, size, tables),
        stock=stock.raw(),
    )
    return assemble(raw, tables)


class Places:
    """Finds rows by the ids of providers."""

    def __init__(self, ids: Numbers) -> None:
        self._ids = ids
        most = int(ids.max(initial=0))
        self._rows = None
        if most < 8 * len(ids) + 1024:
            self._rows = np.full(most + 1, -1, np.int64)
            self._rows[ids] = np.arange(len(ids))

    def of(self, ids: Numbers) -> Numbers:
        """Give rows of ids that are there; -1 of an id below 0."""
        if self._rows is None:
            rows = np.searchsorted(self._ids, ids)
        elif len(self._ids):
            rows = self._rows[ids]
        else:
            rows = ids
        return np.where(ids < 0, -1, rows)


class _Stock:
    def __init__(self, places: Places, tables: Tables) -> None:
        self._places = places
        self._tables = tables
        self._parts: dict[str, list[tuple[Numbers, int, Numbers]]] = {}

    def add(self, limits: Limits, providers: Numbers, used: Numbers) -> None:
        """Take entries of one class that have limits in common."""
        number = self._table(limits.name).intern(shown_inventory(limits))
        rows = self._places.of(providers)
        self._parts.setdefault(limits.name, []).append((rows, number, used))

    def add_views(self, rows: Iterable[ViewRow]) -> None:
        """Take what views show."""
        of_class: dict[str, list[ViewRow]] = {}
        for row in rows:
            of_class.setdefault(row.name, []).append(row)
        for name, some in of_class.items():
            by_inventory: dict[int, list[ViewRow]] = {}
            table = self._table(name)
            for row in some:
                by_inventory.setdefault(table.intern(row.inventory), []).append(row)
            for number, alike in by_inventory.items():
                at = self._places.of(np.array([row.provider for row in alike], np.int64))
                used = np.array([row.used for row in alike], np.int64)
                self._parts.setdefault(name, []).append((at, number, used))

    def _table(self, name: str) -> LimitsTable:
        return self._tables.limits.setdefault(name, LimitsTable())

    def raw(self) -> dict[str, RawStock]:
        """Put the parts together."""
        return {
            name: RawStock(
                np.concatenate([rows for rows, _, _ in parts]),
                np.concatenate([np.full(len(rows), number) for rows, number, _ in parts]),
                np.concatenate([used for _, _, used in parts]),
            )
            for name, parts in self._parts.items()
        }


def _trait_names(tx: Tx) -> Mapping[int, str]:
    return dict(tx.driver.execute("SELECT id, name FROM trait").fetchall())


def _aggregate_pairs(tx: Tx) -> Iterable[tuple[int, str]]:
    query = "SELECT provider, aggregate FROM provider_aggregate"
    pairs: Iterable[tuple[int, str]] = tx.driver.execute(query).fetchall()
    return pairs


def _sets(
    names: Mapping[int, str],
    told: tuple[Numbers, Numbers],
    places: Places,
    size: int,
    intern: Any,
) -> Numbers:
    """Give each row the number of its set, of pairs of a provider and a name's id.

    A pair may come twice.
    """
    providers, which = told
    found = np.full(size, intern(frozenset()), np.int64)
    rows = places.of(providers)
    order = np.lexsort((which, rows))
    rows, which = rows[order], which[order]
    # What two tables tell of one provider comes twice.
    once = (np.diff(rows, prepend=-1) != 0) | (np.diff(which, prepend=-1) != 0)
    rows, which = rows[once], which[once]
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    count = np.diff(begins, append=len(rows))
    heads, kind = part(which, begins, count)
    numbers = [
        intern(frozenset(names[each] for each in which[start : start + size].tolist()))
        for start, size in zip(begins[heads].tolist(), count[heads].tolist(), strict=True)
    ]
    found[rows[begins]] = np.array(numbers, np.int64)[kind]
    return found


def _aggregates(
    pairs: Iterable[tuple[int, str]], places: Places, size: int, tables: Tables
) -> Numbers:
    of_provider: dict[int, list[str]] = {}
    for number, uuid in pairs:
        of_provider.setdefault(number, []).append(uuid)
    found = np.full(size, tables.aggregate_sets.intern(frozenset()), np.int64)
    rows = places.of(np.fromiter(of_provider, np.int64, len(of_provider)))
    found[rows] = [tables.aggregate_sets.intern(frozenset(each)) for each in of_provider.values()]
    return found
