"""What devices can still be made into: how many more of each type, before a claim and after it.

A recipe is what one instance of a type takes of the pools.  A claim takes what it takes; what
it loses beyond that are recipes which no longer fit into what is left: of a board with 12 GB
free, one of 8 GB leaves none of 6, though 4 GB are free.

Source: design, section 5; Weng et al., "Beware of fragmentation", USENIX ATC 2023.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET

from wherry.compat.agreement import value_by
from wherry.compat.quantity import demand_of, units_of
from wherry.compat.values import same
from wherry.inventory.islands import Island
from wherry.model.device import Contract, Offer, ParamValue
from wherry.model.positions import bits_of, choose_places, count_free, union_of

Type = tuple[str, str]
"""Kind and type."""
PoolKey = tuple[str, str]
"""Provider, as the island numbers it, and class."""
Load = Sequence[tuple[Contract, int]]
"""Contracts, each with the place of the offer that it takes."""


class Loss(NamedTuple):
    """What a claim leaves of an island, in shares of all that the island is."""

    taken: float
    """What the claim takes itself: of each device the largest share of a class."""
    lost: tuple[tuple[Type, float], ...]
    """By type what can no longer be made of it; types that lose nothing are left out."""
    closed: tuple[Type, ...]
    """Types of which one could be made before, and none afterwards."""


class _Left(NamedTuple):
    """What is left of an island."""

    free: Mapping[PoolKey, int]
    positions: Mapping[str, int]
    """Provider to the positions that are taken, a bit for each."""
    in_use: Mapping[str, tuple[ParamValue, ...]]
    """Provider to the values that its instances have."""


def rooms_of(island: Island) -> dict[Type, int]:
    """Count for each type the instances that could be made now, if nothing else were made.

    Types that count nothing, having neither units nor places, are left out.
    """
    left = _left_of(island)
    return {kind: _count(offers, left) for kind, offers in _by_type(island).items()}


def loss_of(island: Island, load: Load) -> Loss:
    """Say what a claim takes of an island, and what it loses."""
    by_type, totals = _by_type(island), _totals(island)
    before = _left_of(island)
    after = _left_after(before, island, load)
    counts = {
        kind: (_count(offers, before), _count(offers, after)) for kind, offers in by_type.items()
    }
    lost = ((k, (was - now) * _share(by_type[k], totals)) for k, (was, now) in counts.items())
    return Loss(
        taken=sum(_share_taken(contract, island.offers[at], totals) for contract, at in load),
        lost=tuple((kind, share) for kind, share in lost if share),
        closed=tuple(kind for kind, (was, now) in counts.items() if was and not now),
    )


def _by_type(island: Island) -> dict[Type, list[Offer]]:
    """Give the offers of each type that counts something."""
    found: dict[Type, list[Offer]] = {}
    for offer in island.offers:
        if offer.type is not None and (_units(offer) or offer.positions is not UNSET):
            found.setdefault((offer.kind, offer.type), []).append(offer)
    return found


def _units(offer: Offer) -> Mapping[str, int]:
    return {} if offer.pools is UNSET else units_of(offer) or {}


def _left_of(island: Island) -> _Left:
    free: dict[PoolKey, int] = {}
    positions: dict[str, int] = {}
    in_use: dict[str, tuple[ParamValue, ...]] = {}
    for offer in island.offers:
        for key, _, there in _pools(offer):
            free[key] = min(free.get(key, there), there)
        if offer.positions is not UNSET:
            taken = union_of(offer.positions.taken)
            positions[offer.provider] = positions.get(offer.provider, 0) | taken
        if offer.exclusive is not UNSET:
            in_use[offer.provider] = offer.exclusive.in_use
    return _Left(free, positions, in_use)


def _pools(offer: Offer) -> Iterator[tuple[PoolKey, int, int]]:
    """Give the total and what is free of each pool."""
    for name, pool in (offer.pools or {}).items():
        home = offer.provider if pool.provider is UNSET else pool.provider
        yield (home, name), pool.total, pool.free


def _left_after(before: _Left, island: Island, load: Load) -> _Left:
    free, in_use = dict(before.free), dict(before.in_use)
    for contract, at in load:
        offer = island.offers[at]
        _take(free, offer, demand_of(contract, offer), 1)
        if offer.exclusive is not UNSET:
            value = value_by(contract, offer.exclusive.by)
            if value is not None:
                in_use[offer.provider] = (*in_use[offer.provider], value)
    return _Left(free, _seated(before.positions, island, load), in_use)


def _take(free: dict[PoolKey, int], offer: Offer, units: Mapping[str, int], times: int) -> None:
    homes = {key[1]: key for key, _, _ in _pools(offer)}
    for name, amount in units.items():
        if name in homes:
            free[homes[name]] -= amount * times


def _seated(positions: Mapping[str, int], island: Island, load: Load) -> dict[str, int]:
    """Give the positions that are taken once the instances sit where the claim puts them."""
    taken, wanted = dict(positions), dict[str, list[str]]()
    for _, at in load:
        offer = island.offers[at]
        if offer.positions is not UNSET and offer.type is not None:
            wanted.setdefault(offer.provider, []).append(offer.type)
    for provider, types in wanted.items():
        chosen = choose_places(types, _places(island, provider), taken[provider])
        for place in chosen or ():
            taken[provider] |= bits_of(place)
    return taken


def _places(island: Island, provider: str) -> dict[str, tuple[str, ...]]:
    return {
        offer.type: offer.positions.places
        for offer in island.offers
        if offer.provider == provider and offer.positions is not UNSET and offer.type is not None
    }


def _count(offers: Iterable[Offer], left: _Left) -> int:
    """Count the instances that these offers of one type make, filled one after the other."""
    free, count = dict(left.free), 0
    for offer in offers:
        fits = _fits(offer, left, free)
        _take(free, offer, _units(offer), fits)
        count += fits
    return count


def _fits(offer: Offer, left: _Left, free: Mapping[PoolKey, int]) -> int:
    if _is_closed(offer, left.in_use.get(offer.provider, ())):
        return 0
    there = {key[1]: free[key] for key, _, _ in _pools(offer)}
    fits = [max(0, there.get(name, 0)) // amount for name, amount in _units(offer).items()]
    if offer.positions is not UNSET:
        fits.append(count_free(offer.positions.places, left.positions[offer.provider]))
    return min(fits)


def _is_closed(offer: Offer, in_use: Iterable[ParamValue]) -> bool:
    """Whether the values in use exclude a type; one whose value is not settled they do not."""
    if offer.exclusive is UNSET:
        return False
    value: ParamValue | None = offer.type
    if offer.exclusive.by != "type":
        param = (offer.params or {}).get(offer.exclusive.by)
        value = None if param is None or param.value is UNSET else param.value
    return value is not None and any(not same(value, one) for one in in_use)


def _totals(island: Island) -> dict[str, int]:
    """Sum up all units of each class that the pools have."""
    pools = {key: total for offer in island.offers for key, total, _ in _pools(offer)}
    totals: dict[str, int] = {}
    for (_, name), total in pools.items():
        totals[name] = totals.get(name, 0) + total
    return totals


def _share(offers: Sequence[Offer], totals: Mapping[str, int]) -> float:
    """Give the share of the island that one instance of a type is."""
    shares = [_largest(_units(offer), totals) for offer in offers if _units(offer)]
    if shares:
        return max(shares)
    most = sum(count_free(o.positions.places, 0) for o in offers if o.positions is not UNSET)
    return 1.0 / most


def _share_taken(contract: Contract, offer: Offer, totals: Mapping[str, int]) -> float:
    if offer.pools is not UNSET and (demand := demand_of(contract, offer)):
        return _largest(demand, totals)
    return 0.0 if offer.positions is UNSET else _share([offer], totals)


def _largest(units: Mapping[str, int], totals: Mapping[str, int]) -> float:
    return max(min(1.0, n / totals[name]) if totals.get(name) else 1.0 for name, n in units.items())
