"""Reports on PostgreSQL that ask for little: many together, in two trips to the server.

Statements go in a pipeline, and what a host has is looked up one host after the other: so the
server walks its indexes whatever it thinks of tables that have just been filled.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from wherry.store.bulk import insert_rows, numbers_array, texts_array
from wherry.store.new_providers import Names
from wherry.store.report_rows import NewHost, Seen, Sight, Sighting, together

_SIGHT = (
    "SELECT stored.name IS NOT NULL, stored.generation,"
    " (SELECT count(*) FROM provider WHERE host = stored.name),"
    " EXISTS (SELECT FROM migration WHERE state = 'lost'"
    " AND (source = stored.name OR target = stored.name))"
    " FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) WITH ORDINALITY"
    " AS said (name, boot_id, digest, sequence, place)"
    " LEFT JOIN LATERAL (SELECT host.name, CASE WHEN host.boot_id = said.boot_id"
    " AND host.digest = said.digest AND host.sequence <= said.sequence"
    " AND NOT EXISTS (SELECT FROM provider WHERE provider.host = said.name AND gone)"
    " THEN host.generation END AS generation"
    " FROM host WHERE host.name = said.name OFFSET 0) AS stored ON true ORDER BY said.place"
)
_SEE = (
    "UPDATE host SET last_seen = greatest(last_seen, %(now)s), sequence = %(sequence)s,"
    " observed_at = %(observed_at)s WHERE name = %(host)s AND boot_id = %(boot_id)s"
    " AND digest = %(digest)s AND sequence <= %(sequence)s"
)
# Whoever has a host's lock may be waiting for what else is in this transaction.  What follows in
# it is planned once: left to itself the server plans a look at few names with every execution.
_LOCK = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended(name, 0)),"
    " set_config('plan_cache_mode', 'force_generic_plan', true)"
    " FROM unnest(%s::text[]) WITH ORDINALITY AS said (name, place) ORDER BY place"
)
_NAMES = (
    "SELECT (SELECT json_object_agg(name, id) FROM resource_class WHERE name = ANY (%s::text[])),"
    " (SELECT json_object_agg(name, id) FROM trait WHERE name = ANY (%s::text[]))"
)
_LOOK = (
    f"{_NAMES},"  # noqa: S608 - ours
    " ARRAY(SELECT (SELECT count(*) FROM host WHERE host.name = said.name)"
    " + (SELECT count(*) FROM gone WHERE kind = 'host' AND key = said.name)"
    " + (SELECT count(*) FROM provider WHERE provider.host = said.name)"
    " + (SELECT count(*) FROM provider WHERE provider.name = said.name) = 0"
    " FROM unnest(%s::text[]) WITH ORDINALITY AS said (name, place) ORDER BY place),"
    " ARRAY(SELECT said.uuid FROM unnest(%s::text[]) AS said (uuid)"
    " WHERE (SELECT count(*) FROM gone WHERE kind = 'provider' AND key = said.uuid) > 0),"
    " ARRAY(SELECT nextval(pg_get_serial_sequence('provider', 'id'))"
    " FROM generate_series(1, %s::integer))"
)
_NEW_CLASSES = (
    "INSERT INTO resource_class (name) SELECT * FROM unnest(%s::text[])"
    " ON CONFLICT (name) DO NOTHING"
)
_NEW_TRAITS = (
    "INSERT INTO trait (name) SELECT * FROM unnest(%s::text[]) ON CONFLICT (name) DO NOTHING"
)


def see_hosts(db: psycopg.Connection[Any], sightings: Sequence[Sighting]) -> list[Sight]:
    """Note that hosts were seen of which nothing is new.

    Args:
        db: a connection that commits by itself.
    """
    hosts, boots, digests, sequences, *_ = zip(*sightings, strict=True)
    columns = [*map(texts_array, (hosts, boots, digests)), numbers_array(sequences)]
    found = db.execute(_SIGHT, columns, prepare=True).fetchall()
    same = [
        (place, sighting)
        for place, (sighting, row) in enumerate(zip(sightings, found, strict=True))
        if row[1] is not None
    ]
    noted: set[int] = set()
    if same:
        with db.pipeline():
            done = [
                (place, db.execute(_SEE, sighting._asdict(), prepare=True))
                for place, sighting in same
            ]
        noted = {place for place, cursor in done if cursor.rowcount}
    return [
        "absent" if not row[0] else Seen(*row[1:]) if place in noted else "differs"
        for place, row in enumerate(found)
    ]


def add_hosts(db: psycopg.Connection[Any], hosts: Sequence[NewHost]) -> list[bool]:
    """Write hosts of which nothing is there; says of each whether it is written.

    All that are written are of one transaction.  One is not where anything of it is there, or
    was, or somebody is at it now.

    Args:
        db: a connection that commits by itself.
    """
    classes, traits = _wanted(hosts)
    names = texts_array([host.name for host in hosts])
    uuids = [each.uuid for host in hosts for each in host.providers]
    wanted = (texts_array(classes), texts_array(traits), names, texts_array(uuids), len(uuids))
    with db.pipeline(), db.transaction():
        locks = db.execute(_LOCK, (names,), prepare=True)
        # Another statement sees what was committed before the locks were had.
        look = db.execute(_LOOK, wanted, prepare=True)
        locked = [row[0] for row in locks.fetchall()]
        *known, free, gone, ids = look.fetchall()[0]
        is_new = [
            is_locked and is_free and not any(each.uuid in gone for each in host.providers)
            for host, is_locked, is_free in zip(hosts, locked, free, strict=True)
        ]
        names_of = _names(db, classes, traits, known)
        numbers = iter(ids)
        rows = [
            host.rows([next(numbers) for _ in host.providers], names_of)
            for host, is_one in zip(hosts, is_new, strict=True)
            if is_one
        ]
        if rows:
            insert_rows(db, "postgresql", together(rows))
    return is_new


def _wanted(hosts: Sequence[NewHost]) -> tuple[list[str], list[str]]:
    """Name the classes and traits of hosts, in order."""
    classes = set().union(*(host.classes for host in hosts))
    return sorted(classes), sorted(set().union(*(host.traits for host in hosts)))


def _names(
    db: psycopg.Connection[Any], classes: Sequence[str], traits: Sequence[str], known: Sequence[Any]
) -> Names:
    """Give ids of all names; those that are new get one."""
    new = [
        [name for name in wanted if name not in (found or {})]
        for wanted, found in zip((classes, traits), known, strict=True)
    ]
    if any(new):
        # In order, so that two that make the same names cannot wait for each other.
        db.execute(_NEW_CLASSES, (texts_array(new[0]),))
        db.execute(_NEW_TRAITS, (texts_array(new[1]),))
        wanted = (texts_array(classes), texts_array(traits))
        known = db.execute(_NAMES, wanted).fetchall()[0]
    return Names(classes=known[0] or {}, traits=known[1] or {})
