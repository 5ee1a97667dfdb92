"""What consumers hold, as a claim says it: read, changed, and written back by the next one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import func, select, union

from wherry.model.claims import Holding, Occupant
from wherry.store import tables
from wherry.store.body import decode
from wherry.store.rows import batches
from wherry.store.transaction import Tx

allocation, consumer, occupant = tables.allocation, tables.consumer, tables.occupant
provider, resource_class = tables.provider, tables.resource_class
SCALAR: Any = str | int | bool
"""What an exclusive value is."""


def read_holding(tx: Tx, uuid: str, *, lock: bool = False) -> Holding:
    """Read all that one consumer holds, with the generation that it has now.

    A claim with this holding changes nothing, and fails if the consumer has moved on since.
    A consumer that does not exist holds nothing, and shall not exist (generation None).

    Args:
        lock: keep it as it is read, as `lock_holdings` does: where it may be written down
            without a claim.
    """
    if lock:
        lock_holdings(tx, [uuid])
    return read_holdings(tx, [uuid])[uuid]


def read_holdings(tx: Tx, uuids: Iterable[str]) -> dict[str, Holding]:
    """Read what several consumers hold, by uuid; see `read_holding`."""
    holdings = {uuid: Holding(consumer=uuid, expected_generation=None) for uuid in uuids}
    for batch in batches(sorted(holdings)):
        found = _read_consumers(tx, batch)
        _add_allocations(tx, found)
        _add_occupants(tx, found)
        holdings.update({holding.consumer: holding for holding in found.values()})
    return holdings


def find_holders(tx: Tx, uuid: str) -> tuple[str, ...]:
    """Name the consumers that hold something of a provider."""
    number = select(provider.c.id).where(provider.c.uuid == uuid).scalar_subquery()
    holders = (
        select(table.c.consumer).where(table.c.provider == number)
        for table in (allocation, occupant)
    )
    query = select(consumer.c.uuid).where(consumer.c.id.in_(union(*holders)))
    return tuple(tx.execute(query.order_by(consumer.c.uuid)).scalars())


class HeldRow(NamedTuple):
    """Units of one class that a consumer holds on a provider, with whose they are."""

    provider: str
    consumer: str
    type: str
    resource_class: str
    used: int
    guest: str | None
    """uuid of the guest that it is, or that it is held for as a migration; None: of no guest."""


def read_held(tx: Tx, host: str) -> list[HeldRow]:
    """Read what is held of a host's providers, in order of provider, consumer and class."""
    a, guest, migration = allocation.c, tables.guest, tables.migration
    query = (
        select(
            provider.c.uuid,
            consumer.c.uuid,
            consumer.c.type,
            resource_class.c.name,
            a.used,
            func.coalesce(guest.c.uuid, migration.c.guest),
        )
        .join(provider, provider.c.id == a.provider)
        .join(consumer, consumer.c.id == a.consumer)
        .join(resource_class, resource_class.c.id == a["class"])
        .outerjoin(guest, guest.c.uuid == consumer.c.uuid)
        .outerjoin(migration, migration.c.uuid == consumer.c.uuid)
        .where(provider.c.host == host)
        .order_by(provider.c.uuid, consumer.c.uuid, resource_class.c.name)
    )
    return [HeldRow(*row) for row in tx.rows(query)]


def read_strays(tx: Tx, host: str) -> dict[str, list[str]]:
    """Read the instances on a host that nobody allocated, by provider; each list in order."""
    seen = tables.seen_instance.c
    query = (
        select(provider.c.uuid, seen.device)
        .join(provider, provider.c.id == seen.provider)
        .where(provider.c.host == host, seen.stray)
        .order_by(provider.c.uuid, seen.device)
    )
    found: dict[str, list[str]] = {}
    for uuid, device in tx.rows(query):
        found.setdefault(uuid, []).append(device)
    return found


def lock_holdings(tx: Tx, uuids: Iterable[str]) -> None:
    """Keep what consumers hold as it is until the transaction ends.

    For those that exist: one that does not can still come to hold something.
    """
    c = consumer.c
    for batch in batches(sorted(uuids)):
        query = select(c.id).where(c.uuid.in_(batch)).order_by(c.uuid)
        tx.execute(query.with_for_update()).all()


def _read_consumers(tx: Tx, uuids: Iterable[str]) -> dict[int, Holding]:
    query = select(consumer).where(consumer.c.uuid.in_(uuids))
    return {
        row.id: Holding(
            consumer=row.uuid,
            consumer_type=row.type,
            project=row.project,
            user=row.user_id,
            expected_generation=row.generation,
        )
        for row in tx.rows(query)
    }


def _add_allocations(tx: Tx, found: dict[int, Holding]) -> None:
    a = allocation.c
    query = (
        select(a.consumer, provider.c.uuid, resource_class.c.name, a.used)
        .join(provider, provider.c.id == a.provider)
        .join(resource_class, resource_class.c.id == a["class"])
        .where(a.consumer.in_(found))
        .order_by(provider.c.uuid, resource_class.c.name)
    )
    allocations: dict[int, dict[str, dict[str, int]]] = {number: {} for number in found}
    for number, uuid, name, units in tx.rows(query):
        allocations[number].setdefault(uuid, {})[name] = units
    for number, units_of in allocations.items():
        found[number] = replace(found[number], allocations=units_of)


def _add_occupants(tx: Tx, found: dict[int, Holding]) -> None:
    o = occupant.c
    query = (
        select(o.consumer, provider.c.uuid, o.slot, o.type, o.exclusive, o.device, o.place)
        .join(provider, provider.c.id == o.provider)
        .where(o.consumer.in_(found))
        .order_by(provider.c.uuid, o.slot)
    )
    occupants: dict[int, list[Occupant]] = {number: [] for number in found}
    for row in tx.rows(query):
        occupants[row.consumer].append(_occupant(row))
    for number, held in occupants.items():
        found[number] = replace(found[number], occupants=tuple(held))


def _occupant(row: Any) -> Occupant:
    exclusive = None if row.exclusive is None else decode(row.exclusive, SCALAR)
    return Occupant(
        provider=row.uuid,
        slot=row.slot,
        type=row.type,
        exclusive=exclusive,
        device=UNSET if row.device is None else row.device,
        place=UNSET if row.place is None else row.place,
    )
