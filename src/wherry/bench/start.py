"""How long a service takes until it has its fleet in memory: from the database, from a snapshot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wherry.app.placement.world import PlacementWorld
from wherry.bench.claims import require_empty
from wherry.bench.figures import Figure, once, require, resident_mb, timed
from wherry.bench.fleets import FLEETS
from wherry.bench.stored import write_fleet
from wherry.inventory.columns import Columns
from wherry.store.engine import open_store, upgrade_store
from wherry.store.transaction import Store

LOOKED_AT = 500
"""Providers that are compared one by one."""
LOOKS = 200


def time_start(url: str, folder: Path, fleet: str, hosts: int, *, seed: int) -> Iterator[Figure]:
    """Write a fleet into an empty database, and take it into memory.

    Args:
        folder: where a snapshot may be kept.

    Raises:
        BadConfiguration: the database is not empty.
        WrongAnswer: what was taken into memory is not the fleet that was written.
    """
    # Units in use would need those who hold them, or the database was not sound.
    columns = FLEETS[fleet](hosts, seed, load=0)
    upgrade_store(url)
    store = open_store(url)
    try:
        require_empty(store, url)
        written = timed(1, lambda _: store.write(lambda tx: write_fleet(tx, columns)), warm=0)
        yield once("write the fleet into the tables", hosts, written)
        yield from _time(store, folder / "columns.snapshot", columns, hosts)
    finally:
        store.close()


def _time(store: Store, path: Path, fleet: Columns, hosts: int) -> Iterator[Figure]:
    world = PlacementWorld(store, path)
    took = timed(1, lambda _: world.columns(), warm=0)
    _require_same(world.columns(), fleet)
    per_million = fleet.nbytes / fleet.rows
    note = f"{fleet.rows:,} providers, {per_million:.0f} MB a million in columns"
    yield once("start from the database", hosts, took, memory_mb=resident_mb(), note=note)
    took = timed(1, lambda _: world.save(), warm=0)
    if path.exists():
        note = f"{path.stat().st_size / 1e6:,.0f} MB"
        yield once("write the snapshot", hosts, took, note=note)
        mapped = PlacementWorld(store, path)
        yield once("start from the snapshot", hosts, timed(1, lambda _: mapped.columns(), warm=0))
        _require_same(mapped.columns(), fleet)
    yield timed(LOOKS, lambda _: world.columns()).figure("look at an idle feed", hosts)


def _require_same(one: Columns, other: Columns) -> None:
    """Make sure that two have the same trees, whatever order they stand in."""
    require(_digest(one) == _digest(other), "another fleet than was written")


def _digest(columns: Columns) -> Any:
    sums = {
        name: (len(each.eff), int(each.eff.sum()), int(each.tmax.sum()), int(each.used.sum()))
        for name, each in columns.classes.items()
    }
    uuids = sorted(each.tobytes() for each in columns.uuids)
    rows = (columns.index.row(each) for each in uuids[:: max(1, len(uuids) // LOOKED_AT)])
    seen = [None if row is None else columns.provider(row) for row in rows]
    return sums, columns.trees, columns.rows, seen
