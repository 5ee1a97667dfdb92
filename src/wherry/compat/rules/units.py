"""An instance of the target holds exactly what the guest's device holds.

Source: docs/reference/compat.md, R50.
"""

from typing import Final

from wherry.compat.pair import Pair
from wherry.compat.quantity import units_of
from wherry.compat.table import Findings, cause

RULES: Final = ("R50",)

_MISMATCH = cause("UNITS_MISMATCH")
_ABSENT = cause("UNITS_ABSENT")


def check(pair: Pair) -> Findings:
    """Compare the two vectors of amounts."""
    wanted, offered = units_of(pair.contract), units_of(pair.offer)
    if wanted == offered:
        return ()
    if wanted is None:
        return ((_ABSENT, {"side": "source"}),)
    if offered is None:
        return ((_ABSENT, {"side": "target"}),)
    return ((_MISMATCH, {"wanted": wanted, "offered": offered}),)
