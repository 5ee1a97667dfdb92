"""Writes a fleet straight into the tables of the peer's own empty database.

Told call by call it takes an hour for ten thousand hosts.  What is in the tables then is what the
calls would have left there, but for times and generations.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wherry.bench.stored import (
    Row,
    aggregate_rows,
    copy_rows,
    inventory_rows,
    provider_rows,
    trait_rows,
)
from wherry.inventory.columns import Columns


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
        rows = ((*row, 0) for row in provider_rows(fleet))
        copy_rows(link, "resource_providers", names, rows)
        own = ("resource_provider_id", "trait_id")
        copy_rows(link, "resource_provider_traits", own, trait_rows(fleet, traits))
        member = ((row, groups[uuid]) for row, uuid in aggregate_rows(fleet))
        names = ("resource_provider_id", "aggregate_id")
        copy_rows(link, "resource_provider_aggregates", names, member)
        copy_rows(link, "inventories", _PEER_INVENTORY, _peer_inventories(fleet, classes))
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
    for row, number, held, used in inventory_rows(fleet, classes):
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
