"""A claim on SQLite, step by step as PostgreSQL's function does it.

The writer is alone, so nothing here locks; the order of the steps is the function's, so that
both refuse for the same reason.

Source: schema/versions/0003_claim.sql, the twin of this module and of `claims_sqlite_slots`.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wherry.store.body import encode
from wherry.store.claim_rows import ABSENT, ANY, PRESENT, UNKNOWN, ClaimRows, Refused
from wherry.store.claims_sqlite_slots import (
    Move,
    Uuids,
    adopt_instances,
    count_left_instances,
    marks,
    read_devices,
    read_moves,
    write_occupants,
)


@dataclass(frozen=True, slots=True)
class Delta:
    """One allocation that changes: units before and after."""

    consumer: int
    provider: int
    cls: int
    old: int
    new: int


def try_claim(db: sqlite3.Connection, rows: ClaimRows) -> dict[str, Any]:
    """Make every holding as said, or leave nothing of it and give what stands in the way."""
    db.execute("SAVEPOINT claim")
    try:
        answer = apply_claim(db, rows)
    except BaseException as error:
        db.execute("ROLLBACK TO claim")
        db.execute("RELEASE claim")
        if isinstance(error, Refused):
            return error.detail
        raise
    db.execute("RELEASE claim")
    return answer


def apply_claim(db: sqlite3.Connection, rows: ClaimRows) -> dict[str, Any]:
    """Make every holding as said; gives what the function gives.

    Raises:
        Refused: something stands in the way; what was written must be undone.
    """
    if rows.id is not None:
        first = db.execute("SELECT digest, outcome FROM claim WHERE id = ?", (rows.id,)).fetchone()
        if first is not None:
            return {"digest": first[0], "first": first[1]}
    ids, new = _open_consumers(db, rows)
    found = _read_providers(db, rows)
    providers, classes = _provider_ids(rows, found), _class_ids(db, rows)
    # Those who have just come hold nothing yet.
    holders = [number for number, is_new in zip(ids, new, strict=True) if not is_new]
    deltas = _deltas(db, rows, ids, holders, providers, classes)
    moves = read_moves(db, rows, ids, holders, providers)
    _require_facts(rows, found)
    uuids = _touched(db, deltas, moves, providers)
    if rows.is_plain:
        _require_plain(db, rows, holders, moves)
    adopt_instances(db, moves)
    _take_units(db, deltas, uuids, classes)
    _write_allocations(db, deltas)
    write_occupants(db, moves, uuids)
    count_left_instances(db, moves)
    outcome = {
        "consumers": _close_consumers(db, rows, ids, new),
        "providers": _move_generations(db, rows, uuids),
        "devices": read_devices(db, rows, ids),
    }
    if rows.id is not None:
        db.execute(
            "INSERT INTO claim (id, digest, at, outcome) VALUES (?, ?, ?, ?)",
            (rows.id, rows.digest, rows.at, encode(outcome)),
        )
    return outcome


def _require_plain(
    db: sqlite3.Connection, rows: ClaimRows, holders: list[int], moves: list[Move]
) -> None:
    """Refuse what is more than a claim of a single consumer without devices."""
    is_simple = len(rows.holdings) == 1 and not (holders and rows.allocations)
    if not is_simple or rows.occupants or moves:
        raise Refused(error="special")
    consumer = rows.holdings[0][0]
    sql = "SELECT 1 FROM guest WHERE uuid = ? UNION ALL SELECT 1 FROM guest WHERE migration = ?"
    if db.execute(sql, (consumer, consumer)).fetchone():
        raise Refused(error="special")
    names = {row[1] for row in rows.allocations}
    sql = (
        "SELECT 1 FROM provider p WHERE p.host IS NOT NULL AND p.parent IS NOT NULL"
        f" AND p.uuid IN ({marks(names)}) UNION ALL"
        " SELECT 1 FROM provider p JOIN inventory v ON v.provider = p.id AND v.cap IS NULL"
        f" WHERE p.uuid IN ({marks(names)})"
    )
    if names and db.execute(sql, (*names, *names)).fetchone():
        raise Refused(error="special")


def _open_consumers(db: sqlite3.Connection, rows: ClaimRows) -> tuple[list[int], list[bool]]:
    """Find or create the consumers; says which are new."""
    ids: list[int] = []
    new: list[bool] = []
    for uuid, kind, project, user, expected in rows.holdings:
        found = db.execute("SELECT id, generation FROM consumer WHERE uuid = ?", (uuid,)).fetchone()
        generation = None if found is None else found[1]
        if expected not in (ANY, ABSENT if generation is None else generation) and (
            expected != PRESENT or generation is None
        ):
            wanted = expected if expected >= 0 else None
            raise Refused(error="consumer", consumer=uuid, expected=wanted, found=generation)
        if found is None:
            found = db.execute(
                "INSERT INTO consumer (uuid, generation, type, project, user_id, changed_at)"
                " VALUES (?, 1, ?, ?, ?, ?) RETURNING id",
                (uuid, kind or UNKNOWN, project, user, rows.at),
            ).fetchone()
        ids.append(found[0])
        new.append(generation is None)
    return ids, new


def _read_providers(db: sqlite3.Connection, rows: ClaimRows) -> dict[str, tuple[int, int]]:
    """Read id and facts generation of the providers that a claim names, as far as they exist."""
    names = {row[1] for row in rows.allocations} | {row[1] for row in rows.occupants}
    names.update(uuid for uuid, _ in rows.facts)
    sql = f"SELECT uuid, id, facts_generation FROM provider WHERE uuid IN ({marks(names)})"
    return {row[0]: (row[1], row[2]) for row in db.execute(sql, tuple(names))}


def _provider_ids(rows: ClaimRows, found: dict[str, tuple[int, int]]) -> dict[str, int]:
    wanted = [row[1] for row in rows.allocations] + [row[1] for row in rows.occupants]
    for uuid in wanted:
        if uuid not in found:
            raise Refused(error="provider", provider=uuid)
    return {uuid: found[uuid][0] for uuid in wanted}


def _class_ids(db: sqlite3.Connection, rows: ClaimRows) -> dict[str, int]:
    names = {row[2] for row in rows.allocations}
    if not names:
        return {}
    sql = f"SELECT name, id FROM resource_class WHERE name IN ({marks(names)})"
    found: dict[str, int] = dict(db.execute(sql, tuple(names)).fetchall())
    for _, provider, name, units in rows.allocations:
        if name not in found:
            raise Refused(error="capacity", provider=provider, **{"class": name}, asked=units)
    return found


def _deltas(
    db: sqlite3.Connection,
    rows: ClaimRows,
    ids: list[int],
    holders: list[int],
    providers: dict[str, int],
    classes: dict[str, int],
) -> list[Delta]:
    """List the allocations that differ from what is held."""
    sql = (
        "SELECT consumer, provider, class, used FROM allocation"
        f" WHERE consumer IN ({marks(holders)})"
    )
    rows_held = db.execute(sql, holders).fetchall() if holders else ()
    held = {(row[0], row[1], row[2]): row[3] for row in rows_held}
    wanted = {
        (ids[index], providers[uuid], classes[name]): units
        for index, uuid, name, units in rows.allocations
    }
    return [
        Delta(*key, held.get(key, 0), wanted.get(key, 0))
        for key in held | wanted
        if held.get(key, 0) != wanted.get(key, 0)
    ]


def _require_facts(rows: ClaimRows, found: dict[str, tuple[int, int]]) -> None:
    for uuid, expected in rows.facts:
        now = found[uuid][1] if uuid in found else None
        if now != expected:
            raise Refused(error="facts", provider=uuid, expected=expected, found=now)


def _touched(
    db: sqlite3.Connection, deltas: list[Delta], moves: list[Move], providers: dict[str, int]
) -> Uuids:
    """Name the providers that change, in order of uuid."""
    ids = {delta.provider for delta in deltas}
    ids |= {place.provider for move in moves for place in (move.old, move.new) if place}
    uuids = {number: uuid for uuid, number in providers.items() if number in ids}
    left = ids - uuids.keys()
    if left:
        sql = f"SELECT id, uuid FROM provider WHERE id IN ({marks(left)})"
        uuids.update(db.execute(sql, tuple(left)).fetchall())
    return dict(sorted(uuids.items(), key=lambda pair: pair[1]))


def _charges(
    db: sqlite3.Connection, deltas: list[Delta], uuids: Uuids, classes: dict[str, int]
) -> list[tuple[str, str, int, int, int, int]]:
    """Sum up what each inventory gains: (uuid, name, provider, class, own, charge)."""
    own: Counter[tuple[int, int]] = Counter()
    for delta in deltas:
        own[delta.provider, delta.cls] += delta.new - delta.old
    charge = Counter(own)
    sql = f"SELECT provider, class, pool, units FROM view WHERE provider IN ({marks(uuids)})"
    for provider, cls, pool, units in db.execute(sql, tuple(uuids)):
        if (provider, cls) in own:
            charge[provider, pool] += own[provider, cls] * units
    keys = [key for key in charge if charge[key] or own[key]]
    names = {number: name for name, number in classes.items()}
    left = {cls for _, cls in keys} - names.keys()
    if left:
        sql = f"SELECT id, name FROM resource_class WHERE id IN ({marks(left)})"
        names.update(db.execute(sql, tuple(left)).fetchall())
    return sorted((uuids[p], names[c], p, c, own[p, c], charge[p, c]) for p, c in keys)


def _take_units(
    db: sqlite3.Connection, deltas: list[Delta], uuids: Uuids, classes: dict[str, int]
) -> None:
    """Move units, and in the same statements the pools that a view's units are charged to."""
    for uuid, name, provider, cls, own, charge in _charges(db, deltas, uuids, classes):
        limits = db.execute(
            "UPDATE inventory SET used = used + ?,"
            " charged = charged + CASE WHEN cap IS NULL THEN 0 ELSE ? END"
            " WHERE provider = ? AND class = ?"
            " AND (? <= 0 OR cap IS NULL OR charged + stray + ? <= cap)"
            " RETURNING min_unit, max_unit, step_size",
            (own, charge, provider, cls, charge, charge),
        ).fetchone()
        if limits is None:
            raise Refused(error="capacity", provider=uuid, **{"class": name}, asked=charge)
        if own > 0:
            grown = [
                d.new for d in deltas if (d.provider, d.cls) == (provider, cls) and d.new > d.old
            ]
            _require_units(uuid, name, sorted(grown), *limits)


def _require_units(
    uuid: str, name: str, grown: Sequence[int], min_unit: int, max_unit: int, step: int
) -> None:
    for units in grown:
        if not min_unit <= units <= max_unit or units % step:
            raise Refused(
                error="units",
                provider=uuid,
                **{"class": name},
                asked=units,
                min_unit=min_unit,
                max_unit=max_unit,
                step_size=step,
            )


def _write_allocations(db: sqlite3.Connection, deltas: list[Delta]) -> None:
    db.executemany(
        "DELETE FROM allocation WHERE consumer = ? AND provider = ? AND class = ?",
        [(d.consumer, d.provider, d.cls) for d in deltas if not d.new],
    )
    db.executemany(
        "INSERT INTO allocation (consumer, provider, class, used) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (consumer, provider, class) DO UPDATE SET used = excluded.used",
        [(d.consumer, d.provider, d.cls, d.new) for d in deltas if d.new],
    )


def _close_consumers(
    db: sqlite3.Connection, rows: ClaimRows, ids: list[int], new: list[bool]
) -> dict[str, int | None]:
    """Move the consumers' generations on; one that holds nothing ends."""
    holds = {row[0] for row in rows.allocations} | {row[0] for row in rows.occupants}
    generations: dict[str, int | None] = {}
    for index, (uuid, kind, project, user, _) in enumerate(rows.holdings):
        if index not in holds:
            db.execute("DELETE FROM consumer WHERE id = ?", (ids[index],))
            generations[uuid] = None
        elif new[index]:
            generations[uuid] = 1
        else:
            generations[uuid] = db.execute(
                "UPDATE consumer SET generation = generation + 1, type = coalesce(?, type),"
                " project = ?,"
                " user_id = ?, changed_at = ? WHERE id = ? RETURNING generation",
                (kind, project, user, rows.at, ids[index]),
            ).fetchone()[0]
    return generations


def _move_generations(db: sqlite3.Connection, rows: ClaimRows, uuids: Uuids) -> dict[str, int]:
    """Move generations on: of what changes, and of what a client of Placement names."""
    named = rows.named or ()
    generations: dict[str, int] = {}
    for uuid in sorted({*uuids.values(), *named}):
        is_silent = rows.named is not None and uuid not in named
        generations[uuid] = db.execute(
            "UPDATE provider SET generation = generation + 1, changed_at = ?, silent = silent + ?"
            " WHERE uuid = ? RETURNING generation",
            (rows.at, is_silent, uuid),
        ).fetchone()[0]
    db.executemany(
        "INSERT INTO change (kind, ref, generation) VALUES ('use', ?, ?)",
        list(generations.items()),
    )
    return generations
