"""The guest keeps the features it has, and is shown no others.

A feature that the device has and the contract does not is not required (R31); features have
no order, so versions and features are both asked (R34).

Source: docs/reference/compat.md, R30 to R34.
"""

from typing import Final

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause

RULES: Final = ("R30", "R31", "R32", "R34")

_UNREADABLE = cause("FEATURES_UNREADABLE")
_MISSING = cause("FEATURE_MISSING")
_UNMASKABLE = cause("FEATURE_UNMASKABLE")


def check(pair: Pair) -> Findings:
    """Name the features that the target lacks and those that it cannot hide."""
    wanted, offered = pair.contract.features, pair.offer.features
    if wanted is None or offered is None:
        sides = (("source", wanted), ("target", offered))
        return [(_UNREADABLE, {"side": side}) for side, value in sides if value is None]
    ours, theirs = wanted or (), offered or {}
    found: list[Finding] = [(_MISSING, {"feature": name}) for name in ours if name not in theirs]
    for name, feature in theirs.items():
        if feature.guest_visible and not feature.maskable and name not in ours:
            found.append((_UNMASKABLE, {"feature": name}))
    return found


def to_mask(pair: Pair) -> tuple[str, ...]:
    """The features that the claim must hide; none where a side could not be read."""
    wanted, offered = pair.contract.features, pair.offer.features
    if wanted is None or not offered:
        return ()
    ours = wanted or ()
    extra = [n for n, f in offered.items() if f.guest_visible and f.maskable and n not in ours]
    return tuple(sorted(extra))
