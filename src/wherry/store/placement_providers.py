"""Resource providers as Placement's clients see and write them.

A provider that a client made has a plan as one of a report has it, written anew with every
change: so the fleet in memory knows both kinds alike.  Whoever writes locks first.

The generation inside moves with every change, so that memory can follow.  Clients count with
one that stays where Placement's stays: on a change of name or place, where an allocation ends
without the provider being named, and at 0 for a uuid that comes back.  ``silent`` is the
difference.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, insert, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from wherry.model.inventory import Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.changes import append_changes
from wherry.store.rows import batches, intern, upsert
from wherry.store.transaction import Tx

provider, inventory = tables.provider, tables.inventory
_parent, _root = provider.alias("parent"), provider.alias("root")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One provider without what it has.

    Attributes:
        generation: the one that clients count with.
        moves: the one inside.
        changed_at: None where nobody wrote that down.
    """

    id: int
    uuid: str
    name: str
    generation: int
    moves: int
    parent: str | None
    root: str
    owner: Literal["report", "client"]
    changed_at: float | None


seen_generation = provider.c.generation - provider.c.silent
_columns = (
    provider.c.id,
    provider.c.uuid,
    provider.c.name,
    seen_generation.label("generation"),
    provider.c.generation.label("moves"),
    _parent.c.uuid.label("parent"),
    _root.c.uuid.label("root"),
    provider.c.owner,
    provider.c.changed_at,
)


def find_providers(tx: Tx, *where: ColumnElement[bool]) -> list[ProviderRow]:
    """Read the providers that meet conditions on the table ``provider``, oldest first."""
    query = (
        select(*_columns)
        .join(_root, _root.c.id == provider.c.root)
        .outerjoin(_parent, _parent.c.id == provider.c.parent)
        .where(*where or (true(),))
        .order_by(provider.c.id)
    )
    return [ProviderRow(**row) for row in tx.execute(query).mappings()]


def find_provider(tx: Tx, uuid: str) -> ProviderRow | None:
    """Read one provider; None where there is none."""
    return next(iter(find_providers(tx, provider.c.uuid == uuid)), None)


def read_named(tx: Tx, uuids: Iterable[str]) -> dict[str, ProviderRow]:
    """Read providers by uuid; those that are there."""
    found: dict[str, ProviderRow] = {}
    for batch in batches(sorted(set(uuids))):
        found |= {row.uuid: row for row in find_providers(tx, provider.c.uuid.in_(batch))}
    return found


def lock_providers(tx: Tx, uuids: Iterable[str]) -> dict[str, ProviderRow]:
    """Lock providers in order of uuid, as claims do, and read them; those that are there."""
    wanted = sorted(set(uuids))
    for batch in batches(wanted):
        query = select(provider.c.id).where(provider.c.uuid.in_(batch))
        tx.execute(query.order_by(provider.c.uuid).with_for_update()).all()
    return read_named(tx, wanted)


def lock_tree(tx: Tx, root: str) -> list[ProviderRow]:
    """Lock a whole tree in order of uuid, and read it."""
    row = find_providers(tx, provider.c.uuid == root)[0]
    query = select(provider.c.id).where(in_tree_of(row)).order_by(provider.c.uuid)
    tx.execute(query.with_for_update()).all()
    return find_providers(tx, in_tree_of(row))


def in_tree_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition: of the same tree as this provider."""
    member = provider.alias("member")
    root = select(member.c.root).where(member.c.id == row.id).scalar_subquery()
    return provider.c.root == root


def is_taken(tx: Tx, *, uuid: str | None = None, name: str | None = None) -> bool:
    """Whether a provider has this uuid or name."""
    condition = provider.c.uuid == uuid if uuid is not None else provider.c.name == name
    return tx.execute(select(provider.c.id).where(condition)).first() is not None


def insert_provider(
    tx: Tx, *, uuid: str, name: str, parent: ProviderRow | None, now: float
) -> ProviderRow | None:
    """Write a client's provider that has nothing yet; None if its uuid or name is taken.

    One that comes back goes on above the generation that it had inside: whoever still holds
    the old one in memory must not take it for newer.
    """
    gone = tables.gone.c
    query = select(gone.generation).where(gone.kind == "provider", gone.key == uuid)
    last = tx.execute(query).scalar() or 0
    insert_ = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    statement = insert_(provider).values(
        uuid=uuid,
        name=name,
        host=None,
        parent=parent.id if parent else None,
        root=_number(tx, parent.root) if parent else None,
        owner="client",
        generation=last,
        facts_generation=last,
        silent=last,
        gone=False,
        changed_at=now,
    )
    statement = statement.on_conflict_do_nothing()
    number = tx.execute(statement.returning(provider.c.id)).scalar()
    if number is None:
        return None
    if parent is None:
        tx.execute(update(provider).where(provider.c.id == number).values(root=number))
    write_plan(tx, number)
    append_changes(tx, [("provider", uuid, last)])
    return find_providers(tx, provider.c.uuid == uuid)[0]


def update_provider(
    tx: Tx, row: ProviderRow, *, name: str, parent: ProviderRow | None, now: float
) -> bool:
    """Rename a provider, and put it and all below it under another parent, or under none.

    Says no, and changes nothing, if the name is taken.
    """
    values: dict[str, Any] = {"name": name, "changed_at": now}
    moved = (parent.uuid if parent else None) != row.parent
    if moved:
        values["parent"] = parent.id if parent else None
    try:
        with tx.connection.begin_nested():
            tx.execute(update(provider).where(provider.c.id == row.id).values(values))
    except IntegrityError:
        return False
    if moved:
        root = _number(tx, parent.root) if parent else row.id
        below = _below(tx, row)
        for batch in batches(below):
            tx.execute(update(provider).where(provider.c.id.in_(batch)).values(root=root))
    write_plan(tx, row.id)
    move_silently(tx, [row.uuid], "provider")
    return True


def delete_provider(tx: Tx, row: ProviderRow) -> None:
    """Remove a provider on which nothing is held and below which nothing stands."""
    for table in (
        tables.provider_plan,
        tables.provider_trait,
        tables.provider_aggregate,
        tables.provider_device,
        tables.seen_instance,
        tables.view,
        tables.inventory,
    ):
        tx.execute(delete(table).where(table.c.provider == row.id))
    tx.execute(update(provider).where(provider.c.id == row.id).values(parent=None, root=None))
    tx.execute(delete(provider).where(provider.c.id == row.id))
    last = row.moves + 1
    upsert(tx, tables.gone, [{"kind": "provider", "key": row.uuid, "generation": last}])
    append_changes(tx, [("provider", row.uuid, last)])


def has_children(tx: Tx, row: ProviderRow) -> bool:
    """Whether a provider has others below it."""
    query = select(provider.c.id).where(provider.c.parent == row.id).limit(1)
    return tx.execute(query).first() is not None


def is_held(tx: Tx, row: ProviderRow) -> bool:
    """Whether any consumer holds something on a provider."""
    held = tables.allocation
    query = select(held.c.provider).where(held.c.provider == row.id).limit(1)
    return tx.execute(query).first() is not None


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


def count_claim(tx: Tx, *, moved: Collection[str], named: Collection[str], now: float) -> None:
    """Make a claim move the generations that clients count with as Placement's move.

    Args:
        moved: providers whose generation the claim has moved on.
        named: providers that the client has named: these move for it, and no others.
    """
    for batch in batches(sorted(moved)):
        tx.execute(update(provider).where(provider.c.uuid.in_(batch)).values(changed_at=now))
    for batch in batches(sorted(set(moved) - set(named))):
        silent = update(provider).where(provider.c.uuid.in_(batch))
        tx.execute(silent.values(silent=provider.c.silent + 1))
    for batch in batches(sorted(set(named) - set(moved))):
        statement = update(provider).where(provider.c.uuid.in_(batch))
        statement = statement.values(generation=provider.c.generation + 1, changed_at=now)
        changes = tx.rows(statement.returning(provider.c.uuid, provider.c.generation))
        append_changes(tx, [("use", uuid, moves) for uuid, moves in changes])


def move_silently(tx: Tx, uuids: Sequence[str], kind: str) -> None:
    """Tell the feed of a change that clients do not count."""
    for batch in batches(uuids):
        statement = (
            update(provider)
            .where(provider.c.uuid.in_(batch))
            .values(generation=provider.c.generation + 1, silent=provider.c.silent + 1)
        )
        changes = tx.rows(statement.returning(provider.c.uuid, provider.c.generation))
        append_changes(tx, [(kind, uuid, moves) for uuid, moves in changes])


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


def write_traits(tx: Tx, row: ProviderRow, names: Iterable[str]) -> None:
    """Make the traits of a provider these."""
    wanted = intern(tx, tables.trait, names)
    held = tables.provider_trait
    tx.execute(delete(held).where(held.c.provider == row.id))
    if wanted:
        rows = [{"provider": row.id, "trait": number} for number in sorted(wanted.values())]
        tx.execute(insert(held), rows)


def read_traits(tx: Tx, *where: ColumnElement[bool]) -> dict[int, dict[str, float | None]]:
    """Read traits: id of the provider to trait to the time at which the trait was made."""
    trait, held = tables.trait, tables.provider_trait
    query = (
        select(held.c.provider, trait.c.name, trait.c.created_at)
        .join(trait, trait.c.id == held.c.trait)
        .where(*where or (true(),))
        .order_by(trait.c.name)
    )
    found: dict[int, dict[str, float | None]] = {}
    for number, name, created_at in tx.rows(query):
        found.setdefault(number, {})[name] = created_at
    return found


def write_aggregates(tx: Tx, row: ProviderRow, uuids: Sequence[str]) -> None:
    """Make the aggregates that a provider belongs to these."""
    table = tables.provider_aggregate
    tx.execute(delete(table).where(table.c.provider == row.id))
    if uuids:
        rows = [{"provider": row.id, "aggregate": uuid} for uuid in dict.fromkeys(uuids)]
        tx.execute(insert(table), rows)


def read_aggregates(tx: Tx, *where: ColumnElement[bool]) -> dict[int, list[str]]:
    """Read aggregates: id of the provider to those that it belongs to."""
    table = tables.provider_aggregate
    query = select(table.c.provider, table.c.aggregate).where(*where or (true(),))
    found: dict[int, list[str]] = {}
    for number, uuid in tx.rows(query.order_by(table.c.aggregate)):
        found.setdefault(number, []).append(uuid)
    return found


def _number(tx: Tx, uuid: str) -> int:
    number: int = tx.execute(select(provider.c.id).where(provider.c.uuid == uuid)).scalar_one()
    return number


def _below(tx: Tx, row: ProviderRow) -> list[int]:
    """A provider's id and those of all that stand below it."""
    tree = provider.alias("tree")
    line = select(provider.c.id).where(provider.c.id == row.id).cte("line", recursive=True)
    line = line.union_all(select(tree.c.id).join(line, tree.c.parent == line.c.id))
    return sorted(tx.execute(select(line.c.id)).scalars())


def traits_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition of `read_traits`: those of one provider."""
    return tables.provider_trait.c.provider == row.id


def aggregates_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition of `read_aggregates`: those of one provider."""
    return tables.provider_aggregate.c.provider == row.id
