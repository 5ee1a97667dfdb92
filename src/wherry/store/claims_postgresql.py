"""Claims on PostgreSQL: one call of the server-side function for all that are at hand.

Source: schema/versions/0010_new_consumers.sql.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from wherry.store.claim_places import apply_with_places, decode_places
from wherry.store.claim_rows import ClaimRows

_CALL = "SELECT * FROM wherry_claims_0010(%s::json, %s::text[], %s::text[])"
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(dict[str, Any])
_HOLDING = ("h_uuid", "h_type", "h_project", "h_user", "h_expected")
_ALLOCATION = ("a_holding", "a_provider", "a_class", "a_units")
_OCCUPANT = ("o_holding", "o_provider", "o_slot", "o_type", "o_exclusive", "o_device")


def apply_claims(db: psycopg.Connection[Any], claims: Sequence[ClaimRows]) -> list[dict[str, Any]]:
    """Make every holding of each claim as said; gives what the function gives, refusals included.

    All of them are of one transaction, which is the caller's.
    """
    return apply_with_places(_Driver(db), claims, lambda some: _apply(db, some))


class _Driver:
    """What places need of the database."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db

    def attempt(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        # A transaction of its own where the connection commits by itself, else a savepoint.
        with self._db.transaction():
            answer = make()
            if "error" in answer:
                raise psycopg.Rollback
        return answer

    def find_positional(self, uuids: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
        sql = (
            "SELECT p.uuid, t.type, t.places FROM placement t JOIN provider p ON p.id = t.provider"
            " WHERE p.uuid = ANY (%s)"
        )
        return decode_places(self._db.execute(sql, (list(uuids),)).fetchall())

    def read_sitting(self, uuid: str) -> tuple[list[Any], list[Any]]:
        sql = (
            "SELECT c.uuid, o.slot, o.type, o.device, o.place FROM occupant o"
            " JOIN consumer c ON c.id = o.consumer JOIN provider p ON p.id = o.provider"
            " WHERE p.uuid = %s ORDER BY c.uuid, o.slot"
        )
        occupants = self._db.execute(sql, (uuid,)).fetchall()
        seen = (
            "SELECT s.device, s.type, s.place, s.stray FROM seen_instance s"
            " JOIN provider p ON p.id = s.provider WHERE p.uuid = %s ORDER BY s.device"
        )
        return occupants, self._db.execute(seen, (uuid,)).fetchall()

    def write_places(self, rows: Sequence[tuple[str, str, str]]) -> None:
        self._db.cursor().executemany(
            "UPDATE occupant o SET place = %s FROM consumer c"
            " WHERE o.slot = %s AND c.id = o.consumer AND c.uuid = %s",
            [(place, slot, consumer) for consumer, slot, place in rows],
        )


def _apply(db: psycopg.Connection[Any], claims: Sequence[ClaimRows]) -> list[dict[str, Any]]:
    arguments = [_arguments(rows) for rows in claims]
    text = _encoder.encode(arguments).decode()
    consumers = [row[0] for rows in claims for row in rows.holdings]
    names = list({name for each in arguments for name in each["p_names"]})
    found = db.execute(_CALL, (text, consumers, names)).fetchall()
    return [_decoder.decode(row[0]) for row in found]


def _arguments(rows: ClaimRows) -> dict[str, Any]:
    names = {row[1] for row in rows.allocations}
    names.update(row[1] for row in rows.occupants)
    names.update(uuid for uuid, _ in rows.facts)
    names.update(rows.named or ())
    return {
        "p_id": rows.id,
        "p_digest": rows.digest,
        "p_at": rows.at,
        "p_plain": rows.is_plain,
        "p_names": sorted(names),
        **_columns(_HOLDING, rows.holdings),
        **_columns(_ALLOCATION, [(row[0] + 1, *row[1:]) for row in rows.allocations]),
        **_columns(_OCCUPANT, [(row[0] + 1, *row[1:]) for row in rows.occupants]),
        **_columns(("f_provider", "f_expected"), rows.facts),
        "n_provider": rows.named,
    }


def _columns(names: tuple[str, ...], rows: Iterable[Any]) -> dict[str, Any]:
    columns = list(zip(*rows, strict=True))
    return dict(zip(names, columns or [()] * len(names), strict=True))
