"""The joint mapping: every device of a guest gets an offer of the host, all of them together.

Taking the first fitting offer for each device in turn is wrong, so the best mapping is found
by search (`wherry.compat.search`).

Source: docs/reference/compat.md, section 10, R53.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET

from wherry.compat.agreement import value_by
from wherry.compat.quantity import demand_of
from wherry.compat.search import Island, Place, PoolKey, Search
from wherry.model.device import Contract, Offer
from wherry.model.positions import union_of

REFUSED = 3
"""Weight of a pair whose verdict is `no`; 0 is ok, 1 warn, 2 unknown."""


class World(NamedTuple):
    """What the search needs of contracts and offers, worked out once for all modes."""

    places: Sequence[Sequence[Place]]
    """Of each contract on each offer."""
    free: Mapping[PoolKey, int]
    islands: Sequence[Island]
    taken: Mapping[str, int]
    """Provider to the positions that are taken on it, a bit for each."""


def best_mapping(world: World, weights: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """Find the first of the best feasible mappings; None if there is no feasible one.

    Best is the mapping whose worst pair is least severe; first is in the order of the
    contracts and, for each, of the offers.

    Args:
        world: the contracts and offers.
        weights: severity of each contract with each offer.
    """
    seen: list[list[int]] | None = None
    for heaviest in range(REFUSED):
        allowed = [[j for j, w in enumerate(row) if w <= heaviest] for row in weights]
        if allowed == seen or not all(allowed):
            continue
        seen = allowed
        found = Search(world.places, world.free, world.islands, allowed, world.taken).first()
        if found is not None:
            return found
    return None


def world_of(contracts: Sequence[Contract], offers: Sequence[Offer]) -> World:
    """Work out what each contract would take on each offer, and which offers touch."""
    bys = _exclusive_by_provider(offers)
    places = [[_place(c, o, bys.get(o.provider, ())) for o in offers] for c in contracts]
    return World(places, _free_pools(offers), _islands(offers), _taken_positions(offers))


def _place(contract: Contract, offer: Offer, bys: tuple[str, ...]) -> Place:
    demand: list[tuple[PoolKey, int]] = []
    if offer.pools is not UNSET:
        for name, amount in demand_of(contract, offer).items():
            pool = offer.pools.get(name)
            if pool is not None:
                demand.append(((pool.provider or offer.provider, name), amount))
    by = None if offer.exclusive is UNSET else bys.index(offer.exclusive.by)
    values = tuple(_comparable(value_by(contract, each)) for each in bys)
    spots = () if offer.positions is UNSET else offer.positions.places
    return Place(tuple(demand), offer.provider, by, values, spots)


def _free_pools(offers: Sequence[Offer]) -> dict[PoolKey, int]:
    """Give what is left in each pool; the least, where offers state it differently."""
    free: dict[PoolKey, int] = {}
    for offer in offers:
        for name, pool in (offer.pools or {}).items():
            key = (pool.provider or offer.provider, name)
            free[key] = min(free.get(key, pool.free), pool.free)
    return free


def _taken_positions(offers: Sequence[Offer]) -> dict[str, int]:
    """Give the positions that are taken by any of a provider's offers."""
    taken: dict[str, int] = {}
    for offer in offers:
        if offer.positions is not UNSET:
            bits = union_of(offer.positions.taken)
            taken[offer.provider] = taken.get(offer.provider, 0) | bits
    return taken


def _exclusive_by_provider(offers: Sequence[Offer]) -> dict[str, tuple[str, ...]]:
    """What must be agreed in on each provider, by any of its offers."""
    bys: dict[str, tuple[str, ...]] = {}
    for offer in offers:
        if offer.exclusive is not UNSET:
            known = bys.get(offer.provider, ())
            if offer.exclusive.by not in known:
                bys[offer.provider] = (*known, offer.exclusive.by)
    return bys


def _comparable(value: object) -> Hashable:
    """A value so that equality is that of JSON (``True`` is not ``1``), and sets are sets."""
    return frozenset(value) if isinstance(value, tuple) else (type(value), value)


def _islands(offers: Sequence[Offer]) -> list[Island]:
    """Put offers together that share a provider or a pool; islands do not touch each other."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for offer in offers:
        for pool in (offer.pools or {}).values():
            root[find(pool.provider or offer.provider)] = find(offer.provider)
    grouped: dict[str, list[int]] = {}
    for index, offer in enumerate(offers):
        grouped.setdefault(find(offer.provider), []).append(index)
    return [_island(members, offers) for members in grouped.values()]


def _island(members: list[int], offers: Sequence[Offer]) -> Island:
    pools: dict[PoolKey, None] = {}
    providers: dict[str, None] = {}
    for index in members:
        offer = offers[index]
        providers[offer.provider] = None
        for name, pool in (offer.pools or {}).items():
            pools[(pool.provider or offer.provider, name)] = None
    return Island(tuple(members), tuple(pools), tuple(providers))
