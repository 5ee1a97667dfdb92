"""Reports on PostgreSQL of which nothing is new: many together, in two trips to the server.

Statements go in a pipeline, and what a host has is looked up one host after the other: so the
server walks its indexes whatever it thinks of tables that have just been filled.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from wherry.store.bulk import numbers_array, texts_array
from wherry.store.report_rows import Seen, Sight, Sighting

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
