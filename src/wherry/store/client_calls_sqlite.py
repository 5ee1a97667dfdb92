"""What clients write of one provider, in bare statements on SQLite; see `store.client_calls`.

The twin of PostgreSQL's functions: both take the long way for the same reasons.

Source: schema/versions/0009_*.sql.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

Row = tuple[Any, ...]


def make_provider(
    db: sqlite3.Connection, uuid: str, name: str, parent: str | None, now: float
) -> Row | None:
    """Give id, generation inside and root of the provider that was made."""
    above, root, root_uuid, host = None, None, uuid, name
    if parent is not None:
        found = db.execute(
            "SELECT p.id, top.id, top.uuid, top.name FROM provider p"
            " JOIN provider top ON top.id = p.root WHERE p.uuid = ?",
            (parent,),
        ).fetchone()
        if found is None:
            return None
        above, root, root_uuid, host = found
    if db.execute("SELECT 1 FROM host WHERE name = ?", (host,)).fetchone():
        return None
    last = db.execute(
        "SELECT generation FROM gone WHERE kind = 'provider' AND key = ?", (uuid,)
    ).fetchone()
    generation = last[0] if last else 0
    made = db.execute(
        "INSERT INTO provider (uuid, name, parent, root, owner, generation, facts_generation,"
        " silent, gone, changed_at) VALUES (?, ?, ?, ?, 'client', ?, ?, ?, 0, ?)"
        " ON CONFLICT DO NOTHING RETURNING id",
        (uuid, name, above, root, generation, generation, generation, now),
    ).fetchone()
    if made is None:
        return None
    if root is None:
        db.execute("UPDATE provider SET root = id WHERE id = ?", made)
    _tell(db, uuid, generation)
    return made[0], generation, root_uuid


def set_inventories(
    db: sqlite3.Connection,
    uuid: str,
    generation: int,
    now: float,
    names: Sequence[str],
    *columns: Sequence[float],
) -> list[Row]:
    """Give generation, class, used, charged and stray of each inventory after that."""
    number = _at(db, "owner = 'client' AND host IS NULL AND uuid = ?", uuid, generation)
    classes = [_id_of(db, "SELECT id FROM resource_class WHERE name = ?", name) for name in names]
    if number is None or None in classes:
        return []
    dropped = []
    for number_of, cap, used in db.execute(
        "SELECT class, cap, used FROM inventory WHERE provider = ?", (number,)
    ).fetchall():
        if cap is None or (used and number_of not in classes):
            return []
        if number_of not in classes:
            dropped.append((number, number_of))
    db.executemany("DELETE FROM inventory WHERE provider = ? AND class = ?", dropped)
    db.executemany(
        "INSERT INTO inventory (provider, class, changed_at, total, reserved, min_unit, max_unit,"
        " step_size, allocation_ratio, cap, used, charged, stray)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0) ON CONFLICT (provider, class) DO UPDATE"
        " SET total = excluded.total, reserved = excluded.reserved, min_unit = excluded.min_unit,"
        " max_unit = excluded.max_unit, step_size = excluded.step_size,"
        " allocation_ratio = excluded.allocation_ratio, cap = excluded.cap,"
        " changed_at = excluded.changed_at",
        [(number, *row) for row in zip(classes, [now] * len(classes), *columns, strict=True)],
    )
    seen = _move_on(db, uuid, number, now)
    held = db.execute(
        "SELECT c.name, v.used, v.charged, v.stray FROM inventory v"
        " JOIN resource_class c ON c.id = v.class WHERE v.provider = ? ORDER BY v.class",
        (number,),
    )
    return [(seen, *row) for row in held]


def set_traits(
    db: sqlite3.Connection, uuid: str, generation: int, now: float, names: Sequence[str]
) -> Row | None:
    """Give the generation after that, and the times at which the traits were made."""
    number = _at(db, "owner = 'client' AND uuid = ?", uuid, generation)
    found = [
        db.execute("SELECT id, created_at FROM trait WHERE name = ?", (name,)).fetchone()
        for name in names
    ]
    if number is None or None in found:
        return None
    if db.execute("SELECT 1 FROM derived_trait WHERE provider = ? LIMIT 1", (number,)).fetchone():
        return None
    rows = db.execute("SELECT trait FROM provider_trait WHERE provider = ?", (number,))
    had, wanted = {row[0] for row in rows}, {row[0] for row in found}
    db.executemany(
        "DELETE FROM provider_trait WHERE provider = ? AND trait = ?",
        [(number, trait) for trait in had - wanted],
    )
    db.executemany(
        "INSERT INTO provider_trait (provider, trait) VALUES (?, ?)",
        [(number, trait) for trait in wanted - had],
    )
    seen = generation if had == wanted else _move_on(db, uuid, number, now)
    return seen, [row[1] for row in found]


def set_aggregates(
    db: sqlite3.Connection, uuid: str, generation: int, now: float, uuids: Sequence[str]
) -> int | None:
    """Give the generation after that."""
    number = _at(db, "uuid = ?", uuid, generation)
    if number is None:
        return None
    db.execute("DELETE FROM provider_aggregate WHERE provider = ?", (number,))
    db.executemany(
        "INSERT INTO provider_aggregate (provider, aggregate) VALUES (?, ?)",
        [(number, each) for each in uuids],
    )
    return _move_on(db, uuid, number, now)


def _at(db: sqlite3.Connection, where: str, uuid: str, generation: int) -> int | None:
    """Give the id of a provider that is at a generation; None where there is none."""
    query = f"SELECT id FROM provider WHERE {where} AND generation - silent = ?"  # noqa: S608 - ours
    row = db.execute(query, (uuid, generation)).fetchone()
    return None if row is None else row[0]


def _id_of(db: sqlite3.Connection, query: str, name: str) -> int | None:
    row = db.execute(query, (name,)).fetchone()
    return None if row is None else row[0]


def _move_on(db: sqlite3.Connection, uuid: str, number: int, now: float) -> int:
    """Move a provider's generation on and tell the feed; gives what clients count."""
    generation, seen = db.execute(
        "UPDATE provider SET generation = generation + 1, facts_generation = facts_generation + 1,"
        " changed_at = ? WHERE id = ? RETURNING generation, generation - silent",
        (now, number),
    ).fetchone()
    _tell(db, uuid, generation)
    return int(seen)


def _tell(db: sqlite3.Connection, uuid: str, generation: int) -> None:
    db.execute(
        "INSERT INTO change (kind, ref, generation) VALUES ('provider', ?, ?)", (uuid, generation)
    )
