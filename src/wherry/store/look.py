"""A look at the change feed: one statement that tells what claims changed.

Source: schema/versions/0009_use_since.sql; docs/explanation/change-feed.md.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from wherry.store.feed import Cursor


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


def look_since(db: Any, cursor: Cursor) -> Look:
    """Look what changed since a cursor, in one trip to PostgreSQL and in no transaction."""
    query = "SELECT * FROM wherry_use_since_0009(%s)"
    now, kinds, stock = db.execute(query, (cursor,)).fetchone()
    rows = tuple(StockRow._make(each) for each in stock or ())
    return Look(now, None if kinds is None else tuple(kinds), rows)
