"""The interface that the guest sees is one that the target can show.

The bugfix number of a semver is not compared (R22).

Source: docs/reference/compat.md, R20 to R24.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.policies import axis
from wherry.compat.table import Findings, cause
from wherry.model.device import ContractInterface, OfferInterface

RULES: Final = ("R20", "R21", "R22", "R23", "R24")

_CAUSES = {end: cause(f"VERSION_{end}") for end in axis.ENDS}
_NOT_STATED = (ContractInterface(), OfferInterface())


def check(pair: Pair) -> Findings:
    """Compare the pinned version with what the target supports."""
    ours, theirs = pair.contract.interface, pair.offer.interface
    ours = _NOT_STATED[0] if ours is UNSET else ours
    theirs = _NOT_STATED[1] if theirs is UNSET else theirs
    outcomes = axis.judge((ours.policy, theirs.policy), ours.version, theirs.supports)
    return [(_CAUSES[end], detail) for end, detail in outcomes] if outcomes else ()
