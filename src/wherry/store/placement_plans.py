"""The plan of a client's provider, and the moves of its generation.

A provider that a client made has a plan as one of a report has it, written anew with every
change: so the fleet in memory knows both kinds alike.

The generation inside moves with every change, so that memory can follow.  Clients count with
one that stays where Placement's stays: on a change of name or place, where an allocation ends
without the provider being named, and at 0 for a uuid that comes back.  ``silent`` is the
difference.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, select, update

from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_changes
from wherry.store.placement_inventories import limited_inventory
from wherry.store.placement_providers import ProviderRow, seen_generation
from wherry.store.placement_qualities import read_traits
from wherry.store.rows import batches, upsert
from wherry.store.transaction import Tx

provider, inventory = tables.provider, tables.inventory
_parent = provider.alias("parent")


def move_on(tx: Tx, row: ProviderRow, *, now: float) -> int:
    """Move a provider's generation on after its facts changed; gives what clients see then."""
    statement = (
        update(provider)
        .where(provider.c.id == row.id)
        .values(
            generation=provider.c.generation + 1,
            facts_generation=provider.c.facts_generation + 1,
            changed_at=now,
        )
    )
    moved = tx.execute(
        statement.returning(provider.c.generation, seen_generation.label("seen"))
    ).one()
    if row.owner == "client":
        write_plan(tx, row.id)
    append_changes(tx, [("provider", row.uuid, moved.generation)])
    return int(moved.seen)


def move_silently(tx: Tx, uuids: Sequence[str]) -> None:
    """Tell the feed of a change that clients do not count."""
    for batch in batches(uuids):
        statement = (
            update(provider)
            .where(provider.c.uuid.in_(batch))
            .values(generation=provider.c.generation + 1, silent=provider.c.silent + 1)
        )
        changes = tx.rows(statement.returning(provider.c.uuid, provider.c.generation))
        append_changes(tx, [("provider", uuid, moves) for uuid, moves in changes])


def write_plan(tx: Tx, number: int) -> None:
    """Write the plan of a client's provider anew from what the tables say.

    What a host's report has attached to it stays.
    """
    body = tables.provider_plan.c
    written = tx.execute(select(body.plan).where(body.provider == number)).scalar()
    plan = read_own_plan(tx, number)
    before = plan if written is None else decode(written, PlannedProvider)
    if before.device is not UNSET:
        plan = replace(
            before,
            name=plan.name,
            parent=plan.parent,
            traits=plan.traits,
            inventories=plan.inventories,
        )
    upsert(tx, tables.provider_plan, [{"provider": number, "plan": encode(plan)}])


def read_own_plan(tx: Tx, number: int) -> PlannedProvider:
    """Make the plan of a client's provider from what the tables say of it."""
    p = provider.c
    row = tx.execute(
        select(p.name, p.uuid, _parent.c.uuid.label("parent"))
        .outerjoin(_parent, _parent.c.id == p.parent)
        .where(p.id == number)
    ).one()
    return PlannedProvider(
        uuid=row.uuid,
        name=row.name,
        parent=row.parent,
        traits=tuple(read_traits(tx, [number]).get(number, ())),
        inventories={
            each.name: limited_inventory(each)
            for each in tx.rows(_inventories(inventory.c.provider == number))
        },
    )


def _inventories(*where: ColumnElement[bool]) -> Select[Any]:
    i, name = inventory.c, tables.resource_class.c.name
    return (
        select(inventory, name)
        .join(tables.resource_class, tables.resource_class.c.id == i["class"])
        .where(i.cap.is_not(None), *where)
        .order_by(i.provider, i["class"])
    )
