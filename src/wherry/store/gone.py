"""What is left of an object that ended: the generation above which it comes back."""

from sqlalchemy import select

from wherry.store import tables
from wherry.store.rows import upsert
from wherry.store.transaction import Tx

gone = tables.gone


def write_last_generation(tx: Tx, kind: str, key: str, generation: int) -> None:
    """Keep the last generation of an object that ends."""
    upsert(tx, gone, [{"kind": kind, "key": key, "generation": generation}])


def read_last_generation(tx: Tx, kind: str, key: str) -> int:
    """Give the last generation of an object that ended; 0 where there never was one."""
    query = select(gone.c.generation).where(gone.c.kind == kind, gone.c.key == key)
    return tx.execute(query).scalar() or 0
