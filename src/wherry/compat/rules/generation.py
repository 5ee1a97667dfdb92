"""The offer is the one that the verdict was given on.

Source: docs/reference/compat.md, R70.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Findings, cause

RULES: Final = ("R70",)

_CONFLICT = cause("GENERATION_CONFLICT")


def check(pair: Pair) -> Findings:
    """Object if the offer has moved on."""
    decided_on, now = pair.policy.offer_generation, pair.offer.generation
    if decided_on is UNSET or decided_on == now:
        return ()
    return ((_CONFLICT, {"wanted": decided_on, "offered": now}),)
