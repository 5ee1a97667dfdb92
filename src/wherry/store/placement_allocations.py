"""Allocations and usages as Placement's clients read them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import UNSET
from sqlalchemy import distinct, func, select
from sqlalchemy.dialects import postgresql, sqlite

from wherry.model.claims import Occupant
from wherry.store import tables
from wherry.store.body import decode
from wherry.store.placement_providers import ProviderRow, seen_generation
from wherry.store.rows import batches
from wherry.store.transaction import Tx

allocation, consumer = tables.allocation, tables.consumer
provider, resource_class = tables.provider, tables.resource_class
UNKNOWN = "unknown"
"""Type of a consumer that was made by a client that knew of no types."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What one consumer holds.

    Attributes:
        allocations: provider to class to units.
        generations: of those providers.
    """

    uuid: str
    type: str
    project: str
    user: str
    generation: int
    changed_at: float | None
    allocations: dict[str, dict[str, int]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)


def read_holdings(tx: Tx, uuids: Iterable[str]) -> dict[str, Held]:
    """Read what consumers hold; those that hold nothing do not exist."""
    found: dict[str, Held] = {}
    for batch in batches(sorted(set(uuids))):
        _fill(tx, found, consumer.c.uuid.in_(batch))
    return found


def read_held_on(tx: Tx, row: ProviderRow) -> dict[str, Held]:
    """Read what consumers hold on one provider."""
    found: dict[str, Held] = {}
    _fill(tx, found, allocation.c.provider == row.id)
    return found


def _fill(tx: Tx, found: dict[str, Held], condition: object) -> None:
    c = consumer.c
    query = (
        select(c.uuid, c.type, c.project, c.user_id, c.generation, c.changed_at)
        .add_columns(
            provider.c.uuid.label("provider"),
            seen_generation.label("provider_generation"),
            resource_class.c.name.label("class_name"),
            allocation.c.used,
        )
        .select_from(allocation)
        .join(consumer, c.id == allocation.c.consumer)
        .join(provider, provider.c.id == allocation.c.provider)
        .join(resource_class, resource_class.c.id == allocation.c["class"])
        .where(condition)  # type: ignore[arg-type]  # a condition of either table
        .order_by(c.id, allocation.c.provider, allocation.c["class"])
    )
    for row in tx.execute(query):
        held = found.get(row.uuid)
        if held is None:
            held = found[row.uuid] = Held(
                uuid=row.uuid,
                type=row.type,
                project=row.project,
                user=row.user_id,
                generation=row.generation,
                changed_at=row.changed_at,
            )
        held.allocations.setdefault(row.provider, {})[row.class_name] = row.used
        held.generations[row.provider] = row.provider_generation


def read_occupants(tx: Tx, uuids: Iterable[str]) -> dict[str, list[Occupant]]:
    """Read which devices consumers hold."""
    o = tables.occupant.c
    found: dict[str, list[Occupant]] = {}
    for batch in batches(sorted(set(uuids))):
        query = (
            select(consumer.c.uuid, provider.c.uuid, o.slot, o.type, o.exclusive, o.device)
            .add_columns(o.place)
            .join(consumer, consumer.c.id == o.consumer)
            .join(provider, provider.c.id == o.provider)
            .where(consumer.c.uuid.in_(batch))
            .order_by(consumer.c.uuid, o.slot)
        )
        for holder, on, slot, kind, exclusive, device, place in tx.rows(query):
            value = None if exclusive is None else decode(exclusive, str | int | bool)  # type: ignore[arg-type]
            occupant = Occupant(
                provider=on,
                slot=slot,
                type=kind,
                exclusive=value,
                device=UNSET if device is None else device,
                place=UNSET if place is None else place,
            )
            found.setdefault(holder, []).append(occupant)
    return found


def open_consumers(tx: Tx, uuids: Iterable[str]) -> frozenset[str]:
    """Lock consumers in order of uuid, as claims do; gives those that were not there.

    These are there from now on, at generation 0, until a claim of the same transaction makes
    them hold something or ends them.
    """
    opened = set()
    for uuid in sorted(set(uuids)):
        query = select(consumer.c.id).where(consumer.c.uuid == uuid).with_for_update()
        while tx.execute(query).first() is None:
            if _is_made(tx, uuid):
                opened.add(uuid)
                break
    return frozenset(opened)


def _is_made(tx: Tx, uuid: str) -> bool:
    """Make a consumer; no if another transaction has just made it."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    row = {"uuid": uuid, "generation": 0, "type": UNKNOWN, "project": "", "user_id": ""}
    statement = insert(consumer).values(row).on_conflict_do_nothing()
    return tx.execute(statement.returning(consumer.c.id)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the consumers of one type hold together."""

    type: str
    consumers: int
    used: dict[str, int]


def read_usages(
    tx: Tx, *, project: str, user: str | None = None, kind: str | None = None
) -> list[Usage]:
    """Sum up what a project's consumers hold, by their type.

    Args:
        kind: only consumers of this type.
    """
    c = consumer.c
    where = [c.project == project]
    if user is not None:
        where.append(c.user_id == user)
    if kind is not None:
        where.append(c.type == kind)
    counted = (
        select(c.type, func.count(distinct(c.id)))
        .join(allocation, allocation.c.consumer == c.id)
        .where(*where)
        .group_by(c.type)
    )
    summed = (
        select(c.type, resource_class.c.name, func.sum(allocation.c.used))
        .join(allocation, allocation.c.consumer == c.id)
        .join(resource_class, resource_class.c.id == allocation.c["class"])
        .where(*where)
        .group_by(c.type, resource_class.c.name)
        .order_by(c.type, resource_class.c.name)
    )
    usages = {
        name: Usage(type=name, consumers=number, used={}) for name, number in tx.rows(counted)
    }
    for name, class_name, used in tx.rows(summed):
        usages[name].used[class_name] = int(used)
    return [usages[name] for name in sorted(usages)]
