"""Values that are allowed one by one are allowed together.

Looked at are the values that would be in effect: the contract's, else the off value, else
where the parameter stands.

Source: docs/reference/compat.md, R46.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.compat.conditions import all_of, holds
from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause
from wherry.model.device import Condition, Constraint, ParamValue

RULES: Final = ("R46",)

_BROKEN = cause("CONSTRAINT", "no")
_CANNOT_TELL = cause("CONSTRAINT", "unknown")


def check(pair: Pair) -> Findings:
    """Name the constraints that are broken, or of which nobody can tell."""
    if not pair.offer.constraints:
        return ()
    found: dict[str, Finding] = {}
    for constraint in pair.offer.constraints:
        outcome = _judge(pair, constraint)
        # Names are unique in an offer; should one come twice, the worse counts.
        if outcome and outcome[0].rank <= found.get(constraint.name, outcome)[0].rank:
            found[constraint.name] = outcome
    return found.values()


def _judge(pair: Pair, constraint: Constraint) -> Finding | None:
    applies = _all_hold(pair, constraint.if_)
    met = _all_hold(pair, constraint.then)
    if applies is False or met is True:
        return None
    names = sorted({*constraint.if_, *constraint.then})
    detail = {
        "constraint": constraint.name,
        "values": {name: value for name in names if (value := _value(pair, name)) is not UNSET},
    }
    return (_BROKEN if applies is True and met is False else _CANNOT_TELL), detail


def _all_hold(pair: Pair, conditions: Mapping[str, Condition]) -> bool | None:
    return all_of(holds(asked, _value(pair, name)) for name, asked in conditions.items())


def _value(pair: Pair, name: str) -> ParamValue | UnsetType:
    """The value that would be in effect."""
    ours = pair.contract.params or {}
    if name in ours:
        return ours[name]
    param = (pair.offer.params or {}).get(name)
    if param is None:
        return UNSET
    return param.value if param.off_value is UNSET else param.off_value
