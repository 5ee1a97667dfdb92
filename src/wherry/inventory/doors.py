"""Doors of offers: at most one offer of a provider serves a given kind and type.

Source: specification of compatibility, section 13 ("On one provider").
"""

from collections.abc import Iterable

from msgspec import UNSET
from msgspec.structs import replace

from wherry.model.device import KindAndType, Offer, TypeName


def close_second_doors(offers: Iterable[Offer]) -> tuple[list[Offer], list[str]]:
    """Give the offers, each without the doors that an offer before it has, and what was closed.

    An offer's own type goes before any door to it.
    """
    several = list(offers)
    taken = {(offer.kind, offer.type) for offer in several}
    kept: list[Offer] = []
    closed: list[str] = []
    for offer in several:
        doors: list[TypeName | KindAndType] = []
        for door in offer.also_types or ():
            key = (offer.kind, door) if isinstance(door, str) else (door.kind, door.type)
            if key in taken:
                closed.append(f"{offer.type} to {key[0]} {key[1]}")
            else:
                taken.add(key)
                doors.append(door)
        kept.append(replace(offer, also_types=tuple(doors) or UNSET))
    return kept, closed
