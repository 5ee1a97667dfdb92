"""What clients write of one provider, where nothing but that is to be done: in one trip.

Each gives None where it is more than that; then nothing was written, and the caller takes the
long way, which looks closer and finds the words for a refusal.

Source: schema/versions/0009_*.sql; their twin is `wherry.store.client_calls_sqlite`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from wherry.model.inventory import MAX_INT, Inventory
from wherry.store import client_calls_sqlite as sqlite
from wherry.store.limits import capped
from wherry.store.transaction import Store


class Made(NamedTuple):
    """A provider that was made.

    Attributes:
        generation: the one inside.
        root: uuid of the root of its tree.
    """

    id: int
    generation: int
    root: str


class Use(NamedTuple):
    """What is held of an inventory, as the table ``inventory`` has it."""

    name: str
    used: int
    charged: int
    stray: int


_MAKE = "SELECT * FROM wherry_make_provider_0009(%s, %s, %s, %s)"
_INVENTORIES = (
    "SELECT * FROM wherry_set_inventories_0009(%s, %s, %s, %s::text[], %s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::double precision[], %s::bigint[])"
)
_TRAITS = "SELECT * FROM wherry_set_traits_0009(%s, %s, %s, %s::text[])"
_AGGREGATES = "SELECT wherry_set_aggregates_0009(%s, %s, %s, %s::text[])"


def make_provider(
    store: Store, *, uuid: str, name: str, parent: str | None, now: float
) -> Made | None:
    """Make a client's provider that has nothing yet.

    Args:
        parent: uuid of the provider above it.
    """
    asked = (uuid, name, parent, now)
    if store.dialect == "sqlite":
        row = store.call(lambda db: sqlite.make_provider(db, *asked))
    else:
        row = store.call(lambda db: db.execute(_MAKE, asked).fetchone())
    return None if row is None else Made._make(row)


def set_inventories(
    store: Store, uuid: str, inventories: Mapping[str, Inventory], *, generation: int, now: float
) -> tuple[int, list[Use]] | None:
    """Make the inventories of a client's provider these, at least one.

    Args:
        generation: that the provider must have.

    Gives the generation after that, and what is held, in the order in which the classes came.
    """
    if not _is_kept(generation):
        return None
    columns = [list(each) for each in zip(*map(_numbers, inventories.values()), strict=True)]
    names = list(inventories)
    if store.dialect == "sqlite":
        rows = store.call(
            lambda db: sqlite.set_inventories(db, uuid, generation, now, names, *columns)
        )
    else:
        asked = (uuid, generation, now, names, *columns)
        rows = store.call(lambda db: db.execute(_INVENTORIES, asked).fetchall())
    return (rows[0][0], [Use._make(row[1:]) for row in rows]) if rows else None


def set_traits(
    store: Store, uuid: str, names: Sequence[str], *, generation: int, now: float
) -> tuple[int, dict[str, float | None]] | None:
    """Make the traits of a client's provider these, each named once.

    Gives the generation after that, and when each trait was made.
    """
    if not _is_kept(generation):
        return None
    asked = (uuid, generation, now, list(names))
    if store.dialect == "sqlite":
        row = store.call(lambda db: sqlite.set_traits(db, *asked))
    else:
        row = store.call(lambda db: db.execute(_TRAITS, asked).fetchone())
    return None if row is None else (row[0], dict(zip(names, row[1], strict=True)))


def set_aggregates(
    store: Store, uuid: str, uuids: Sequence[str], *, generation: int, now: float
) -> int | None:
    """Make the aggregates that a provider belongs to these; gives the generation after that."""
    if not _is_kept(generation):
        return None
    asked = (uuid, generation, now, list(uuids))
    if store.dialect == "sqlite":
        seen: int | None = store.call(lambda db: sqlite.set_aggregates(db, *asked))
        return seen
    row = store.call(lambda db: db.execute(_AGGREGATES, asked).fetchone())
    return None if row is None else row[0]


def _is_kept(generation: object) -> bool:
    """JSON's numbers may be larger than a database takes, or have a fraction of zero."""
    return type(generation) is int and 0 <= generation <= MAX_INT


def _numbers(limits: Inventory) -> tuple[float, ...]:
    return (*msgspec.structs.astuple(limits), capped(limits.capacity))
