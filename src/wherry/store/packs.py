"""Policy packs as stored."""

from sqlalchemy import delete, insert, select, update

from wherry.model.checks import Pack
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_change
from wherry.store.gone import read_last_generation, write_last_generation
from wherry.store.transaction import Tx

pack = tables.pack


def write_pack(tx: Tx, value: Pack) -> int:
    """Put a pack in force, or in another's place; gives its generation, unmoved if equal."""
    query = select(pack.c.generation, pack.c.body).where(pack.c.id == value.id).with_for_update()
    old = tx.execute(query).first()
    body = encode(value)
    if old is not None and old.body == body:
        unmoved: int = old.generation
        return unmoved
    last = old.generation if old else read_last_generation(tx, "pack", value.id)
    generation = last + 1
    row = {"id": value.id, "generation": generation, "body": body}
    if old is None:
        # One that another transaction writes just now makes this one run again.
        tx.execute(insert(pack), [row])
    else:
        tx.execute(update(pack).where(pack.c.id == value.id).values(row))
    append_change(tx, "pack", value.id, generation)
    return generation


def read_packs(tx: Tx) -> list[Pack]:
    """Read all packs, in order of id."""
    bodies = tx.execute(select(pack.c.body).order_by(pack.c.id)).scalars()
    return [decode(body, Pack) for body in bodies]


def read_pack(tx: Tx, pack_id: str) -> Pack | None:
    """Read one pack; None where there is none."""
    body = tx.execute(select(pack.c.body).where(pack.c.id == pack_id)).scalar()
    return None if body is None else decode(body, Pack)


def remove_pack(tx: Tx, pack_id: str) -> bool:
    """Take a pack out of force; says whether it was there."""
    statement = delete(pack).where(pack.c.id == pack_id).returning(pack.c.generation)
    generation = tx.execute(statement).scalar()
    if generation is None:
        return False
    write_last_generation(tx, "pack", pack_id, generation + 1)
    append_change(tx, "pack", pack_id, generation + 1)
    return True
