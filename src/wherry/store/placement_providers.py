"""Resource providers as Placement's clients see them; whoever writes locks first.

All writers lock in one order: guests, consumers by uuid, hosts by name, providers by uuid, then
names of classes and traits.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal, or_, select, true

from wherry.store import tables
from wherry.store.client_calls import Made
from wherry.store.rows import batches
from wherry.store.transaction import Tx

provider = tables.provider
_parent, _root = provider.alias("parent"), provider.alias("root")


class ProviderRow(NamedTuple):
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


def new_row(made: Made, *, uuid: str, name: str, parent: str | None, now: float) -> ProviderRow:
    """Give a client's provider that was just made."""
    return ProviderRow(
        id=made.id,
        uuid=uuid,
        name=name,
        generation=0,
        moves=made.generation,
        parent=parent,
        root=made.root,
        owner="client",
        host=None,
        changed_at=now,
    )


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
_parent_uuid = select(_parent.c.uuid).where(_parent.c.id == provider.c.parent).scalar_subquery()
_root_uuid = select(_root.c.uuid).where(_root.c.id == provider.c.root).scalar_subquery()
_every = (
    select(*_columns)
    .join(_root, _root.c.id == provider.c.root)
    .outerjoin(_parent, _parent.c.id == provider.c.parent)
    .order_by(provider.c.id)
)
# Made once: to put it together takes longer than to run it.
_one = _every.where(provider.c.uuid == bindparam("wanted"))
_named = _every.where(provider.c.uuid.in_(bindparam("wanted", expanding=True)))
_locked = (
    select(*_columns[:5], _parent_uuid.label("parent"), _root_uuid.label("root"), *_columns[7:])
    .add_columns(provider.c.parent.label("above"))
    .where(provider.c.uuid.in_(bindparam("wanted", expanding=True)))
    .order_by(provider.c.uuid)
    # As claims lock: who only refers to the row, such as a new child, need not wait.
    .with_for_update(key_share=True)
)
"""Locks rows and reads them as they are then; of other rows it knows what was there before."""
_top = provider.alias("top")
_names_above = (
    select(_top.c.name)
    .distinct()
    .join(provider, provider.c.root == _top.c.id)
    .where(provider.c.uuid.in_(bindparam("wanted", expanding=True)))
    .order_by(_top.c.name)
    .subquery()
)
_hosts = select(
    func.pg_advisory_xact_lock(func.hashtextextended(_names_above.c.name, 0)).label("locked")
).cte("hosts")
_locked_in_trees = _locked.where(select(func.count()).select_from(_hosts).scalar_subquery() >= 0)
"""On PostgreSQL: no row passes the condition, and is locked, before the hosts are."""
_holders = select(provider.c.uuid, provider.c.name, provider.c.owner).where(
    or_(provider.c.uuid == bindparam("uuid"), provider.c.name == bindparam("name"))
)
_root_name = select(_top.c.name).where(_top.c.uuid == bindparam("root")).scalar_subquery()
_holders_and_host = _holders.add_columns(literal(0).label("is_host")).union_all(
    select(tables.host.c.root, tables.host.c.name, literal("report"), literal(1)).where(
        tables.host.c.name == func.coalesce(_root_name, bindparam("name"))
    )
)


def find_providers(tx: Tx, *where: ColumnElement[bool]) -> list[ProviderRow]:
    """Read the providers that meet conditions on the table ``provider``, oldest first."""
    query = _every.where(*where or (true(),))
    return [ProviderRow._make(row) for row in tx.execute(query)]


def find_provider(tx: Tx, uuid: str) -> ProviderRow | None:
    """Read one provider; None where there is none."""
    row = tx.execute(_one, {"wanted": uuid}).first()
    return None if row is None else ProviderRow._make(row)


def read_named(tx: Tx, uuids: Iterable[str]) -> dict[str, ProviderRow]:
    """Read providers by uuid; those that are there."""
    found: dict[str, ProviderRow] = {}
    for batch in batches(sorted(set(uuids))):
        rows = tx.execute(_named, {"wanted": list(batch)})
        found |= {row.uuid: ProviderRow._make(row) for row in rows}
    return found


def lock_providers(
    tx: Tx, uuids: Iterable[str], *, with_hosts: bool = False
) -> dict[str, ProviderRow]:
    """Lock providers in order of uuid, as claims do, and read them; those that are there.

    Args:
        with_hosts: whether the hosts in whose trees they stand are locked before, as
            `adoption.lock_roots` does; for a few providers.
    """
    found: dict[str, ProviderRow] = {}
    query = _locked_in_trees if with_hosts and tx.dialect == "postgresql" else _locked
    unsure = []
    for batch in batches(sorted(set(uuids))):
        for locked in tx.execute(query, {"wanted": list(batch)}):
            row = ProviderRow._make(locked[:-1])
            if locked.root is None or (row.parent is None) != (locked.above is None):
                # It was moved, while its lock was waited for, to one that is newer still.
                unsure.append(row.uuid)
            else:
                found[row.uuid] = row
    return found | read_named(tx, unsure) if unsure else found


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


class Holder(NamedTuple):
    """Who has a uuid or a name that another one wants."""

    uuid: str
    name: str
    owner: Literal["report", "client"]


def find_holders(
    tx: Tx, *, uuid: str, name: str, root: str | None
) -> tuple[list[Holder], list[str]]:
    """Find the providers that have this uuid, or this name; and the host that reports.

    Args:
        root: uuid of the root of whose tree a host is looked for; None: that of this name.
    """
    rows = tx.execute(_holders_and_host, {"uuid": uuid, "name": name, "root": root}).all()
    holders = [Holder._make(row[:3]) for row in rows if not row.is_host]
    return holders, [row.name for row in rows if row.is_host]


def has_children(tx: Tx, row: ProviderRow) -> bool:
    """Whether a provider has others below it."""
    query = select(provider.c.id).where(provider.c.parent == row.id).limit(1)
    return tx.execute(query).first() is not None


def is_held(tx: Tx, row: ProviderRow) -> bool:
    """Whether any consumer holds something on a provider."""
    held = tables.allocation
    query = select(held.c.provider).where(held.c.provider == row.id).limit(1)
    return tx.execute(query).first() is not None
