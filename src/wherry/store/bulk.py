"""Many rows of several tables, inserted by bare statements that are put together once.

Rows are tuples, with a value for each of a table's columns but those that the database fills in.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Column, Table

from wherry.store import tables
from wherry.store.transaction import Dialect

Rows = Mapping[Table, Sequence[tuple[Any, ...]]]
"""Table to its new rows; tables in an order in which foreign keys are met."""
FILLED_IN = {tables.provider.c.silent, tables.change.c.seq, tables.change.c.xid}
_NEXT_IDS = (
    "SELECT nextval(pg_get_serial_sequence('provider', 'id')) FROM generate_series(1, %s::integer)"
)
TYPES = {int: "bigint", str: "text", float: "float8", bool: "boolean"}


def columns_of(table: Table) -> tuple[Column[Any], ...]:
    """Give the columns of which a row has values."""
    return tuple(column for column in table.c if column not in FILLED_IN)


def insert_rows(driver: Any, dialect: Dialect, rows: Rows) -> None:
    """Insert rows of several tables; on PostgreSQL that is one statement.

    Args:
        driver: connection of `sqlite3` or `psycopg`.
    """
    if dialect == "postgresql":
        arrays = [array for table, several in rows.items() for array in _arrays(table, several)]
        from psycopg import RawCursor  # noqa: PLC0415 - an extra

        # Other cursors look for places in the statement anew, each time that it is executed.
        RawCursor(driver).execute(_postgresql(tuple(rows)), arrays, prepare=True)
        return
    for table, several in rows.items():
        if several:
            driver.executemany(_sqlite(table), several)


def next_ids(driver: Any, dialect: Dialect, count: int) -> list[int]:
    """Give ids for new providers, which nobody else is given."""
    if dialect == "sqlite":
        (last,) = driver.execute("SELECT coalesce(max(id), 0) FROM provider").fetchone()
        return list(range(last + 1, last + 1 + count))
    return [row[0] for row in driver.execute(_NEXT_IDS, (count,)).fetchall()]


def numbers_array(values: Iterable[float | None]) -> str:
    """Write numbers or booleans as PostgreSQL writes an array; None is null.

    The driver's own way takes several times longer, for numbers and for texts.
    """
    return "{" + str(list(values))[1:-1].replace("None", "NULL") + "}"


def texts_array(values: Sequence[str | None]) -> str:
    """Write texts as PostgreSQL writes an array; None is null.

    Raises:
        ValueError: a text has a NUL, which the database does not take.
    """
    if not values:
        return "{}"
    if None in values:
        return "{" + ",".join("NULL" if one is None else _quoted(one) for one in values) + "}"
    joined = "\0".join(cast("Sequence[str]", values))
    if joined.count("\0") != len(values) - 1:
        raise ValueError("a text with a NUL cannot be stored")
    return "{" + _quoted(joined).replace("\0", '","') + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _arrays(table: Table, rows: Sequence[tuple[Any, ...]]) -> list[str]:
    columns = columns_of(table)
    if not rows:
        return ["{}"] * len(columns)
    return [
        texts_array(values) if column.type.python_type is str else numbers_array(values)
        for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]


def _names(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in columns_of(table))


@cache
def _sqlite(table: Table) -> str:
    places = ", ".join("?" for _ in columns_of(table))
    return f'INSERT INTO "{table.name}" ({_names(table)}) VALUES ({places})'  # noqa: S608 - ours


@cache
def _postgresql(several: tuple[Table, ...]) -> str:
    """Put all insertions in one statement: foreign keys are looked at when all of it is done."""
    *most, last = several
    numbers = itertools.count(1)
    parts = [f'"{table.name}_made" AS ({_insertion(table, numbers)})' for table in most]
    return f"WITH {', '.join(parts)} {_insertion(last, numbers)}"


def _insertion(table: Table, numbers: Iterator[int]) -> str:
    types = (TYPES[column.type.python_type] for column in columns_of(table))
    arrays = ", ".join(f"${next(numbers)}::{type_}[]" for type_ in types)
    into, what = f'"{table.name}" ({_names(table)}', "*"
    if table is tables.change:
        into, what = into + ", xid", "*, pg_current_xact_id()"
    return f"INSERT INTO {into}) SELECT {what} FROM unnest({arrays})"  # noqa: S608 - ours
