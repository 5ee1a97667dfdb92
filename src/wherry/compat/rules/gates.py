"""A record that is absent, of another schema, or offers nothing ends the matter.

What nobody knows is unknown, never "probably fine"; a provider that was looked at and offers
nothing is a plain no.  If a gate gave a reason, nothing else is asked.

Source: docs/reference/compat.md, R00 and R17.
"""

from typing import Final

from wherry.compat.table import Finding, cause
from wherry.model.checks import Side
from wherry.model.device import Contract, ForeignRecord, Offer

RULES: Final = ("R00", "R17")

_ABSENT = cause("DESCRIPTOR_ABSENT")
_UNKNOWN_SCHEMA = cause("SCHEMA_UNKNOWN")
NO_OFFER: Final[Finding] = (cause("NO_OFFER"), {})


def _side(side: Side, record: Contract | Offer | ForeignRecord | None) -> list[Finding]:
    if record is None:
        return [(_ABSENT, {"side": side})]
    if isinstance(record, ForeignRecord):
        return [(_UNKNOWN_SCHEMA, {"side": side, "schema": record.schema})]
    return []


def check(
    contract: Contract | ForeignRecord | None, offer: Offer | ForeignRecord | None
) -> list[Finding]:
    """Say why the records cannot be looked into; empty where they can."""
    if isinstance(contract, Contract) and isinstance(offer, Offer):
        return [NO_OFFER] if offer.type is None else []
    return _side("source", contract) + _side("target", offer)
