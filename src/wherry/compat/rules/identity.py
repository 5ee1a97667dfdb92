"""The guest's device and the target's are of one API, kind, type and model.

A type is a name for an interface: compared for equality and never parsed.  The only door to
another type, or to another kind and type together, is what the target's driver or vendor
declares in ``also_types``.

Source: docs/reference/compat.md, R10 to R13.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.table import Finding, Findings, cause
from wherry.model.device import KindAndType

RULES: Final = ("R10", "R11", "R12", "R13")

_DEVICE_API = cause("DEVICE_API")
_KIND = cause("KIND_MISMATCH")
_TYPE = cause("TYPE_MISMATCH")
_MODEL = cause("MODEL_MISMATCH")


def check(pair: Pair) -> Findings:
    """Say in what the two are not the same kind of thing."""
    contract, offer, _ = pair
    found: list[Finding] = []
    if contract.device_api != offer.device_api:
        found.append((_DEVICE_API, {"wanted": contract.device_api, "offered": offer.device_api}))
    if contract.kind != offer.kind or contract.type != offer.type:
        found += _kind_and_type(pair)
    models = (contract.model, offer.model)
    if UNSET not in models and contract.model != offer.model:
        found.append((_MODEL, {"wanted": contract.model, "offered": offer.model}))
    return found


def _kind_and_type(pair: Pair) -> Findings:
    contract, offer, _ = pair
    doors = offer.also_types or ()
    if KindAndType(kind=contract.kind, type=contract.type) in doors:
        return
    if contract.kind != offer.kind:
        yield _KIND, {"wanted": contract.kind, "offered": offer.kind}
    if contract.type != offer.type and contract.type not in doors:
        yield _TYPE, {"wanted": contract.type, "offered": offer.type}
