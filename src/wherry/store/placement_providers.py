"""Resource providers as Placement's clients see them; whoever writes locks first.

All writers take rows in one order: consumers by uuid, then providers by uuid, then names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, select, true

from wherry.store import tables
from wherry.store.rows import batches
from wherry.store.transaction import Tx

provider = tables.provider
_parent, _root = provider.alias("parent"), provider.alias("root")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One provider without what it has.

    Attributes:
        generation: the one that clients count with.
        moves: the one inside.
        host: whose report knows it; None where it is a client's alone.
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
    host: str | None
    changed_at: float | None


seen_generation = provider.c.generation - provider.c.silent
"""The one that clients count with."""
_columns = (
    provider.c.id,
    provider.c.uuid,
    provider.c.name,
    seen_generation.label("generation"),
    provider.c.generation.label("moves"),
    _parent.c.uuid.label("parent"),
    _root.c.uuid.label("root"),
    provider.c.owner,
    provider.c.host,
    provider.c.changed_at,
)
_every = (
    select(*_columns)
    .join(_root, _root.c.id == provider.c.root)
    .outerjoin(_parent, _parent.c.id == provider.c.parent)
    .order_by(provider.c.id)
)
# Made once: to put it together takes longer than to run it.
_one = _every.where(provider.c.uuid == bindparam("wanted"))


def find_providers(tx: Tx, *where: ColumnElement[bool]) -> list[ProviderRow]:
    """Read the providers that meet conditions on the table ``provider``, oldest first."""
    query = _every.where(*where or (true(),))
    return [ProviderRow(**row) for row in tx.execute(query).mappings()]


def find_provider(tx: Tx, uuid: str) -> ProviderRow | None:
    """Read one provider; None where there is none."""
    row = tx.execute(_one, {"wanted": uuid}).mappings().first()
    return None if row is None else ProviderRow(**row)


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
        _lock(tx, provider.c.uuid.in_(batch))
    return read_named(tx, wanted)


def lock_trees(tx: Tx, uuids: Iterable[str]) -> dict[str, ProviderRow]:
    """Lock the whole trees of providers in order of uuid, and read them.

    Whoever adds to a tree or moves one holds a provider of it, so these stay as they are.
    """
    wanted = sorted(set(uuids))
    roots = select(provider.c.root).where(provider.c.uuid.in_(wanted))
    locked: set[str] | None = None
    while True:
        rows = {row.uuid: row for row in find_providers(tx, provider.c.root.in_(roots))}
        if locked == rows.keys():
            return rows
        # A tree that grew before its lock was had is locked anew.
        _lock(tx, provider.c.root.in_(roots))
        locked = set(rows)


def _lock(tx: Tx, where: ColumnElement[bool]) -> None:
    query = select(provider.c.id).where(where).order_by(provider.c.uuid)
    # As claims lock: who only refers to the row, such as a new child, need not wait.
    tx.execute(query.with_for_update(key_share=True)).all()


def in_tree_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition: of the same tree as this provider."""
    member = provider.alias("member")
    root = select(member.c.root).where(member.c.id == row.id).scalar_subquery()
    return provider.c.root == root


def is_taken(tx: Tx, *, uuid: str | None = None, name: str | None = None) -> bool:
    """Whether a provider has this uuid or name."""
    condition = provider.c.uuid == uuid if uuid is not None else provider.c.name == name
    return tx.execute(select(provider.c.id).where(condition)).first() is not None


def has_children(tx: Tx, row: ProviderRow) -> bool:
    """Whether a provider has others below it."""
    query = select(provider.c.id).where(provider.c.parent == row.id).limit(1)
    return tx.execute(query).first() is not None


def is_held(tx: Tx, row: ProviderRow) -> bool:
    """Whether any consumer holds something on a provider."""
    held = tables.allocation
    query = select(held.c.provider).where(held.c.provider == row.id).limit(1)
    return tx.execute(query).first() is not None
