"""Devices without their names: offers that draw on common pools, and how full these are.

Mostly one device makes one island.  Where offers of several providers name a pool of one of
them, these providers are one island.  Two islands with the same shapes, numbers and values in
use are the same object, wherever they stand in the fleet: what a guest finds there can be
decided once.

Source: design, sections 4 and 5; specification of compatibility, sections 10 and 13.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.interning import Interner, Shape
from wherry.model.device import Offer, Pool, Scalar


class Member(NamedTuple):
    """One offer of a provider, as it is put into a island."""

    provider: str
    offer: Offer
    """With pools and values in use as of now."""
    shape: Shape
    position: int
    """Place among the offers of the host, as the caller counts them."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Island:
    """Offers that draw on common pools; equal islands are one object."""

    offers: tuple[Offer, ...]
    """As of now, with stand-ins for the providers' uuids and no generation."""
    shapes: tuple[Shape, ...]
    rank: tuple[object, ...]
    """Orders islands alike on every host: by shape, then the fuller first."""


PoolKey = tuple[str, int, int, int, int]
"""Class, place of its provider in the island, total, reserved, used."""


def split_islands(members: Iterable[Member]) -> list[list[Member]]:
    """Split the offers of a host by the pools they draw on, each part in the given order."""
    parts: list[tuple[set[str], list[Member]]] = []
    for member in members:
        drawn = {member.provider, *_pool_providers(member)}
        touching = [part for part in parts if part[0] & drawn]
        if not touching:
            parts.append((drawn, [member]))
            continue
        first, *others = touching
        first[0].update(drawn)
        for other in others:
            first[0].update(other[0])
            first[1].extend(other[1])
            parts.remove(other)
        first[1].append(member)
    return [part for _, part in parts]


def intern_island(islands: Interner[Island], members: Sequence[Member]) -> Island:
    """Find the island among those held, or add it; members in the order of their names."""
    places = _places(members)
    key = tuple(
        (
            places[m.provider],
            m.shape.digest,
            _pool_keys(m, places),
            _in_use_key(m.offer),
            _taken_key(m.offer),
        )
        for m in members
    )
    return islands.intern(key, lambda: _make(members, places, key))


def stamp(island: Island, number: int) -> tuple[Offer, ...]:
    """Give the offers of an island as the *number*-th of a host, apart from all others."""
    return tuple(_stamped(offer, number) for offer in island.offers)


def _stamped(offer: Offer, number: int) -> Offer:
    pools = offer.pools
    if pools is not UNSET:
        pools = {
            name: replace(pool, provider=_renumber(pool.provider, number))
            for name, pool in pools.items()
        }
    return replace(offer, provider=_renumber(offer.provider, number), pools=pools)


def _make(members: Sequence[Member], places: Mapping[str, int], key: tuple[object, ...]) -> Island:
    offers = tuple(_anonymous(member, places) for member in members)
    free = tuple(pool.free for offer in offers for _, pool in sorted((offer.pools or {}).items()))
    shapes = tuple(member.shape for member in members)
    rank = (tuple(shape.digest for shape in shapes), free, repr(key))
    return Island(offers, shapes, rank)


def _pool_providers(member: Member) -> set[str]:
    pools = member.offer.pools or {}
    return {pool.provider for pool in pools.values() if pool.provider is not UNSET}


def _places(members: Sequence[Member]) -> dict[str, int]:
    """Number the providers of a island: those that offer first, then those with pools only."""
    places: dict[str, int] = {}
    for member in members:
        places.setdefault(member.provider, len(places))
    for member in members:
        for _, pool in sorted((member.offer.pools or {}).items()):
            if pool.provider is not UNSET:
                places.setdefault(pool.provider, len(places))
    return places


def _pool_keys(member: Member, places: Mapping[str, int]) -> tuple[PoolKey, ...] | None:
    """None where the offer counts nothing, which is not the same as no pool."""
    if member.offer.pools is UNSET:
        return None
    return tuple(
        (name, places[_home(member, pool)], pool.total, pool.reserved, pool.used)
        for name, pool in sorted(member.offer.pools.items())
    )


def _home(member: Member, pool: Pool) -> str:
    return member.provider if pool.provider is UNSET else pool.provider


def _in_use_key(offer: Offer) -> tuple[tuple[str, Scalar], ...] | None:
    """Values in use with their types, since ``True`` is not ``1``."""
    if offer.exclusive is UNSET:
        return None
    return tuple((type(value).__name__, value) for value in offer.exclusive.in_use)


def _taken_key(offer: Offer) -> tuple[str, ...] | None:
    return None if offer.positions is UNSET else offer.positions.taken


def _anonymous(member: Member, places: Mapping[str, int]) -> Offer:
    offer = member.offer
    pools = offer.pools
    if pools is not UNSET:
        pools = {
            name: replace(pool, provider=_stand_in(places[_home(member, pool)]))
            for name, pool in pools.items()
        }
    shape = member.shape.value
    return replace(
        shape,
        provider=_stand_in(places[member.provider]),
        pools=pools,
        exclusive=offer.exclusive,
        positions=offer.positions,
    )


def _stand_in(place: int) -> str:
    return f"{place:08x}-0000-4000-8000-000000000000"


def _renumber(stand_in: object, number: int) -> str:
    return f"{str(stand_in)[:-12]}{number:012x}"
