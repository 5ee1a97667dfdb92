"""A claim on PostgreSQL: one call of the server-side function.

Source: schema/versions/0003_claim.sql.
"""

from typing import Any

import psycopg

from wherry.store.claim_rows import ClaimRows

_CALL = (
    "SELECT wherry_claim_0003(%s::text, %s::text, %s::double precision,"
    " %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],"
    " %s::int[], %s::text[], %s::text[], %s::bigint[],"
    " %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
    " %s::text[], %s::bigint[], %s::text[])"
)


def apply_claim(db: psycopg.Connection[Any], rows: ClaimRows) -> dict[str, Any]:
    """Make every holding as said; gives what the function gives, refusals included."""
    holdings = _columns(rows.holdings, 5)
    allocations = _columns([(row[0] + 1, *row[1:]) for row in rows.allocations], 4)
    occupants = _columns([(row[0] + 1, *row[1:]) for row in rows.occupants], 6)
    facts = _columns(rows.facts, 2)
    named = None if rows.named is None else list(rows.named)
    row = db.execute(
        _CALL,
        [rows.id, rows.digest, rows.at, *holdings, *allocations, *occupants, *facts, named],
        binary=True,
    ).fetchone()
    answer: dict[str, Any] = row[0] if row else {}
    return answer


def _columns(rows: Any, width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
