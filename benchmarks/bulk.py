"""Writes a fleet straight into the tables of an empty database: Wherry's, or the peer's own.

A service that is told a fleet call by call takes an hour for ten thousand hosts.  What is in the
tables then is what the calls would have left there, but for times and generations.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wherry.inventory.columns import Columns
from wherry.model.inventory import Inventory
from wherry.store.transaction import Tx

Row = tuple[Any, ...]


def write_fleet(tx: Tx, fleet: Columns) -> None:
    """Write a fleet into an empty database of Wherry's; the classes' order is theirs."""
    traits = sorted(frozenset[str]().union(*fleet.trait_sets.values))
    numbers = {name: number for number, name in enumerate(traits, 1)}
    classes = {name: number for number, name in enumerate(fleet.classes, 1)}

    def put(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        if tx.dialect == "postgresql":
            _copy(tx.driver, table, columns, rows)
            return
        names = ", ".join(f'"{each}"' for each in columns)
        marks = ", ".join("?" * len(columns))
        tx.driver.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608

    if tx.dialect == "sqlite":
        tx.driver.execute("PRAGMA defer_foreign_keys = ON")
    put("trait", ("id", "name"), ((n, name) for name, n in numbers.items()))
    put("resource_class", ("id", "name"), ((n, name) for name, n in classes.items()))
    names = ("id", "uuid", "name", "parent", "root", "owner", "generation", "facts_generation")
    also = ("client", 0, 0, False)
    put("provider", (*names, "gone"), ((*row, *also) for row in _providers(fleet)))
    put("provider_trait", ("provider", "trait"), _traits(fleet, numbers))
    put("provider_aggregate", ("provider", "aggregate"), _aggregates(fleet))
    put("inventory", _INVENTORY, _inventories(fleet, classes))


_INVENTORY = (
    "provider", "class", "total", "reserved", "min_unit", "max_unit", "step_size",
    "allocation_ratio", "cap", "used", "charged", "stray",
)  # fmt: skip


def _inventories(fleet: Columns, classes: Mapping[str, int]) -> Iterator[Row]:
    for row, number, held, used in _held(fleet, classes):
        limits = (held.total, held.reserved, held.min_unit, held.max_unit, held.step_size)
        yield row, number, *limits, held.allocation_ratio, held.capacity, used, used, 0


def write_peer(url: str, fleet: Columns) -> None:
    """Write a fleet of which nothing is in use into a database that the peer has made.

    Args:
        url: of PostgreSQL; the peer has put its standard traits and classes there.

    Raises:
        RuntimeError: its tables are not those of openstack-placement 16.0.0, or hold providers.
    """
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(url) as link:
        if link.execute("SELECT 1 FROM resource_providers LIMIT 1").fetchone():
            raise RuntimeError("the peer's database holds providers already")
        used = frozenset[str]().union(*fleet.trait_sets.values)
        traits = _number(link, "traits", sorted(used))
        classes = _number(link, "resource_classes", list(fleet.classes))
        sets = sorted(frozenset[str]().union(*fleet.aggregate_sets.values))
        link.cursor().executemany(
            "INSERT INTO placement_aggregates (uuid) VALUES (%s)", [(each,) for each in sets]
        )
        groups = dict(link.execute("SELECT uuid, id FROM placement_aggregates").fetchall())
        names = ("id", "uuid", "name", "parent_provider_id", "root_provider_id", "generation")
        rows = ((*row, 0) for row in _providers(fleet))
        _copy(link, "resource_providers", names, rows)
        own = ("resource_provider_id", "trait_id")
        _copy(link, "resource_provider_traits", own, _traits(fleet, traits))
        member = ((row, groups[uuid]) for row, uuid in _aggregates(fleet))
        names = ("resource_provider_id", "aggregate_id")
        _copy(link, "resource_provider_aggregates", names, member)
        _copy(link, "inventories", _PEER_INVENTORY, _peer_inventories(fleet, classes))
        for table in ("resource_providers", "inventories"):
            link.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"  # noqa: S608
                f" (SELECT max(id) FROM {table}))"
            )
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("ANALYZE")


_PEER_INVENTORY = (
    "resource_provider_id", "resource_class_id", "total", "reserved", "min_unit", "max_unit",
    "step_size", "allocation_ratio",
)  # fmt: skip


def _peer_inventories(fleet: Columns, classes: Mapping[str, int]) -> Iterator[Row]:
    for row, number, held, used in _held(fleet, classes):
        assert not used, "a fleet with guests is not written to the peer"
        limits = (held.total, held.reserved, held.min_unit, held.max_unit, held.step_size)
        yield row, number, *limits, held.allocation_ratio


def _number(link: Any, table: str, names: Sequence[str]) -> dict[str, int]:
    """Give the numbers of names; those of our own are new."""
    standard = set(dict(link.execute(f"SELECT name, id FROM {table}").fetchall()))  # noqa: S608
    new = [name for name in names if name not in standard]
    assert all(name.startswith("CUSTOM_") for name in new), new
    if table == "resource_classes":
        # Below 10000 are the standard ones.
        rows = [(10_000 + number, name) for number, name in enumerate(new)]
        link.cursor().executemany("INSERT INTO resource_classes (id, name) VALUES (%s, %s)", rows)
    else:
        link.cursor().executemany("INSERT INTO traits (name) VALUES (%s)", [(n,) for n in new])
    return dict(link.execute(f"SELECT name, id FROM {table}").fetchall())  # noqa: S608


def _providers(fleet: Columns) -> Iterator[Row]:
    """Id, uuid, name, parent, root; hosts are of one shape."""
    assert len(fleet.shapes) == 1, "hosts of one shape"
    above = fleet.shapes[0].parents
    for row, text in enumerate(fleet.uuid_texts(np.arange(fleet.rows))):
        uuid, place = text.decode(), row % len(above)
        root = row - place
        parent = None if place == 0 else root + above[place] + 1
        yield row + 1, uuid, uuid, parent, root + 1


def _traits(fleet: Columns, numbers: Mapping[str, int]) -> Iterator[Row]:
    sets = [[numbers[name] for name in each] for each in fleet.trait_sets.values]
    return ((row, each) for row, one in enumerate(fleet.traits.tolist(), 1) for each in sets[one])


def _aggregates(fleet: Columns) -> Iterator[Row]:
    sets = list(fleet.aggregate_sets.values)
    ids = enumerate(fleet.aggregates.tolist(), 1)
    return ((row, each) for row, one in ids for each in sets[one])


def _held(fleet: Columns, classes: Mapping[str, int]) -> Iterator[tuple[int, int, Inventory, int]]:
    """Row, class, inventory, units in use, in the order of the key, or pages move about."""
    parts = []
    for name, column in fleet.classes.items():
        trees = np.repeat(np.arange(fleet.trees), np.diff(column.start))
        rows = fleet.first[trees] + column.local
        limits, used = column.limits.astype(np.int64), column.used.astype(np.int64)
        parts.append(np.stack([rows + 1, np.full(len(rows), classes[name]), limits, used]))
    entries = np.concatenate(parts, axis=1)
    tables = {classes[name]: column.table for name, column in fleet.classes.items()}
    for row, number, limits, used in entries[:, np.lexsort(entries[1::-1])].T.tolist():
        yield row, number, tables[number][limits], used


def _copy(link: Any, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    names = ", ".join(f'"{each}"' for each in columns)
    with link.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
