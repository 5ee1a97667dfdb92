"""The state that the source's driver writes is one that the target's driver loads.

Both axes of versions matter: this one is of the present driver, not of the boot.

Source: docs/reference/compat.md, R27.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.policies import axis
from wherry.compat.table import Findings, cause
from wherry.model.device import ContractState, OfferState

RULES: Final = ("R27",)

_CAUSES = {end: cause(f"STATE_FORMAT_{end}") for end in axis.ENDS}
_NOT_STATED = (ContractState(), OfferState())


def check(pair: Pair) -> Findings:
    """Compare what the source emits with what the target accepts."""
    ours, theirs = pair.contract.state, pair.offer.state
    if ours is UNSET and theirs is UNSET:
        return ()
    ours = _NOT_STATED[0] if ours is UNSET else ours
    theirs = _NOT_STATED[1] if theirs is UNSET else theirs
    outcomes = axis.judge(
        (ours.policy, theirs.policy), ours.emits, theirs.accepts, both_absent_is_fine=True
    )
    return [(_CAUSES[end], detail) for end, detail in outcomes] if outcomes else ()
