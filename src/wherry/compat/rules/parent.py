"""Another parent device is told and never decides: one type is one interface.

Where the parent matters after all, the type must declare it as a parameter.

Source: docs/reference/compat.md, R14.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Findings, cause

RULES: Final = ("R14",)

_DIFFERS = cause("PARENT_DIFFERS")
_COMPARED = ("device", "driver", "revision", "subdevice", "subvendor", "vendor")


def check(pair: Pair) -> Findings:
    """Name the fields that both parents state and that differ."""
    ours, theirs = pair.contract.parent, pair.offer.parent
    if ours is UNSET or theirs is UNSET:
        return ()
    wanted: dict[str, str] = {}
    offered: dict[str, str] = {}
    for field in _COMPARED:
        left, right = getattr(ours, field), getattr(theirs, field)
        if left != right and left is not UNSET and right is not UNSET:
            wanted[field], offered[field] = left, right
    if not wanted:
        return ()
    return ((_DIFFERS, {"fields": list(wanted), "wanted": wanted, "offered": offered}),)
