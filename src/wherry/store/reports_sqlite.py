"""Reports on SQLite that ask for little, with few bare statements; see `report_rows`."""

import json
import sqlite3

from wherry.store.bulk import insert_rows, next_ids
from wherry.store.new_providers import Names
from wherry.store.report_rows import NewHost, Seen, Sight, Sighting

_SIGHT = (
    "SELECT generation, boot_id = :boot_id AND digest = :digest AND sequence <= :sequence"
    " AND NOT EXISTS (SELECT * FROM provider WHERE provider.host = :host AND gone),"
    " (SELECT count(*) FROM provider WHERE provider.host = :host),"
    " EXISTS (SELECT * FROM migration WHERE state = 'lost'"
    " AND (source = :host OR target = :host))"
    " FROM host WHERE name = :host"
)
_SEE = (
    "UPDATE host SET last_seen = max(last_seen, :now), sequence = :sequence,"
    " observed_at = :observed_at WHERE name = :host"
)
_IS_THERE = (
    "SELECT EXISTS (SELECT * FROM host WHERE name = :host)"
    " OR EXISTS (SELECT * FROM gone WHERE kind = 'host' AND key = :host)"
    " OR EXISTS (SELECT * FROM provider WHERE host = :host)"
    " OR EXISTS (SELECT * FROM provider WHERE name = :host)"
    " OR EXISTS (SELECT * FROM provider WHERE name IN (SELECT value FROM json_each(:names)))"
    " OR EXISTS (SELECT * FROM provider WHERE uuid IN (SELECT value FROM json_each(:uuids)))"
    " OR EXISTS (SELECT * FROM gone WHERE kind = 'provider'"
    " AND key IN (SELECT value FROM json_each(:uuids)))"
)
_CLASSES = "SELECT name, id FROM resource_class WHERE name IN (SELECT value FROM json_each(?))"
_TRAITS = "SELECT name, id FROM trait WHERE name IN (SELECT value FROM json_each(?))"
_NEW_CLASS = "INSERT INTO resource_class (name) VALUES (?)"
_NEW_TRAIT = "INSERT INTO trait (name) VALUES (?)"


def read_sight(db: sqlite3.Connection, sighting: Sighting) -> Sight:
    """Say what would become of a sighting now."""
    row = db.execute(_SIGHT, sighting._asdict()).fetchone()
    if row is None:
        return "absent"
    generation, is_same, providers, has_lost = row
    return Seen(generation, providers, bool(has_lost)) if is_same else "differs"


def see_host(db: sqlite3.Connection, sighting: Sighting) -> Sight:
    """Note that a host was seen, if nothing of it is new."""
    found = read_sight(db, sighting)
    if isinstance(found, Seen):
        db.execute(_SEE, sighting._asdict())
    return found


def add_host(db: sqlite3.Connection, host: NewHost) -> bool:
    """Write a host if nothing of it is there, or was; says whether."""
    wanted = {
        "host": host.name,
        "names": json.dumps([each.name for each in host.providers]),
        "uuids": json.dumps([each.uuid for each in host.providers]),
    }
    (is_there,) = db.execute(_IS_THERE, wanted).fetchone()
    if is_there:
        return False
    names = Names(
        classes=_intern(db, _CLASSES, _NEW_CLASS, host.classes),
        traits=_intern(db, _TRAITS, _NEW_TRAIT, host.traits),
    )
    ids = next_ids(db, "sqlite", len(host.providers))
    insert_rows(db, "sqlite", host.rows(ids, names))
    return True


def _intern(db: sqlite3.Connection, query: str, insert: str, names: set[str]) -> dict[str, int]:
    found = dict(db.execute(query, (json.dumps(list(names)),)).fetchall())
    missing = sorted(names - found.keys())
    if missing:
        db.executemany(insert, [(name,) for name in missing])
        found |= dict(db.execute(query, (json.dumps(missing),)).fetchall())
    return found
