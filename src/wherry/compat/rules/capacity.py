"""The pools of the target have room for what the guest's device takes, and a place is free.

Source: docs/reference/compat.md, R51.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.quantity import demand_of
from wherry.compat.table import Finding, Findings, cause
from wherry.model.device import Offer

RULES: Final = ("R51",)

_CAPACITY = cause("CAPACITY")
_POSITIONS = cause("POSITIONS")


def check(pair: Pair) -> Findings:
    """Name each class whose pool is missing or has too little left, and places that are taken."""
    found = _positions(pair.offer)
    pools = pair.offer.pools
    if pools is UNSET:
        return found
    for name, amount in demand_of(pair.contract, pair.offer).items():
        pool = pools.get(name)
        free = 0 if pool is None else pool.free
        if pool is None or free < amount:
            detail = {"resource_class": name, "wanted": amount, "offered": free}
            found.append((_CAPACITY, detail))
    return found


def _positions(offer: Offer) -> list[Finding]:
    positions = offer.positions
    if positions is UNSET or positions.has_room:
        return []
    detail = {"wanted": list(positions.places), "offered": list(positions.taken)}
    return [(_POSITIONS, detail)]
