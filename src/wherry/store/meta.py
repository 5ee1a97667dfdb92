"""Notes that the service keeps about the database itself, such as what hosts derive from."""

from sqlalchemy import select

from wherry.store import tables
from wherry.store.rows import upsert
from wherry.store.transaction import Tx

meta = tables.meta


def read_note(tx: Tx, key: str) -> str | None:
    """Give a note; None where there is none."""
    return tx.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def write_note(tx: Tx, key: str, value: str) -> None:
    """Put a note in another's place, or down for the first time."""
    upsert(tx, meta, [{"key": key, "value": value}])
