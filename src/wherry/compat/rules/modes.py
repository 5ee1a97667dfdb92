"""A mode is open only where both records have it; replug is for network devices alone.

Where no mode is stated, live, suspend and cold are meant.

Source: docs/reference/compat.md, R66.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from wherry.compat.pair import Pair
from wherry.compat.table import MODES, Finding, Findings, cause
from wherry.model.device import Migration, Mode

RULES: Final = ("R66",)

_CLOSED: Final[dict[Mode, Finding]] = {
    mode: (cause("MODE", modes=mode[0].upper()), {"mode": mode}) for mode in MODES
}
_DEFAULT: Final[tuple[Mode, ...]] = ("live", "suspend", "cold")
_REPLUG_CLOSED: Final = (_CLOSED["replug"],)


def check(pair: Pair) -> Findings:
    """Name each mode that is not open."""
    contract, offer, _ = pair
    ours, theirs = modes_of(contract.migration), modes_of(offer.migration)
    if ours is _DEFAULT and theirs is _DEFAULT:
        return _REPLUG_CLOSED
    is_network = contract.device_class == "network" == offer.device_class
    return [
        _CLOSED[mode]
        for mode in MODES
        if mode not in ours or mode not in theirs or (mode == "replug" and not is_network)
    ]


def modes_of(migration: Migration | UnsetType) -> tuple[Mode, ...]:
    """Give the modes of a record: those stated, or else all but replug."""
    if migration is UNSET or migration.modes is UNSET:
        return _DEFAULT
    return migration.modes
