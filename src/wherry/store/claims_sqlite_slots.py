"""The devices of a claim on SQLite: slots, names, values to agree in, instances on the host.

Source: schema/versions/0003_claim.sql, the twin of this module.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from wherry.store.claim_rows import ClaimRows, Refused

Uuids = dict[int, str]
"""Id of a provider to its uuid."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one slot of a consumer is, or shall be."""

    provider: int
    type: str
    exclusive: str | None
    device: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """One slot that changes."""

    consumer: int
    slot: str
    old: Place | None
    new: Place | None


def read_moves(
    db: sqlite3.Connection,
    rows: ClaimRows,
    ids: list[int],
    holders: list[int],
    providers: dict[str, int],
) -> list[Move]:
    """List the slots that differ from what is held, those that only end last."""
    sql = (
        "SELECT consumer, slot, provider, type, exclusive, device FROM occupant"
        f" WHERE consumer IN ({marks(holders)})"
    )
    rows_held = db.execute(sql, holders).fetchall() if holders else ()
    held = {(row[0], row[1]): Place(*row[2:]) for row in rows_held}
    moves = []
    for index, uuid, slot, kind, exclusive, asked in rows.occupants:
        old = held.pop((ids[index], slot), None)
        # A device left out is the one that is held there already.
        stays = old is not None and old.provider == providers[uuid] and asked is None
        device = old.device if old is not None and stays else asked
        new = Place(providers[uuid], kind, exclusive, device)
        if new != old:
            moves.append(Move(ids[index], slot, old, new))
    return moves + [Move(*key, old, None) for key, old in held.items()]


def adopt_instances(db: sqlite3.Connection, moves: list[Move]) -> None:
    """Count no longer as strays the instances seen on the host that turn out to be these."""
    for move in moves:
        if move.new is not None and move.new.device is not None:
            _adopt(db, move.new.provider, move.new.device)


def _adopt(db: sqlite3.Connection, provider: int, device: str) -> None:
    found = db.execute(
        "UPDATE seen_instance SET stray = 0 WHERE provider = ? AND device = ? AND stray"
        " RETURNING units",
        (provider, device),
    ).fetchone()
    if found is not None:
        _move_strays(db, provider, found[0], -1)


def write_occupants(db: sqlite3.Connection, moves: list[Move], uuids: Uuids) -> None:
    """Put slots on devices: those asked by name first, so that none is given to another."""
    if not moves:
        return
    db.executemany(
        "DELETE FROM occupant WHERE consumer = ? AND slot = ?",
        [(move.consumer, move.slot) for move in moves if move.old],
    )
    left = {(m.old.provider, m.old.device) for m in moves if m.old}
    placed = [(move, move.new) for move in moves if move.new]
    for move, new in sorted(placed, key=lambda pair: pair[1].device is None):
        device = _device(db, new, uuids[new.provider], left)
        db.execute(
            "INSERT INTO occupant (consumer, slot, provider, type, exclusive, device)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (move.consumer, move.slot, new.provider, new.type, new.exclusive, device),
        )
    _require_agreement(db, moves, uuids)


def count_left_instances(db: sqlite3.Connection, moves: list[Move]) -> None:
    """Count as strays the instances still on the host whose holders have just let go.

    A holder without a device may have any instance of its type, so one of those stays its own.
    """
    for provider in sorted({move.old.provider for move in moves if move.old}):
        left = db.execute(
            "UPDATE seen_instance AS s SET stray = 1 FROM ("
            "  SELECT device, type, row_number() OVER (PARTITION BY type ORDER BY device) AS n"
            "  FROM seen_instance i WHERE provider = ?1 AND NOT stray AND NOT EXISTS ("
            "    SELECT 1 FROM occupant o WHERE o.provider = ?1 AND o.device = i.device)) AS f"
            " WHERE s.provider = ?1 AND s.device = f.device AND f.n > ("
            "  SELECT count(*) FROM occupant o"
            "  WHERE o.provider = ?1 AND o.type = f.type AND o.device IS NULL)"
            " RETURNING units",
            (provider,),
        ).fetchall()
        for (units,) in left:
            _move_strays(db, provider, units, 1)


def read_devices(
    db: sqlite3.Connection, rows: ClaimRows, ids: list[int]
) -> dict[str, dict[str, str]]:
    """Name the devices that the consumers hold now."""
    devices: dict[str, dict[str, str]] = {}
    if not rows.occupants:
        return devices
    sql = (
        "SELECT c.uuid, o.slot, o.device FROM occupant o JOIN consumer c ON c.id = o.consumer"
        f" WHERE o.consumer IN ({marks(ids)}) AND o.device IS NOT NULL"
    )
    for uuid, slot, device in db.execute(sql, ids):
        devices.setdefault(uuid, {})[slot] = device
    return devices


def _device(
    db: sqlite3.Connection, place: Place, uuid: str, left: Collection[tuple[int, str | None]]
) -> str | None:
    """Choose the device of a place: as asked, else the first free one where they have names.

    One on which somebody unknown has made an instance is the last to be chosen.
    """
    provider, device = place.provider, place.device
    if device is None:
        rows = db.execute(
            "SELECT d.device, o.device FROM provider_device d"
            " LEFT JOIN occupant o ON o.provider = d.provider AND o.device = d.device"
            " LEFT JOIN seen_instance s"
            " ON s.provider = d.provider AND s.device = d.device AND s.stray"
            " WHERE d.provider = ?"
            " ORDER BY o.device IS NOT NULL, s.device IS NOT NULL, d.rank LIMIT 1",
            (provider,),
        ).fetchone()
        if rows is None:
            return None
        if rows[1] is not None:
            raise Refused(error="device", provider=uuid, device=None)
        chosen: str = rows[0]
        _adopt(db, provider, chosen)
        return chosen
    key = (provider, device)
    if db.execute("SELECT 1 FROM occupant WHERE provider = ? AND device = ?", key).fetchone():
        raise Refused(error="device", provider=uuid, device=device)
    known = db.execute(
        "SELECT max(device = ?) FROM provider_device WHERE provider = ?", (device, provider)
    ).fetchone()[0]
    if known == 0 and key not in left:
        raise Refused(error="no_device", provider=uuid, device=device)
    return device


def _require_agreement(db: sqlite3.Connection, moves: list[Move], uuids: Uuids) -> None:
    """Refuse a new value on a provider whose other instances have another."""
    # What passes from one consumer to another takes nothing new, and is not asked.
    passed = {(m.old.provider, m.old.exclusive) for m in moves if m.old}
    asked = defaultdict(set)
    for move in moves:
        new = move.new
        if new and new.exclusive is not None and (new.provider, new.exclusive) not in passed:
            asked[uuids[new.provider], new.provider].add(new.exclusive)
    for (uuid, provider), values in sorted(asked.items()):
        for value in sorted(values):
            others = db.execute(
                "SELECT exclusive FROM occupant WHERE provider = ?1 AND exclusive <> ?2 UNION"
                " SELECT exclusive FROM seen_instance"
                " WHERE provider = ?1 AND stray AND exclusive <> ?2 ORDER BY exclusive",
                (provider, value),
            ).fetchall()
            if others:
                in_use = [row[0] for row in others]
                raise Refused(error="exclusive", provider=uuid, wanted=value, in_use=in_use)


def _move_strays(db: sqlite3.Connection, provider: int, units: str, sign: int) -> None:
    db.executemany(
        "UPDATE inventory SET stray = stray + ? WHERE provider = ? AND cap IS NOT NULL"
        " AND class = (SELECT id FROM resource_class WHERE name = ?)",
        [(sign * amount, provider, name) for name, amount in json.loads(units).items()],
    )


def marks(values: Collection[object]) -> str:
    """Write a question mark for each value."""
    return ",".join("?" * len(values))
