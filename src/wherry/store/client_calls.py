"""What clients write of one provider, where nothing but that is to be done: in one trip.

Each gives None where it is more than that; then nothing was written, and the caller takes the
long way, which looks closer and finds the words for a refusal.

Source: `wherry.store.client_calls_postgresql` and its twin `wherry.store.client_calls_sqlite`.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

import msgspec

from wherry.model.inventory import MAX_INT, Inventory
from wherry.store import client_calls_postgresql as postgresql
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


def make_provider(
    store: Store, *, uuid: str, name: str, parent: str | None, now: float
) -> Made | None:
    """Make a client's provider that has nothing yet.

    Args:
        parent: uuid of the provider above it.
    """
    calls = _of(store)
    row = store.call(lambda db: calls.make_provider(db, uuid, name, parent, now))
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
    calls = _of(store)
    rows = store.call(
        lambda db: calls.set_inventories(db, uuid, generation, now, list(inventories), *columns)
    )
    return (rows[0][0], [Use._make(row[1:]) for row in rows]) if rows else None


def set_traits(
    store: Store, uuid: str, names: Sequence[str], *, generation: int, now: float
) -> tuple[int, dict[str, float | None]] | None:
    """Make the traits of a client's provider these, each named once.

    Gives the generation after that, and when each trait was made.
    """
    if not _is_kept(generation):
        return None
    calls = _of(store)
    row = store.call(lambda db: calls.set_traits(db, uuid, generation, now, names))
    return None if row is None else (row[0], dict(zip(names, row[1], strict=True)))


def set_aggregates(
    store: Store, uuid: str, uuids: Sequence[str], *, generation: int, now: float
) -> int | None:
    """Make the aggregates that a provider belongs to these; gives the generation after that."""
    if not _is_kept(generation):
        return None
    calls = _of(store)
    seen: int | None = store.call(lambda db: calls.set_aggregates(db, uuid, generation, now, uuids))
    return seen


def _of(store: Store) -> ModuleType:
    """The module with the same calls for a store's engine."""
    return sqlite if store.dialect == "sqlite" else postgresql


def _is_kept(generation: object) -> bool:
    """JSON's numbers may be larger than a database takes, or have a fraction of zero."""
    return type(generation) is int and 0 <= generation <= MAX_INT


def _numbers(limits: Inventory) -> tuple[float, ...]:
    return (*msgspec.structs.astuple(limits), capped(limits.capacity))
