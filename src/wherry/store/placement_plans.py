"""The plan of a client's provider, and the moves of its generation.

A provider that a client made has a plan as one of a report has it, written anew with every
change: so the fleet in memory knows both kinds alike.

The generation inside moves with every change, so that memory can follow.  Clients count with
one that stays where Placement's stays: on a change of name or place, where an allocation ends
without the provider being named, and at 0 for a uuid that comes back.  ``silent`` is the
difference.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update

from wherry.model.inventory import Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.changes import append_changes
from wherry.store.placement_providers import ProviderRow, seen_generation
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
    """Write the plan of a client's provider anew from what the tables say."""
    p, trait, held = provider.c, tables.trait, tables.provider_trait
    row = tx.execute(
        select(p.name, p.uuid, _parent.c.uuid.label("parent"))
        .outerjoin(_parent, _parent.c.id == p.parent)
        .where(p.id == number)
    ).one()
    traits = tx.execute(
        select(trait.c.name)
        .join(held, held.c.trait == trait.c.id)
        .where(held.c.provider == number)
        .order_by(trait.c.name)
    ).scalars()
    inventories = read_limits(tx, inventory.c.provider == number).get(number, {})
    plan = PlannedProvider(
        uuid=row.uuid,
        name=row.name,
        parent=row.parent,
        traits=tuple(traits),
        inventories=inventories,
    )
    upsert(tx, tables.provider_plan, [{"provider": number, "plan": encode(plan)}])


def read_limits(tx: Tx, *where: ColumnElement[bool]) -> dict[int, dict[str, Inventory]]:
    """Read inventories without their use: id of the provider to class to inventory."""
    i, name = inventory.c, tables.resource_class.c.name
    query = (
        select(i.provider, name, i.total, i.reserved, i.min_unit, i.max_unit, i.step_size)
        .add_columns(i.allocation_ratio)
        .join(tables.resource_class, tables.resource_class.c.id == i["class"])
        .where(i.cap.is_not(None), *where)
        .order_by(i.provider, i["class"])
    )
    found: dict[int, dict[str, Inventory]] = {}
    for number, class_name, total, reserved, low, high, step, ratio in tx.rows(query):
        found.setdefault(number, {})[class_name] = Inventory(
            total=total,
            reserved=reserved,
            min_unit=low,
            max_unit=high,
            step_size=step,
            allocation_ratio=ratio,
        )
    return found
