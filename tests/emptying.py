"""Give databases that a test has used back as new, which is far cheaper than to copy a template."""

from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Composed, Identifier

Connection = psycopg.Connection[tuple[Any, ...]]
ROOM = 4_000_000
"""Bytes that a database may have grown by: one that has grown more is slow to empty."""
SHAPE = """
    SELECT pg_database_size(current_database()),
        (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_constraint),
        (SELECT count(*) FROM pg_db_role_setting), (SELECT count(*) FROM pg_namespace),
        (SELECT array_agg(concat_ws(' ', tgname, tgenabled) ORDER BY oid) FROM pg_trigger),
        array_agg(concat_ws(' ', relname, relkind, relnatts, relacl, reloptions) ORDER BY relname)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


class Emptying:
    """What a template holds, and how a copy of it comes to hold that and nothing else again.

    Args:
        url: of the template.
    """

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            self._size, *self._shape = connection.execute(SHAPE).fetchall()[0]
            tables = _names(
                connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            sequences = _names(connection, "SELECT sequencename FROM pg_sequences")
            self._rows = {name: connection.execute(_all_of(name)).fetchall() for name in tables}
        steps = [SQL("SET session_replication_role = replica")]  # foreign keys look away
        steps += [SQL("DELETE FROM {}").format(Identifier(name)) for name in tables]
        steps += [SQL("ALTER SEQUENCE {} RESTART").format(Identifier(name)) for name in sequences]
        self._steps = SQL("; ").join([*steps, SQL("SELECT pg_stat_reset()")])

    def empty(self, url: str) -> bool:
        """Leave what the template has; or say that it is unsafe.

        It is where somebody still has the database open, who may write to it later, and where
        it was given another shape.
        """
        with psycopg.connect(url) as connection:
            size, *shape = connection.execute(SHAPE).fetchall()[0]
            if shape != self._shape or size > self._size + ROOM or _is_open_to_others(connection):
                return False
            connection.execute(self._steps)
            for name, rows in self._rows.items():
                for row in rows:
                    values = SQL(", ").join(map(psycopg.sql.Literal, row))
                    into = SQL("INSERT INTO {} VALUES ({})").format(Identifier(name), values)
                    connection.execute(into)
        return True


def _names(connection: Connection, query: LiteralString) -> list[str]:
    return [name for (name,) in connection.execute(query).fetchall()]


def _all_of(name: str) -> Composed:
    return SQL("SELECT * FROM {}").format(Identifier(name))


def _is_open_to_others(connection: Connection) -> bool:
    """Those who have just left are seen for a moment yet."""
    for _ in range(20):
        if connection.execute(OTHERS).fetchall() == [(0,)]:
            return False
        connection.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")
    return True
