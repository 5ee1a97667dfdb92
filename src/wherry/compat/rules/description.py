"""A type that kept its name while its description changed: somebody must look.

A vendor's incompatible change is expected to show as another type name or another
description (R15); the name is compared elsewhere, the description here.  It is prose, so the
change is told and does not refuse.

Source: docs/reference/compat.md, R15 and R16.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.prose import fold
from wherry.compat.table import Findings, cause

RULES: Final = ("R15", "R16")

_DIFFERS = cause("DESCRIPTION_DIFFERS")


def check(pair: Pair) -> Findings:
    """Compare the folded descriptions, if kind and type are the offer's own."""
    contract, offer, _ = pair
    if contract.description is UNSET or offer.description is UNSET:
        return ()
    if contract.kind != offer.kind or contract.type != offer.type:
        return ()
    wanted, offered = fold(contract.description), fold(offer.description)
    if not wanted or not offered or wanted == offered:
        return ()
    return ((_DIFFERS, {"wanted": wanted, "offered": offered}),)
