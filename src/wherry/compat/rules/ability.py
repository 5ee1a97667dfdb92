"""Both sides can move the state of the device; silence is not ability.

Source: docs/reference/compat.md, R60.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from wherry.compat.pair import Pair
from wherry.compat.table import Cause, Finding, Findings, cause
from wherry.model.device import Migration

RULES: Final = ("R60",)

_UNDETERMINED = cause("MIGRATION_UNDETERMINED")
_CAUSES: Final[dict[str | UnsetType, Cause]] = {
    "no": cause("MIGRATION_UNSUPPORTED"),
    "disabled": cause("MIGRATION_DISABLED"),
    "unknown": _UNDETERMINED,
    UNSET: _UNDETERMINED,
}


def check(pair: Pair) -> Findings:
    """Name each side that cannot, may not, or does not say."""
    return _side("source", pair.contract.migration) + _side("target", pair.offer.migration)


def _side(side: str, migration: Migration | UnsetType) -> tuple[Finding, ...]:
    support = UNSET if migration is UNSET else migration.support
    return () if support == "yes" else ((_CAUSES[support], {"side": side}),)
