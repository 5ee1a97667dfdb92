"""Claims on SQLite: a group is read at once, decided in memory, and written at once.

The writer is alone, so what it has read stays true until it commits: sixty-four claims cost
few more statements than one does.

Source: notes on the stack, section 2.1.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from wherry.store.claim_decision import decide
from wherry.store.claim_places import apply_with_places, decode_places
from wherry.store.claim_rows import ClaimRows, Refused
from wherry.store.claim_state import Changes, Consumer, Place, Provider, Seen, State, Stock


def apply_claims(db: sqlite3.Connection, claims: Sequence[ClaimRows]) -> list[dict[str, Any]]:
    """Make every holding of each claim as said, one claim after the other.

    Gives what PostgreSQL's function gives, refusals included; what is refused leaves nothing.
    """
    return apply_with_places(_Driver(db), claims, lambda some: _apply(db, some))


class _Driver:
    """What places need of the database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def attempt(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._db.execute("SAVEPOINT places")
        answer = make()
        if "error" in answer:
            self._db.execute("ROLLBACK TO places")
        self._db.execute("RELEASE places")
        return answer

    def find_positional(self, uuids: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
        sql = (
            "SELECT p.uuid, t.type, t.places FROM placement t JOIN provider p ON p.id = t.provider"
            " WHERE p.uuid IN (SELECT value FROM json_each(?))"
        )
        return decode_places(_rows(self._db, sql, uuids))

    def read_sitting(self, uuid: str) -> tuple[list[Any], list[Any]]:
        sql = (
            "SELECT c.uuid, o.slot, o.type, o.device, o.place FROM occupant o"
            " JOIN consumer c ON c.id = o.consumer JOIN provider p ON p.id = o.provider"
            " WHERE p.uuid = ? ORDER BY c.uuid, o.slot"
        )
        occupants = self._db.execute(sql, (uuid,)).fetchall()
        sql = (
            "SELECT s.device, s.type, s.place, s.stray FROM seen_instance s"
            " JOIN provider p ON p.id = s.provider WHERE p.uuid = ? ORDER BY s.device"
        )
        return occupants, self._db.execute(sql, (uuid,)).fetchall()

    def write_places(self, rows: Sequence[tuple[str, str, str]]) -> None:
        self._db.executemany(
            "UPDATE occupant SET place = ? WHERE slot = ?"
            " AND consumer = (SELECT id FROM consumer WHERE uuid = ?)",
            [(place, slot, consumer) for consumer, slot, place in rows],
        )


def _apply(db: sqlite3.Connection, claims: Sequence[ClaimRows]) -> list[dict[str, Any]]:
    state = _read(db, claims)
    answers = []
    for rows in claims:
        try:
            answers.append(decide(state, rows))
        except Refused as refused:
            answers.append(refused.detail)
    _write(db, state)
    return answers


def _read(db: sqlite3.Connection, claims: Sequence[ClaimRows]) -> State:
    state = State()
    _read_consumers(db, state, {row[0] for rows in claims for row in rows.holdings})
    _read_earlier(db, state, claims)
    names = {row[1] for rows in claims for row in rows.allocations}
    names.update(row[1] for rows in claims for row in rows.occupants)
    names.update(uuid for rows in claims for uuid, _ in rows.facts)
    names.update(uuid for rows in claims for uuid in rows.named or ())
    _read_providers(db, state, names)
    if any(rows.occupants for rows in claims) or any(
        consumer.places for consumer in state.consumers.values()
    ):
        _read_devices(db, state)
    return state


def _rows(db: sqlite3.Connection, sql: str, values: Iterable[object]) -> Iterator[Any]:
    """Run a query whose one parameter is a list of values."""
    return db.execute(sql, (json.dumps(list(values)),))


def _read_earlier(db: sqlite3.Connection, state: State, claims: Sequence[ClaimRows]) -> None:
    """Read what claims of the same ids left, and which consumers are of guests."""
    ids = [rows.id for rows in claims if rows.id is not None]
    if ids:
        sql = "SELECT id, digest, outcome FROM claim WHERE id IN (SELECT value FROM json_each(?))"
        state.claims = {row[0]: (row[1], row[2]) for row in _rows(db, sql, ids)}
    plain = [rows.holdings[0][0] for rows in claims if rows.is_plain]
    if plain:
        for column in ("uuid", "migration"):
            sql = f"SELECT {column} FROM guest WHERE {column} IN (SELECT value FROM json_each(?))"
            state.guests.update(row[0] for row in _rows(db, sql, plain))


def _read_consumers(db: sqlite3.Connection, state: State, uuids: set[str]) -> None:
    sql = (
        "SELECT id, uuid, generation, type, project, user_id FROM consumer"
        " WHERE uuid IN (SELECT value FROM json_each(?))"
    )
    consumers = {row[0]: Consumer(*row) for row in _rows(db, sql, uuids)}
    state.consumers = {consumer.uuid: consumer for consumer in consumers.values()}
    state.next_id = db.execute("SELECT coalesce(max(id), 0) + 1 FROM consumer").fetchone()[0]
    if not consumers:
        return
    sql = (
        "SELECT a.consumer, a.provider, c.name, a.used FROM allocation a"
        " JOIN resource_class c ON c.id = a.class"
        " WHERE a.consumer IN (SELECT value FROM json_each(?))"
    )
    for number, provider, name, used in _rows(db, sql, consumers):
        consumers[number].held[provider, name] = used
    sql = (
        "SELECT consumer, slot, provider, type, exclusive, device FROM occupant"
        " WHERE consumer IN (SELECT value FROM json_each(?))"
    )
    for number, slot, *place in _rows(db, sql, consumers):
        consumers[number].places[slot] = Place(*place)


def _read_providers(db: sqlite3.Connection, state: State, uuids: set[str]) -> None:
    """Read providers by name, and those on which the consumers hold something."""
    columns = "id, uuid, generation, facts_generation, host IS NOT NULL AND parent IS NOT NULL"
    sql = f"SELECT {columns}, silent FROM provider WHERE"
    held = {key[0] for consumer in state.consumers.values() for key in consumer.held}
    held.update(
        place.provider
        for consumer in state.consumers.values()
        for place in consumer.places.values()
    )
    for condition, values in (("uuid", uuids), ("id", held)):
        if values:
            query = f"{sql} {condition} IN (SELECT value FROM json_each(?))"
            for row in _rows(db, query, values):
                state.providers[row[0]] = Provider(*row)
    state.named = {provider.uuid: provider for provider in state.providers.values()}
    sql = (
        "SELECT v.provider, c.name, v.used, v.charged, v.stray, v.cap, v.min_unit, v.max_unit,"
        " v.step_size FROM inventory v JOIN resource_class c ON c.id = v.class"
        " WHERE v.provider IN (SELECT value FROM json_each(?))"
    )
    for number, name, *stock in _rows(db, sql, state.providers):
        state.providers[number].stocks[name] = Stock(*stock)
    sql = (
        "SELECT w.provider, c.name, p.name, w.units FROM view w"
        " JOIN resource_class c ON c.id = w.class JOIN resource_class p ON p.id = w.pool"
        " WHERE w.provider IN (SELECT value FROM json_each(?))"
    )
    for number, name, pool, units in _rows(db, sql, state.providers):
        state.providers[number].views.setdefault(name, []).append((pool, units))


def _read_devices(db: sqlite3.Connection, state: State) -> None:
    providers = state.providers
    sql = (
        "SELECT o.provider, c.uuid, o.slot, o.type, o.exclusive, o.device FROM provider p"
        " CROSS JOIN occupant o ON o.provider = p.id CROSS JOIN consumer c ON c.id = o.consumer"
        " WHERE p.id IN (SELECT value FROM json_each(?))"
    )
    for number, uuid, slot, *place in _rows(db, sql, providers):
        providers[number].occupants[uuid, slot] = Place(number, *place)
    sql = (
        "SELECT provider, device FROM provider_device"
        " WHERE provider IN (SELECT value FROM json_each(?)) ORDER BY provider, rank"
    )
    for number, device in _rows(db, sql, providers):
        providers[number].devices.append(device)
    sql = (
        "SELECT provider, device, type, units, exclusive, stray FROM seen_instance"
        " WHERE provider IN (SELECT value FROM json_each(?))"
    )
    for number, device, kind, units, exclusive, stray in _rows(db, sql, providers):
        seen = Seen(kind, json.loads(units), exclusive, bool(stray))
        providers[number].seen[device] = seen


def _write(db: sqlite3.Connection, state: State) -> None:
    changes = state.changes
    _write_consumers(db, changes)
    _write_held(db, changes)
    db.executemany(
        "UPDATE inventory SET used = ?, charged = ?, stray = ?"
        " WHERE provider = ? AND class = (SELECT id FROM resource_class WHERE name = ?)",
        [
            (stock.used, stock.charged, stock.stray, *key)
            for key in changes.stocks
            for stock in (state.providers[key[0]].stocks[key[1]],)
        ],
    )
    db.executemany(
        "UPDATE seen_instance SET stray = ? WHERE provider = ? AND device = ?",
        [(state.providers[key[0]].seen[key[1]].stray, *key) for key in changes.seen],
    )
    db.executemany(
        "UPDATE provider SET generation = ?, silent = ?, changed_at = ? WHERE id = ?",
        [
            (state.providers[number].generation, state.providers[number].silent, at, number)
            for number, at in changes.moved_at.items()
        ],
    )
    db.executemany(
        "INSERT INTO change (kind, ref, generation) VALUES ('use', ?, ?)", changes.events
    )
    db.executemany(
        "INSERT INTO claim (id, digest, at, outcome) VALUES (?, ?, ?, ?)", changes.claims
    )


def _write_consumers(db: sqlite3.Connection, changes: Changes) -> None:
    db.executemany("DELETE FROM consumer WHERE id = ?", [(number,) for number in changes.ended])
    db.executemany(
        "INSERT INTO consumer (id, uuid, generation, type, project, user_id, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " generation = excluded.generation, type = excluded.type, project = excluded.project,"
        " user_id = excluded.user_id, changed_at = excluded.changed_at",
        [
            (number, one.uuid, one.generation, one.type, one.project, one.user, at)
            for number, (one, at) in changes.consumers.items()
        ],
    )


def _write_held(db: sqlite3.Connection, changes: Changes) -> None:
    klass = "(SELECT id FROM resource_class WHERE name = ?)"
    db.executemany(
        f"DELETE FROM allocation WHERE consumer = ? AND provider = ? AND class = {klass}",
        [key for key, units in changes.allocations.items() if not units],
    )
    db.executemany(
        f"INSERT INTO allocation (consumer, provider, class, used) VALUES (?, ?, {klass}, ?)"
        " ON CONFLICT (consumer, provider, class) DO UPDATE SET used = excluded.used",
        [(*key, units) for key, units in changes.allocations.items() if units],
    )
    # All that goes before all that comes: a device may pass from one to another.
    db.executemany("DELETE FROM occupant WHERE consumer = ? AND slot = ?", list(changes.occupants))
    db.executemany(
        "INSERT INTO occupant (consumer, slot, provider, type, exclusive, device)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*key, place.provider, place.type, place.exclusive, place.device)
            for key, place in changes.occupants.items()
            if place
        ],
    )
