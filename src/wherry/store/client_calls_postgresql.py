"""What clients write of one provider, by functions of PostgreSQL; see `store.client_calls`.

Source: schema/versions/0009_*.sql; their twin is `wherry.store.client_calls_sqlite`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wherry.store.bare import ask_prepared
from wherry.store.bulk import numbers_array, texts_array

if TYPE_CHECKING:
    import psycopg

    Db = psycopg.Connection[Any]

Row = tuple[Any, ...]

_MAKE = b"SELECT id, generation, root FROM wherry_make_provider_0009($1, $2, $3, $4)"
_INVENTORIES = (
    b"SELECT seen, class, used, charged, stray"
    b" FROM wherry_set_inventories_0009($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
_TRAITS = b"SELECT seen, made_at FROM wherry_set_traits_0009($1, $2, $3, $4)"
_AGGREGATES = b"SELECT wherry_set_aggregates_0009($1, $2, $3, $4)"


def make_provider(db: "Db", uuid: str, name: str, parent: str | None, now: float) -> Row | None:
    """Give id, generation inside and root of the provider that was made."""
    rows = _ask(db, b"wherry_make", _MAKE, uuid, name, parent, repr(now))
    if not rows:
        return None
    number, generation, root = rows[0]
    return int(number), int(generation), root.decode()


def set_inventories(
    db: "Db",
    uuid: str,
    generation: int,
    now: float,
    names: Sequence[str],
    *columns: Sequence[float],
) -> list[Row]:
    """Give generation, class, used, charged and stray of each inventory after that."""
    arrays = texts_array(names), *map(numbers_array, columns)
    rows = _ask(db, b"wherry_stock", _INVENTORIES, uuid, str(generation), repr(now), *arrays)
    return [
        (int(seen), name.decode(), int(used), int(charged), int(stray))
        for seen, name, used, charged, stray in rows
    ]


def set_traits(
    db: "Db", uuid: str, generation: int, now: float, names: Sequence[str]
) -> Row | None:
    """Give the generation after that, and the times at which the traits were made."""
    asked = uuid, str(generation), repr(now), texts_array(names)
    rows = _ask(db, b"wherry_traits", _TRAITS, *asked)
    if not rows:
        return None
    seen, array = rows[0]
    times = array[1:-1].split(b",") if names else []
    return int(seen), [None if time == b"NULL" else float(time) for time in times]


def set_aggregates(
    db: "Db", uuid: str, generation: int, now: float, uuids: Sequence[str]
) -> int | None:
    """Give the generation after that."""
    asked = uuid, str(generation), repr(now), texts_array(uuids)
    seen = _ask(db, b"wherry_aggregates", _AGGREGATES, *asked)[0][0]
    return None if seen is None else int(seen)


def _ask(db: "Db", name: bytes, query: bytes, *values: str | None) -> list[list[Any]]:
    """Ask for rows, of values as PostgreSQL writes them."""
    params = [None if value is None else value.encode() for value in values]
    told = ask_prepared(db.pgconn, name, query, params)
    return [
        [told.get_value(row, column) for column in range(told.nfields)]
        for row in range(told.ntuples)
    ]
