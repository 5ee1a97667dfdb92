"""Offers as they are judged: what was planned, with what claims have changed.

Source: specification of compatibility, section 2 (`generation`, `pools`, `exclusive`).
"""

import msgspec
from msgspec import UNSET, UnsetType

from wherry.model.device import Exclusive, Offer, Pool, Positions
from wherry.model.inventory import PlannedProvider, ProviderRecord, Use


def materialise(provider: PlannedProvider, use: Use, *, generation: int) -> tuple[Offer, ...]:
    """Give a provider's offers with the numbers of now.

    Args:
        provider: as planned.
        use: what claims hold, and what instances hold that nobody allocated.
        generation: the provider's facts generation.
    """
    return tuple(materialise_offer(offer, use, generation=generation) for offer in provider.offers)


def materialise_offer(offer: Offer, use: Use, *, generation: int) -> Offer:
    """Give one offer with the numbers of now: stray instances count as reserved."""
    return msgspec.structs.replace(
        offer,
        generation=generation,
        pools=_pools(offer, use),
        exclusive=_exclusive(offer, use),
        positions=_positions(offer, use),
    )


def offers_of(record: ProviderRecord) -> tuple[Offer, ...]:
    """Give the offers of a provider as stored."""
    return materialise(record.plan, record.use, generation=record.facts_generation)


def _pools(offer: Offer, use: Use) -> dict[str, Pool] | UnsetType:
    if offer.pools is UNSET:
        return UNSET
    return {
        name: msgspec.structs.replace(
            pool,
            reserved=pool.reserved + use.stray.get(name, 0),
            used=use.charged.get(name, 0),
        )
        for name, pool in offer.pools.items()
    }


def _positions(offer: Offer, use: Use) -> Positions | UnsetType:
    if offer.positions is UNSET:
        return UNSET
    return Positions(places=offer.positions.places, taken=use.places)


def _exclusive(offer: Offer, use: Use) -> Exclusive | UnsetType:
    if offer.exclusive is UNSET:
        return UNSET
    # By type too: 1, true and "1" are three values and have no order among them.
    in_use = sorted(set(use.exclusive), key=lambda value: (type(value).__name__, value))
    return Exclusive(by=offer.exclusive.by, in_use=tuple(in_use))
