"""Writes a fleet straight into the tables of an empty database of Wherry's.

What is in the tables then is what clients' calls would have left there, but for times and
generations, and for those who hold the units in use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wherry.bench.figures import require
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
            copy_rows(tx.driver, table, columns, rows)
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
    put("provider", (*names, "gone"), ((*row, *also) for row in provider_rows(fleet)))
    put("provider_trait", ("provider", "trait"), trait_rows(fleet, numbers))
    put("provider_aggregate", ("provider", "aggregate"), aggregate_rows(fleet))
    put("inventory", _INVENTORY, _inventories(fleet, classes))


_INVENTORY = (
    "provider", "class", "total", "reserved", "min_unit", "max_unit", "step_size",
    "allocation_ratio", "cap", "used", "charged", "stray",
)  # fmt: skip


def _inventories(fleet: Columns, classes: Mapping[str, int]) -> Iterator[Row]:
    for row, number, held, used in inventory_rows(fleet, classes):
        limits = (held.total, held.reserved, held.min_unit, held.max_unit, held.step_size)
        yield row, number, *limits, held.allocation_ratio, held.capacity, used, used, 0


def provider_rows(fleet: Columns) -> Iterator[Row]:
    """Id, uuid, name, parent, root; hosts are of one shape."""
    require(len(fleet.shapes) == 1, "hosts of several shapes")
    above = fleet.shapes[0].parents
    for row, text in enumerate(fleet.uuid_texts(np.arange(fleet.rows))):
        uuid, place = text.decode(), row % len(above)
        root = row - place
        parent = None if place == 0 else root + above[place] + 1
        yield row + 1, uuid, uuid, parent, root + 1


def trait_rows(fleet: Columns, numbers: Mapping[str, int]) -> Iterator[Row]:
    """Provider and trait, by *numbers* of names."""
    sets = [[numbers[name] for name in each] for each in fleet.trait_sets.values]
    return ((row, each) for row, one in enumerate(fleet.traits.tolist(), 1) for each in sets[one])


def aggregate_rows(fleet: Columns) -> Iterator[Row]:
    """Provider and uuid of an aggregate that it is in."""
    sets = list(fleet.aggregate_sets.values)
    ids = enumerate(fleet.aggregates.tolist(), 1)
    return ((row, each) for row, one in ids for each in sets[one])


def inventory_rows(
    fleet: Columns, classes: Mapping[str, int]
) -> Iterator[tuple[int, int, Inventory, int]]:
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


def copy_rows(link: Any, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows into a table of PostgreSQL."""
    names = ", ".join(f'"{each}"' for each in columns)
    with link.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
