"""Small statements that several nouns need: upserts, interned names, batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from wherry.store.bulk import numbers_array, texts_array
from wherry.store.transaction import Dialect, Params, Tx

T = TypeVar("T")
BATCH = 500
"""Values in one IN list; SQLite takes 32,766 parameters, planners like fewer."""


def upsert(
    tx: Tx, table: Table, rows: Sequence[dict[str, Any]], *, keep: tuple[str, ...] = ()
) -> None:
    """Insert rows, or set those that are there by their primary key.

    All rows name the same columns.

    Args:
        keep: columns that stay as they are in a row that is there.
    """
    if rows:
        tx.execute(_upsert(tx.dialect, table, tuple(rows[0]), keep), few(rows))


def few(rows: Sequence[dict[str, Any]]) -> Params:
    """Give parameters of one or more rows: drivers take a statement of one more easily."""
    return rows[0] if len(rows) == 1 else rows


@cache
def _upsert(
    dialect: Dialect, table: Table, columns: tuple[str, ...], keep: tuple[str, ...]
) -> Executable:
    """Put the statement together once: that takes longer than to run it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    left = {*keys, *keep}
    others = {name: statement.excluded[name] for name in columns if name not in left}
    if not others:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def intern(
    tx: Tx, table: Table, names: Iterable[str], *, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Give the id of each name, new ids to new names; these stay so until the transaction ends.

    Args:
        known: ids of all of these names that have one, which others may change; None: they
            are read.
    """
    wanted = sorted(set(names))
    found = read_ids(tx, table, wanted, hold=True) if known is None else dict(known)
    missing = [{"name": name} for name in wanted if name not in found]
    if missing:
        tx.execute(_insert_names(tx.dialect, table), missing)
        found |= read_ids(tx, table, [row["name"] for row in missing])
    return found


def read_ids(tx: Tx, table: Table, names: Sequence[str], *, hold: bool = False) -> dict[str, int]:
    """Give the ids of those names that have one; with *hold*, so that nobody changes a name."""
    found: dict[str, int] = {}
    for batch in batches(names):
        rows = tx.execute(_select_names(table, hold), {"names": list(batch)})
        found.update((row.name, row.id) for row in rows)
    return found


@cache
def _insert_names(dialect: Dialect, table: Table) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    # Written once more where it is there by now, so that nobody takes it away before it is used.
    same = {"name": statement.excluded.name}
    return statement.on_conflict_do_update(index_elements=["name"], set_=same)


@cache
def _select_names(table: Table, hold: bool) -> Executable:
    names: BindParameter[str] = bindparam("names", expanding=True)
    query = select(table.c.name, table.c.id).where(table.c.name.in_(names))
    # As a row does that refers to it.
    return query.with_for_update(read=True, key_share=True) if hold else query


def among(tx: Tx, column: Column[Any], values: Sequence[str | int]) -> ColumnElement[bool]:
    """Ask whether a column has one of several values; one batch of them at most.

    PostgreSQL gets one array, whatever their number: a statement that it knows already, and
    that need not be put together anew.
    """
    if tx.dialect == "sqlite":
        return column.in_(values)
    is_text = column.type.python_type is str
    if is_text:
        # What has a NUL stands in no column of PostgreSQL.
        written = texts_array([text for text in map(str, values) if "\0" not in text])
    else:
        written = numbers_array(map(int, values))
    kind = postgresql.ARRAY(Text() if is_text else BigInteger())
    return column == any_(cast(literal(written, Text()), kind))


def walk_indexes(tx: Tx) -> None:
    """Look what is asked for up in indexes until this transaction ends.

    PostgreSQL takes a table that was filled a moment ago for empty, and looks through all of it
    for each row of another.
    """
    if tx.dialect == "postgresql":
        tx.driver.execute("SET LOCAL enable_seqscan = off")


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut values into lists that one statement takes."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
