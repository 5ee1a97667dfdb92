"""Small statements that several nouns need: upserts, interned names, batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from wherry.store.transaction import Tx

T = TypeVar("T")
BATCH = 500
"""Values in one IN list; SQLite takes 32,766 parameters, planners like fewer."""


def upsert(tx: Tx, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or set those that are there by their primary key.

    All rows name the same columns.
    """
    if not rows:
        return
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    tx.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else statement.on_conflict_do_nothing(index_elements=keys),
        rows,
    )


def intern(tx: Tx, table: Table, names: Iterable[str]) -> dict[str, int]:
    """Give the id of each name, new ids to new names."""
    wanted = sorted(set(names))
    found = _ids(tx, table, wanted)
    missing = [{"name": name} for name in wanted if name not in found]
    if missing:
        insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
        tx.execute(insert(table).on_conflict_do_nothing(index_elements=["name"]), missing)
        found |= _ids(tx, table, [row["name"] for row in missing])
    return found


def _ids(tx: Tx, table: Table, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in batches(names):
        query = select(table.c.name, table.c.id).where(table.c.name.in_(batch))
        found.update(dict(tx.rows(query)))
    return found


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut values into lists that one statement takes."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
