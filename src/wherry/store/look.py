"""A look at the change feed: one statement that tells what claims changed.

Source: schema/versions/0009_use_since.sql; docs/explanation/change-feed.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from wherry.store.bare import ask_prepared
from wherry.store.feed import Cursor

if TYPE_CHECKING:
    import psycopg


class StockRow(NamedTuple):
    """An inventory as the table has it, by the names of its provider and class."""

    uuid: str
    name: str
    total: int
    reserved: int
    min_unit: int
    max_unit: int
    step_size: int
    allocation_ratio: float
    cap: int | None
    used: int
    charged: int
    stray: int


@dataclass(frozen=True, slots=True)
class Look:
    """What one statement tells of changes.

    Attributes:
        cursor: where to go on.
        kinds: of all objects that changed; None: rows were dropped that were not seen.
        stock: what the providers have whose use changed; none where more changed of any.
    """

    cursor: Cursor
    kinds: tuple[str, ...] | None
    stock: tuple[StockRow, ...] = ()


_NAME = b"wherry_look"
# Where the snapshot is the cursor itself nothing has happened, and the function is not run.
_QUERY = (
    b"SELECT now, array_to_string(kinds, ','), stock FROM wherry_use_since_0009($1)"
    b" WHERE pg_current_snapshot()::text <> $1"
)
_decode = msgspec.json.Decoder(list[StockRow]).decode


def look_since(db: "psycopg.Connection[Any]", cursor: Cursor) -> Look:
    """Look what changed since a cursor, in one trip to PostgreSQL and in no transaction.

    Raises:
        psycopg.Error: the database does not answer, or refuses.
    """
    told = ask_prepared(db.pgconn, _NAME, _QUERY, [cursor.encode()])
    if not told.ntuples:
        return Look(cursor, ())
    row: list[Any] = [told.get_value(0, column) for column in range(3)]
    now, kinds, stock = row
    words = None if kinds is None else tuple(filter(None, kinds.decode().split(",")))
    return Look(now.decode(), words, () if stock is None else tuple(_decode(stock)))
