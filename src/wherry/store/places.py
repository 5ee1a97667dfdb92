"""Places on parents with positions: where types may sit, and where instances do or may."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import UNSET
from sqlalchemy import ColumnElement, and_, select

from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.transaction import Tx

provider, placement = tables.provider, tables.placement


def placement_rows(planned: PlannedProvider) -> Iterator[dict[str, Any]]:
    """Give the rows of where a provider's types may sit, but for the provider."""
    for offer in planned.offers:
        if offer.positions is not UNSET and offer.type is not None:
            yield {"type": offer.type, "places": encode(offer.positions.places)}


def has_positions(planned: PlannedProvider) -> bool:
    """Whether instances of some type sit in places of their own."""
    return any(offer.positions is not UNSET for offer in planned.offers)


def read_places(tx: Tx, where: ColumnElement[bool]) -> dict[int, set[str]]:
    """Read the places that may be taken: provider to places, of those with positions.

    Where the host shows an instance, there it is, and else where its claim has put it.  One that
    sits nobody knows where may be in any place of its type.
    """
    may: defaultdict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
    query = select(placement).join(provider, provider.c.id == placement.c.provider).where(where)
    for number, kind, places in tx.rows(query):
        may[number][kind] = decode(places, tuple[str, ...])
    taken: dict[int, set[str]] = {number: set() for number in may}
    if not may:
        return taken
    for number, kind, place in _sitting(tx, sorted(may)):
        taken[number].update(may[number].get(kind, ()) if place is None else (place,))
    return taken


def _sitting(tx: Tx, numbers: list[int]) -> Iterator[tuple[int, str, str | None]]:
    """Give provider, type and place of what is allocated, and of what nobody has allocated."""
    o, s = tables.occupant, tables.seen_instance
    query = (
        select(o.c.provider, o.c.type, o.c.place, s.c.place)
        .outerjoin(s, and_(s.c.provider == o.c.provider, s.c.device == o.c.device))
        .where(o.c.provider.in_(numbers))
    )
    yield from ((row[0], row[1], row[3] or row[2]) for row in tx.rows(query))
    query = select(s.c.provider, s.c.type, s.c.place).where(s.c.provider.in_(numbers), s.c.stray)
    yield from tx.rows(query)
