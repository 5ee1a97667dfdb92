"""Somebody tracks what the device writes to the guest's memory while the guest runs on.

Source: docs/reference/compat.md, R62.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Findings, cause

RULES: Final = ("R62",)

_REFUSED = cause("DIRTY_TRACKING_ABSENT", "no")
_ALLOWED = cause("DIRTY_TRACKING_ABSENT", "warn")


def check(pair: Pair) -> Findings:
    """Object if the source has no tracking; say nothing where it does not tell."""
    migration = pair.contract.migration
    if migration is UNSET or migration.dirty_tracking != "none":
        return ()
    return ((_ALLOWED if pair.policy.allow_untracked_dma else _REFUSED, {}),)
