"""How many there are of what, counted by the database."""

from sqlalchemy import ColumnElement, Table, func, select

from wherry.store import tables
from wherry.store.transaction import Tx


def count_hosts_by_state(tx: Tx) -> dict[str, int]:
    """Count hosts in each state that any is in."""
    return _count(tx, tables.host, tables.host.c.state)


def count_migrations_by_state(tx: Tx) -> dict[str, int]:
    """Count migrations on record in each state that any is in."""
    return _count(tx, tables.migration, tables.migration.c.state)


def count_all_guests(tx: Tx) -> int:
    """Count the guests on record."""
    found: int = tx.execute(select(func.count()).select_from(tables.guest)).scalar_one()
    return found


def _count(tx: Tx, table: Table, by: ColumnElement[str]) -> dict[str, int]:
    return dict(tx.rows(select(by, func.count()).select_from(table).group_by(by)))
