"""Guests and their slots as stored."""

from collections.abc import Collection, Sequence

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import delete, func, insert, select, update

from wherry.model.errors import ConsumerChanged
from wherry.model.guests import Guest, Slot
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_change
from wherry.store.gone import read_last_generation, write_last_generation
from wherry.store.rows import batches
from wherry.store.transaction import Tx

guest, slot = tables.guest, tables.slot


def write_guest(tx: Tx, value: Guest) -> Guest:
    """Write a guest with its slots; gives it with its new generation.

    The caller decides on a guest that it has read with ``lock``, or on one that is new and
    has generation 0.

    Raises:
        ConsumerChanged: it is another one by now; decide again.
    """
    query = select(guest.c.generation).where(guest.c.uuid == value.uuid).with_for_update()
    before = tx.execute(query).scalar()
    if (before or 0) != value.generation:
        raise ConsumerChanged(consumer=value.uuid, expected=value.generation, found=before)
    last = read_last_generation(tx, "guest", value.uuid) if before is None else before
    written = replace(value, generation=last + 1)
    row = {
        "uuid": value.uuid,
        "host": value.host,
        "tenant": value.tenant,
        "generation": written.generation,
        "migration": None if value.migration is UNSET else value.migration,
        "body": encode(replace(written, slots={})),
    }
    if before is None:
        # One that another transaction writes just now makes this one run again.
        tx.execute(insert(guest), [row])
    else:
        tx.execute(update(guest).where(guest.c.uuid == value.uuid).values(row))
    tx.execute(delete(slot).where(slot.c.guest == value.uuid))
    rows = [
        {
            "guest": value.uuid,
            "name": name,
            "provider": one.provider,
            "type": one.type,
            "device": None if one.device is UNSET else one.device,
            "body": encode(one),
        }
        for name, one in value.slots.items()
    ]
    if rows:
        tx.execute(insert(slot), rows)
    append_change(tx, "guest", value.uuid, written.generation)
    return written


def read_guest(tx: Tx, uuid: str, *, lock: bool = False) -> Guest | None:
    """Read one guest, None where there is none; with *lock*, so that it stays as read."""
    query = select(guest.c.body).where(guest.c.uuid == uuid)
    body = tx.execute(query.with_for_update() if lock else query).scalar()
    return None if body is None else _with_slots(tx, [body])[0]


def find_guests(tx: Tx, consumers: Collection[str]) -> list[Guest]:
    """Lock and read, by uuid, the guests that are these consumers or are held by one of them."""
    names = sorted(name_guests(tx, consumers))
    locked = (read_guest(tx, uuid, lock=True) for uuid in names)
    return [one for one in locked if one is not None]


def name_guests(tx: Tx, consumers: Collection[str]) -> set[str]:
    """Name the guests that are these consumers or are held by one of them."""
    found: set[str] = set()
    for batch in batches(sorted(consumers)):
        for column in (guest.c.uuid, guest.c.migration):
            found.update(tx.execute(select(guest.c.uuid).where(column.in_(batch))).scalars())
    return found


def read_guests(
    tx: Tx,
    *,
    uuids: Sequence[str] | None = None,
    host: str | None = None,
    tenant: str | None = None,
    provider: str | None = None,
    limit: int | None = None,
    marker: str | None = None,
) -> list[Guest]:
    """Read guests in order of uuid: those named, on a host, of a tenant, with a slot there.

    With *limit* that many at most, and with *marker* those whose uuid comes after it.
    """
    query = select(guest.c.body).order_by(guest.c.uuid).limit(limit)
    if marker is not None:
        query = query.where(guest.c.uuid > marker)
    if uuids is not None:
        query = query.where(guest.c.uuid.in_(uuids))
    if host is not None:
        query = query.where(guest.c.host == host)
    if tenant is not None:
        query = query.where(guest.c.tenant == tenant)
    if provider is not None:
        holders = select(slot.c.guest).where(slot.c.provider == provider)
        query = query.where(guest.c.uuid.in_(holders))
    return _with_slots(tx, tx.execute(query).scalars().all())


def read_tenants(tx: Tx, uuids: Sequence[str]) -> dict[str, str]:
    """Give the tenant of each of these guests that there is."""
    found: dict[str, str] = {}
    for batch in batches(list(uuids)):
        query = select(guest.c.uuid, guest.c.tenant).where(guest.c.uuid.in_(batch))
        found.update(tx.rows(query))
    return found


def remove_guest(tx: Tx, uuid: str) -> bool:
    """Remove a guest with its slots; says whether there was one."""
    tx.execute(delete(slot).where(slot.c.guest == uuid))
    statement = delete(guest).where(guest.c.uuid == uuid).returning(guest.c.generation)
    generation = tx.execute(statement).scalar()
    if generation is None:
        return False
    write_last_generation(tx, "guest", uuid, generation + 1)
    append_change(tx, "guest", uuid, generation + 1)
    return True


def _with_slots(tx: Tx, bodies: Sequence[str]) -> list[Guest]:
    guests = {one.uuid: one for one in (decode(body, Guest) for body in bodies)}
    slots: dict[str, dict[str, Slot]] = {uuid: {} for uuid in guests}
    for batch in batches(list(guests)):
        query = select(slot.c.guest, slot.c.name, slot.c.body).where(slot.c.guest.in_(batch))
        for uuid, name, body in tx.rows(query.order_by(slot.c.guest, slot.c.name)):
            slots[uuid][name] = decode(body, Slot)
    return [replace(one, slots=slots[uuid]) for uuid, one in guests.items()]


def read_guest_names(tx: Tx, host: str) -> list[str]:
    """Name the guests on a host, in order of uuid."""
    query = select(guest.c.uuid).where(guest.c.host == host).order_by(guest.c.uuid)
    return list(tx.execute(query).scalars())


def count_guests(tx: Tx) -> dict[str, int]:
    """Count the guests on each host that has any."""
    return dict(tx.rows(select(guest.c.host, func.count()).group_by(guest.c.host)))
