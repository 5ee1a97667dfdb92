"""What a host's report adds to clients' providers: written under these providers' locks.

A client's generation stays where it is: whoever has made the provider goes on with the one that
it knows.  What a report says no more is taken away again, and the provider is as its client made
it.
"""

from collections.abc import Iterable, Mapping

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import delete, exists, insert, or_, select, update

from wherry.compat.query.labels import is_label
from wherry.model.inventory import Attachment, Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_changes
from wherry.store.client_plans import read_own_plans
from wherry.store.inventories import recount
from wherry.store.limits import capped
from wherry.store.placement_qualities import DERIVED, read_traits_of, write_traits
from wherry.store.plans import facts_of
from wherry.store.rows import intern, upsert
from wherry.store.transaction import Tx

provider, inventory = tables.provider, tables.inventory


def write_attached(
    tx: Tx, plans: Mapping[int, PlannedProvider], attached: Iterable[Attachment]
) -> list[str]:
    """Attach to a host's clients' providers what its report says, and nothing else.

    Args:
        plans: id to the plan, as it is now, of each provider of the host that a client has made.

    Returns the uuids of those that are other ones now.
    """
    wanted = {each.provider: each for each in attached}
    intern(tx, tables.trait, {name for each in wanted.values() for name in each.traits})
    changed = []
    for number, before in sorted(plans.items(), key=lambda pair: pair[1].uuid):
        attachment = wanted.get(before.uuid)
        if attachment is None and before.device is UNSET:
            continue
        _write_traits(tx, number, () if attachment is None else attachment.traits)
        _write_caps(tx, number, {} if attachment is None else attachment.limits)
        after = _attach(read_own_plans(tx, [number])[number], attachment)
        if after != before:
            _write(tx, number, before, after)
            changed.append(before.uuid)
    return changed


def _attach(plan: PlannedProvider, attachment: Attachment | None) -> PlannedProvider:
    if attachment is None:
        return plan
    return replace(
        plan,
        device=attachment.device,
        offers=attachment.offers,
        instances=attachment.instances,
        slots=attachment.slots,
        counts=attachment.counts,
        note=attachment.note,
    )


def _write(tx: Tx, number: int, before: PlannedProvider, after: PlannedProvider) -> None:
    body = tables.provider_plan
    if after.device is UNSET:
        tx.execute(delete(body).where(body.c.provider == number))
    else:
        upsert(tx, body, [{"provider": number, "plan": encode(after)}])
    if before.slots != after.slots:
        devices = tables.provider_device
        tx.execute(delete(devices).where(devices.c.provider == number))
        rows = [
            {"provider": number, "device": device, "rank": rank}
            for rank, device in enumerate(after.slots)
        ]
        if rows:
            tx.execute(insert(devices), rows)
    recount(tx, number, after.instances)
    p = provider.c
    moved = tx.execute(
        update(provider)
        .where(p.id == number)
        .values(
            generation=p.generation + 1,
            silent=p.silent + 1,
            facts_generation=p.facts_generation + int(facts_of(before) != facts_of(after)),
        )
        .returning(p.uuid, p.generation)
    ).one()
    append_changes(tx, [("provider", moved.uuid, moved.generation)])


def _write_traits(tx: Tx, number: int, names: tuple[str, ...]) -> None:
    """Write what a report sees; labels stand beside it, and are not of its making."""
    stored = read_traits_of(tx, number, DERIVED)
    labels = [name for name in stored if is_label(name)]
    if stored != sorted([*names, *labels]):
        write_traits(tx, number, [*names, *labels], DERIVED)


def _write_caps(tx: Tx, number: int, limits: Mapping[str, int]) -> None:
    """Hold a client's inventories to what the report knows, and let the others be."""
    c, name = inventory.c, tables.resource_class.c.name
    query = (
        select(c["class"].label("number"), name, c.total, c.reserved, c.allocation_ratio, c.cap)
        .join(tables.resource_class, tables.resource_class.c.id == c["class"])
        .where(c.provider == number, c.cap.is_not(None))
    )
    for row in tx.rows(query):
        own = Inventory(
            total=row.total, reserved=row.reserved, allocation_ratio=row.allocation_ratio
        )
        most = own.limited(limits[row.name]) if row.name in limits else own
        cap = capped(most.capacity)
        if cap != row.cap:
            statement = update(inventory).where(c.provider == number, c["class"] == row.number)
            tx.execute(statement.values(cap=cap))


def find_unrecorded(tx: Tx, host: str) -> list[str]:
    """Name who holds devices of a host that a client counts, and is on no record.

    Who holds the place of a guest on record is on record with it.
    """
    p, body, a = provider.c, tables.provider_plan.c, tables.allocation.c
    consumer, guest = tables.consumer.c, tables.guest.c
    query = select(p.id, body.plan).join(tables.provider_plan, body.provider == p.id)
    query = query.where(p.host == host, p.owner == "client", p.parent.is_not(None))
    offering = [row.id for row in tx.rows(query) if decode(row.plan, PlannedProvider).offers]
    if not offering:
        return []
    holders = (
        select(consumer.uuid)
        .distinct()
        .join(tables.allocation, a.consumer == consumer.id)
        .where(a.provider.in_(offering), consumer.type != "MIGRATION")
        .where(~exists().where(or_(guest.uuid == consumer.uuid, guest.migration == consumer.uuid)))
    )
    return list(tx.execute(holders.order_by(consumer.uuid)).scalars())
