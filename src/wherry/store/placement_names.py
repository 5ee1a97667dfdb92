"""Names of resource classes and traits that this database knows besides the standard ones.

A name comes into being by a client's request or a report; a standard one gets its row when a
provider first has it.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Executable, Table, bindparam, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from wherry.store import tables
from wherry.store.changes import append_change
from wherry.store.rows import batches
from wherry.store.transaction import Tx

CLASSES, TRAITS = tables.resource_class, tables.trait
TRAIT_COLUMNS = (tables.provider_trait.c.trait, tables.derived_trait.c.trait)
CLASS_COLUMNS = (tables.inventory.c["class"], tables.view.c["class"], tables.view.c.pool)
Times = Mapping[str, float | None]
"""Name to the time at which it was made; None where nobody wrote that down."""


def read_names(tx: Tx, table: Table, names: Iterable[str] | None = None) -> dict[str, float | None]:
    """Read all names of a table, or those of some names that it has, in their order."""
    query = select(table.c.name, table.c.created_at).order_by(table.c.id)
    if names is None:
        return dict(tx.rows(query))
    found: dict[str, float | None] = {}
    for batch in batches(sorted(set(names))):
        found.update(dict(tx.rows(query.where(table.c.name.in_(batch)))))
    return found


def read_named(tx: Tx, table: Table, names: Sequence[str]) -> dict[str, tuple[int, float | None]]:
    """Give id and time of those names that a table has."""
    found: dict[str, tuple[int, float | None]] = {}
    for batch in batches(names):
        for row in tx.execute(_named(table), {"names": list(batch)}):
            found[row.name] = (row.id, row.created_at)
    return found


@cache
def _named(table: Table) -> Executable:
    """Put the statement together once: that takes longer than to run it."""
    names: Any = bindparam("names", expanding=True)
    return select(table.c.name, table.c.id, table.c.created_at).where(table.c.name.in_(names))


def add_name(tx: Tx, table: Table, name: str, *, now: float) -> bool:
    """Add a name; says whether it is new."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(name=name, created_at=now)
    statement = statement.on_conflict_do_nothing(index_elements=["name"])
    is_new = tx.execute(statement.returning(table.c.id)).first() is not None
    if is_new:
        append_change(tx, "name", name, 1)
    return is_new


def rename(tx: Tx, table: Table, name: str, new: str) -> bool:
    """Give a name another spelling everywhere; says whether there was such a name."""
    append_change(tx, "name", new, 1)
    statement = update(table).where(table.c.name == name).values(name=new)
    return tx.execute(statement).rowcount > 0


def read_havers(tx: Tx, name: str) -> list[str]:
    """Name the providers that have an inventory, a view or a pool of a class."""
    provider, number = tables.provider.c, CLASSES.c.id
    uuids: set[str] = set()
    for column in CLASS_COLUMNS:
        query = select(provider.uuid).join(column.table, column.table.c.provider == provider.id)
        query = query.join(CLASSES, number == column).where(CLASSES.c.name == name)
        uuids.update(tx.execute(query).scalars())
    return sorted(uuids)


def is_class_used(tx: Tx, name: str) -> bool:
    """Whether any provider has an inventory, a view or a pool of a class."""
    number = select(CLASSES.c.id).where(CLASSES.c.name == name).scalar_subquery()
    return any(_has(tx, column == number) for column in CLASS_COLUMNS)


def is_trait_used(tx: Tx, name: str) -> bool:
    """Whether any provider has a trait."""
    number = select(TRAITS.c.id).where(TRAITS.c.name == name).scalar_subquery()
    return any(_has(tx, column == number) for column in TRAIT_COLUMNS)


def drop_name(tx: Tx, table: Table, name: str) -> bool:
    """Forget a name that nothing uses; says whether there was one."""
    append_change(tx, "name", name, 2)
    return tx.execute(delete(table).where(table.c.name == name)).rowcount > 0


def read_used_traits(tx: Tx) -> dict[str, float | None]:
    """Read the traits that some provider has."""
    trait = tables.trait
    query = select(trait.c.name, trait.c.created_at).order_by(trait.c.id)
    has = [trait.c.id.in_(select(column)) for column in TRAIT_COLUMNS]
    return dict(tx.rows(query.where(or_(*has))))


def _has(tx: Tx, condition: Any) -> bool:
    return bool(tx.execute(select(exists().where(condition))).scalar())
