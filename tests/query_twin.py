"""A compiled query by its definition: marks and what is free, compared set by set."""

from collections.abc import Mapping, Set

from msgspec import UNSET

from wherry.compat.quantity import WHOLE_DEVICE, units_of
from wherry.compat.query.ask import Group, Nothing
from wherry.compat.query.marks import marks_of
from wherry.compat.query.vocabulary import Mark
from wherry.compat.table import BY_CODE
from wherry.model.checks import CheckResponse, Policy
from wherry.model.device import Offer

EXACT = {
    "DEVICE_API", "KIND_MISMATCH", "TYPE_MISMATCH", "MODEL_MISMATCH", "NO_OFFER",
    "FEATURE_MISSING", "FEATURE_UNMASKABLE", "PARAM_UNKNOWN", "PARAM_EQ", "PARAM_IN", "PARAM_GE",
    "PARAM_CANNOT_DISABLE", "UNITS_MISMATCH", "UNITS_ABSENT", "CAPACITY", "MODE",
    "MIGRATION_UNSUPPORTED", "MIGRATION_DISABLED", "MIGRATION_UNDETERMINED",
    "DIRTY_TRACKING_ABSENT", "BLOCKER", "POSTCOPY_REQUESTED",
}  # fmt: skip
"""Codes of which no offer that a query returns may be refused, in modes live and suspend."""
OF_VERSIONS = {code for code in BY_CODE if code.startswith(("VERSION_", "STATE_FORMAT_"))}


def stock(offer: Offer) -> dict[str, int]:
    """What is free of an offer's inventory: its pools, or one device."""
    units = units_of(offer)
    free: dict[str, int] = {} if units else {WHOLE_DEVICE: 1}
    if offer.pools is not UNSET:
        free |= {name: pool.free for name, pool in offer.pools.items()}
    elif units:
        free |= units
    return free


def finds(group: Group | Nothing, offer: Offer) -> bool:
    """The twin of the query: whether an offer's marks and stock meet a group."""
    return meets(group, marks_of(offer), stock(offer))


def meets(group: Group | Nothing, marks: Set[Mark], free: Mapping[str, int]) -> bool:
    """Whether marks and stock of a provider meet a group."""
    return not isinstance(group, Nothing) and (
        group.required <= marks
        and group.forbidden.isdisjoint(marks)
        and all(not either.isdisjoint(marks) for either in group.any_of)
        and all(free.get(name, 0) >= amount for name, amount in group.resources.items())
    )


def refusing(answer: CheckResponse, policy: Policy) -> set[str]:
    """Codes of the reasons for which an answer is not accepted.

    Parameters that are declared to be warnings are left to the exact stage, even where no warning
    is accepted.
    """
    taken = {"info", *policy.accept}
    return {
        reason.code
        for reason in answer.reasons
        if reason.severity not in taken
        and not (reason.severity == "warn" and reason.code.startswith("PARAM_"))
    }
