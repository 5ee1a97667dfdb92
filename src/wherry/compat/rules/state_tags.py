"""The target's driver knows the records of which the state consists, or may skip them.

Source: docs/reference/compat.md, R28.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Findings, cause

RULES: Final = ("R28",)

_MISSING = {
    "required": cause("STATE_TAG_UNKNOWN", "no"),
    "optional": cause("STATE_TAG_UNKNOWN", "info"),
}
_NOT_STATED = cause("STATE_TAG_UNKNOWN", "unknown")


def check(pair: Pair) -> Findings:
    """Name the tags that the target's driver does not know."""
    ours, theirs = pair.contract.state, pair.offer.state
    if ours is UNSET or not ours.tags:
        return ()
    known = UNSET if theirs is UNSET else theirs.tags
    if known is UNSET:
        return [
            (_NOT_STATED, {"tag": tag, "wanted": need})
            for tag, need in ours.tags.items()
            if need == "required"
        ]
    return [
        (_MISSING[need], {"tag": tag, "wanted": need})
        for tag, need in ours.tags.items()
        if tag not in known
    ]
