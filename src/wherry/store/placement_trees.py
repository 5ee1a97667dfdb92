"""Providers that clients make, move in their trees, and remove."""

from functools import cache
from typing import Any

from sqlalchemy import Executable, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from wherry.store import tables
from wherry.store.changes import append_changes, tell_made
from wherry.store.client_calls import Made
from wherry.store.gone import write_last_generation
from wherry.store.placement_plans import move_silently
from wherry.store.placement_providers import ProviderRow, new_row
from wherry.store.rows import batches
from wherry.store.transaction import Dialect, Tx

provider, gone = tables.provider, tables.gone


def insert_provider(
    tx: Tx, *, uuid: str, name: str, parent: ProviderRow | None, now: float
) -> ProviderRow | None:
    """Write a client's provider that has nothing yet; None if its uuid or name is taken.

    One that comes back goes on above the generation that it had inside: whoever still holds
    the old one in memory must not take it for newer.
    """
    values = {
        "new": uuid,
        "new_name": name,
        "above": None if parent is None else parent.id,
        "now": now,
    }
    made = tx.execute(_insert(tx.dialect), values).first()
    if made is None:
        return None
    if parent is None:
        tx.execute(_ROOT_ITSELF, {"number": made.id})
    if tx.dialect == "sqlite":
        append_changes(tx, [("provider", uuid, made.generation)])
    root = uuid if parent is None else parent.root
    above = None if parent is None else parent.uuid
    plain = Made(made.id, made.generation, root)
    return new_row(plain, uuid=uuid, name=name, parent=above, now=now)


@cache
def _insert(dialect: Dialect) -> Executable:
    """Put the statement together once: that takes longer than to run it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    above = provider.alias("above")
    wanted: Any = bindparam("above", type_=provider.c.id.type)
    uuid: Any = bindparam("new", type_=provider.c.uuid.type)
    ended = select(gone.c.generation).where(gone.c.kind == "provider", gone.c.key == uuid)
    last = func.coalesce(ended.scalar_subquery(), 0)
    statement = insert(provider).values(
        uuid=uuid,
        name=bindparam("new_name"),
        host=None,
        parent=wanted,
        root=select(above.c.root).where(above.c.id == wanted).scalar_subquery(),
        owner="client",
        generation=last,
        facts_generation=last,
        silent=last,
        gone=False,
        changed_at=bindparam("now"),
    )
    statement = statement.on_conflict_do_nothing()
    shown = statement.returning(provider.c.id, provider.c.uuid, provider.c.generation)
    return tell_made(shown.cte("made")) if dialect == "postgresql" else shown


_ROOT_ITSELF = (
    update(provider).where(provider.c.id == bindparam("number")).values(root=provider.c.id)
)


def update_provider(
    tx: Tx, row: ProviderRow, *, name: str, parent: ProviderRow | None, now: float
) -> bool:
    """Rename a provider, and put it and all below it under another parent, or under none.

    Says no, and changes nothing, if the name is taken.  Its tree and the other are locked where
    it gets another parent.
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
    touched = [row.uuid]
    if moved:
        root = _number(tx, parent.root) if parent else row.id
        touched = _line(tx, row)
        for batch in batches(touched):
            tx.execute(update(provider).where(provider.c.uuid.in_(batch)).values(root=root))
    move_silently(tx, touched)
    return True


def delete_provider(tx: Tx, row: ProviderRow) -> None:
    """Remove a provider on which nothing is held and below which nothing stands."""
    for table in (
        tables.provider_plan,
        tables.provider_trait,
        tables.derived_trait,
        tables.provider_aggregate,
        tables.provider_device,
        tables.seen_instance,
        tables.placement,
        tables.view,
        tables.inventory,
    ):
        tx.execute(delete(table).where(table.c.provider == row.id))
    tx.execute(update(provider).where(provider.c.id == row.id).values(parent=None, root=None))
    tx.execute(delete(provider).where(provider.c.id == row.id))
    last = row.moves + 1
    write_last_generation(tx, "provider", row.uuid, last)
    append_changes(tx, [("provider", row.uuid, last)])


def _number(tx: Tx, uuid: str) -> int:
    number: int = tx.execute(select(provider.c.id).where(provider.c.uuid == uuid)).scalar_one()
    return number


def _line(tx: Tx, row: ProviderRow) -> list[str]:
    """A provider's uuid and those of all that stand below it."""
    tree = provider.alias("tree")
    line = select(provider.c.id).where(provider.c.id == row.id).cte("line", recursive=True)
    line = line.union_all(select(tree.c.id).join(line, tree.c.parent == line.c.id))
    query = select(provider.c.uuid).where(provider.c.id.in_(select(line.c.id)))
    return sorted(tx.execute(query).scalars())
