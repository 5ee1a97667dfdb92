"""Nothing on the source stands in the way, and post-copy is not asked of a vfio device.

Source: docs/reference/compat.md, R64.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause

RULES: Final = ("R64",)

_BLOCKER = cause("BLOCKER")
_POSTCOPY = cause("POSTCOPY_REQUESTED")


def check(pair: Pair) -> Findings:
    """Name each blocker of the contract, and post-copy where it cannot work."""
    migration = pair.contract.migration
    blockers = () if migration is UNSET else migration.blockers or ()
    found: list[Finding] = [(_BLOCKER, {"blocker": name}) for name in blockers]
    if pair.policy.postcopy and pair.contract.device_api.startswith("vfio-"):
        found.append((_POSTCOPY, {}))
    return found
