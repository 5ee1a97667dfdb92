"""All instances on a provider agree in what the provider says they must.

Source: docs/reference/compat.md, R52.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.agreement import value_by
from wherry.compat.pair import Pair
from wherry.compat.table import Findings, cause
from wherry.compat.values import same

RULES: Final = ("R52",)

_DIFFERS = cause("EXCLUSIVE", "no")
_CANNOT_TELL = cause("EXCLUSIVE", "unknown")


def check(pair: Pair) -> Findings:
    """Compare the contract's value with those in use."""
    exclusive = pair.offer.exclusive
    if exclusive is UNSET or not exclusive.in_use:
        return ()
    value = value_by(pair.contract, exclusive.by)
    detail = {"by": exclusive.by, "wanted": value, "offered": list(exclusive.in_use)}
    if value is None:
        return ((_CANNOT_TELL, detail),)
    if all(same(value, used) for used in exclusive.in_use):
        return ()
    return ((_DIFFERS, detail),)
