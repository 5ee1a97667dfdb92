"""Several vfio devices of one guest must all be able to stop peer-to-peer traffic.

Asked for the whole guest only, of vfio devices that are not replugged.

Source: docs/reference/compat.md, R61.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, cause

RULES: Final = ("R61",)

_CANNOT = cause("P2P_REQUIRED", "no")
_NOT_STATED = cause("P2P_REQUIRED", "unknown")


def check(pair: Pair) -> list[Finding]:
    """Name each side that cannot, or does not say."""
    found: list[Finding] = []
    for side, migration in (
        ("source", pair.contract.migration),
        ("target", pair.offer.migration),
    ):
        flags = UNSET if migration is UNSET else migration.flags
        if flags is UNSET:
            found.append((_NOT_STATED, {"side": side}))
        elif "p2p" not in flags:
            found.append((_CANNOT, {"side": side}))
    return found
