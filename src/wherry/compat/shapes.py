"""Most offers of a fleet are alike: a shape is an offer without what is one provider's own.

A contract is judged once for each distinct shape, by all rules but R51, R52 and R70; the
result is a look-up over the fleet.  `complete` adds those three on the provider's own
numbers, and then it *is* the check.

Source: docs/reference/compat.md, section 13, "Own search: shapes".
"""

from hashlib import blake2b

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.engine import complete
from wherry.compat.judgement import Judgement, judge
from wherry.model.device import Exclusive, Offer, Parent, Pool, Positions

__all__ = ["Judgement", "complete", "judge", "shape_digest", "shape_of"]

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands where an offer names its provider."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def shape_of(offer: Offer) -> Offer:
    """Give the offer with all that belongs to its provider alone taken out.

    Taken out are ``provider``, ``generation``, ``observed_at``, ``parent.address``, the
    ``provider`` and ``used`` of pools, ``exclusive.in_use`` and ``positions.taken``.
    """
    return replace(
        offer,
        provider=NOBODY,
        generation=0,
        observed_at=UNSET,
        parent=_parent(offer.parent),
        pools=_pools(offer.pools),
        exclusive=_exclusive(offer.exclusive),
        positions=_positions(offer.positions),
    )


def shape_digest(offer: Offer) -> bytes:
    """Name a shape: equal for offers of one shape, whatever the order of their keys."""
    return blake2b(_encode(shape_of(offer)), digest_size=16).digest()


def _parent(parent: Parent | UnsetType) -> Parent | UnsetType:
    if parent is UNSET or parent.address is UNSET:
        return parent
    return replace(parent, address=UNSET)


def _pools(pools: dict[str, Pool] | UnsetType) -> dict[str, Pool] | UnsetType:
    if pools is UNSET:
        return UNSET
    return {n: Pool(total=pool.total, reserved=pool.reserved) for n, pool in pools.items()}


def _positions(positions: Positions | UnsetType) -> Positions | UnsetType:
    return UNSET if positions is UNSET else Positions(places=positions.places)


def _exclusive(exclusive: Exclusive | UnsetType) -> Exclusive | UnsetType:
    return UNSET if exclusive is UNSET else Exclusive(by=exclusive.by, in_use=())
