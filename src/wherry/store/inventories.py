"""Inventories of a provider, and what counts against them besides allocations.

Both functions need the provider's lock.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

from msgspec import UNSET
from sqlalchemy import delete, insert, select, update

from wherry.model.inventory import Inventory, PlannedProvider, SeenInstance
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.rows import intern, upsert
from wherry.store.transaction import Tx

inventory, view, seen = tables.inventory, tables.view, tables.seen_instance


def write_inventories(tx: Tx, number: int, planned: PlannedProvider) -> None:
    """Make a provider's inventories and views what a plan says.

    A class of which something is held stays, with nothing to give, so that it can be let go; a
    view goes on charging its pools for what is held.

    Args:
        number: the provider's id.
    """
    pools = {name for kept in planned.views.values() for name in kept.units}
    classes = intern(
        tx, tables.resource_class, planned.inventories.keys() | planned.views.keys() | pools
    )
    old = _read(tx, number)
    wanted = {classes[name]: limits_of(row) for name, row in planned.inventories.items()}
    wanted |= {classes[name]: VIEW_ROW for name in planned.views}
    held = {key: row["used"] for key, row in old.items() if row["used"]}
    _write_views(tx, number, planned, classes, held.keys() - wanted.keys())
    charged = _charges(tx, number, held, wanted)
    rows = []
    for key in wanted.keys() | held.keys() | charged.keys():
        limits = wanted.get(key, _NOTHING)
        before = old.get(key, _NEW)
        stray = 0 if limits["cap"] is None else before["stray"]
        rows.append(
            {"provider": number, "class": key, **limits, "used": before["used"]}
            | {"charged": charged[key], "stray": stray}
        )
    upsert(tx, inventory, rows)
    dead = old.keys() - {row["class"] for row in rows}
    if dead:
        c = inventory.c
        tx.execute(delete(inventory).where(c.provider == number, c["class"].in_(sorted(dead))))


def recount(tx: Tx, number: int, instances: Sequence[SeenInstance]) -> None:
    """Count anew the units of instances on the host that nobody has allocated.

    An instance is somebody's if an occupant has its device.  Occupants whose device is not
    known yet are probably instances of their type: so many of those do not count.

    Args:
        number: the provider's id.
        instances: what the host reports now.
    """
    tx.execute(delete(seen).where(seen.c.provider == number))
    stray = _strays(tx, number, [(one.id, one.type) for one in instances])
    rows = [
        {
            "provider": number,
            "device": one.id,
            "type": one.type,
            "units": encode(one.units),
            "exclusive": None if one.exclusive is None else encode(one.exclusive),
            "stray": one.id in stray,
            "place": None if one.place is UNSET else one.place,
        }
        for one in instances
    ]
    if rows:
        tx.execute(insert(seen), rows)
    totals: Counter[str] = Counter()
    for one in instances:
        if one.id in stray:
            totals.update(one.units)
    _write_strays(tx, number, totals)


def _read(tx: Tx, number: int) -> dict[int, dict[str, Any]]:
    c = inventory.c
    query = select(c["class"], c.cap, c.used, c.stray).where(c.provider == number)
    return {row["class"]: dict(row) for row in tx.execute(query).mappings()}


def limits_of(limits: Inventory) -> dict[str, Any]:
    """Give the columns of an inventory that a plan says."""
    return {
        "total": limits.total,
        "reserved": limits.reserved,
        "min_unit": limits.min_unit,
        "max_unit": limits.max_unit,
        "step_size": limits.step_size,
        "allocation_ratio": limits.allocation_ratio,
        "cap": limits.capacity,
    }


_NOTHING = limits_of(Inventory(total=0))
VIEW_ROW: dict[str, Any] = {**_NOTHING, "cap": None}
_NEW = {"used": 0, "stray": 0}


def _write_views(
    tx: Tx, number: int, planned: PlannedProvider, classes: Mapping[str, int], kept: Set[int]
) -> None:
    """Replace the views, but keep those of classes in *kept*: no more there, and still held."""
    c = view.c
    tx.execute(delete(view).where(c.provider == number, c["class"].not_in(sorted(kept))))
    rows = [
        {"provider": number, "class": classes[name], "pool": classes[pool], "units": units}
        for name, one in planned.views.items()
        for pool, units in one.units.items()
    ]
    if rows:
        tx.execute(insert(view), rows)


def _charges(
    tx: Tx, number: int, held: Mapping[int, int], wanted: Mapping[int, Mapping[str, Any]]
) -> Counter[int]:
    """Count what each pool is charged: its own allocations, and those of its views.

    A view that is wanted has no charge of its own; one that is no more has, and gives nothing.
    """
    c = view.c
    charged = Counter(
        {key: units for key, units in held.items() if wanted.get(key) is not VIEW_ROW}
    )
    for key, pool, units in tx.rows(
        select(c["class"], c.pool, c.units).where(c.provider == number)
    ):
        charged[pool] += held.get(key, 0) * units
    return +charged


def _strays(tx: Tx, number: int, known: Sequence[tuple[str, str]]) -> set[str]:
    if not known:
        return set()
    c = tables.occupant.c
    query = select(c.device, c.type).where(c.provider == number)
    occupants = tx.rows(query)
    held = {device for device, _ in occupants}
    nameless = Counter(kind for device, kind in occupants if device is None)
    stray = set()
    for device, kind in sorted(known):
        if device in held:
            continue
        if nameless[kind]:
            nameless[kind] -= 1
        else:
            stray.add(device)
    return stray


def _write_strays(tx: Tx, number: int, totals: Mapping[str, int]) -> None:
    c = inventory.c
    classes = intern(tx, tables.resource_class, totals)
    wanted = {classes[name]: units for name, units in totals.items() if units}
    query = select(c["class"], c.stray).where(c.provider == number, c.cap.is_not(None))
    for key, stray in tx.rows(query):
        if wanted.get(key, 0) != stray:
            statement = update(inventory).where(c.provider == number, c["class"] == key)
            tx.execute(statement.values(stray=wanted.get(key, 0)))
