"""One type name that means two things, found before a guest finds it.

The lints of the specification run over offers of one kind, device_api and type: within a
provider's host, between hosts, and between a provider's successive offers.

Source: specification of compatibility, section 11; founding e-mail on versions that pack
driver and ids into one text.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence

from msgspec import UNSET

from wherry.compat.lints import lint
from wherry.compat.prose import fold
from wherry.compat.quantity import units_of
from wherry.compat.rules.inventory import version_of
from wherry.inventory.findings import finding
from wherry.model.checks import Reason
from wherry.model.device import Offer
from wherry.model.inventory import Finding, PlannedProvider
from wherry.model.wire import TypeLint

_PACKED = re.compile(r"(?:^|[^0-9a-f])[0-9a-f]{4}[-:_][0-9a-f]{4}(?:[^0-9a-f]|$)", re.ASCII)
Key = tuple[str, str, str]
_Name = tuple[str, str]
"""Of a reason: its code, and the field or feature that it is about."""


def lint_provider(provider: PlannedProvider) -> list[Finding]:
    """Note versions that pack vendor and device ids, which have fields of their own."""
    device = provider.device if isinstance(provider.device, str) else None
    return [
        finding("LINT", device, f"{offer.type}: version {text} packs ids of a device into one text")
        for offer in provider.offers
        for text in _versions(offer)
        if _PACKED.search(text)
    ]


def lint_types(offers: Iterable[tuple[str, Offer]]) -> list[TypeLint]:
    """Run the lints over a fleet: each offer against the first of its type and of its version.

    Args:
        offers: name of a provider and what it offers.  Of offers that are alike one is
            enough, so a fleet of equal hosts costs one pass over its shapes.
    """
    first: dict[Hashable, tuple[str, Offer]] = {}
    found: list[TypeLint] = []
    for each in offers:
        earlier = [first.setdefault(role, each) for role in _roles(each[1])]
        found += _against({id(one): one for one in earlier}.values(), *each)
    return found


def _against(earlier: Iterable[tuple[str, Offer]], other: str, offer: Offer) -> Iterator[TypeLint]:
    """Say of an offer what it means otherwise than earlier ones, each thing once."""
    told: set[_Name] = set()
    for known, before in earlier:
        new = [one for one in _ask_both_ways(before, offer) if one[0] not in told]
        told.update(name for name, _ in new)
        if new:
            reasons = tuple(reason for _, reason in new)
            yield TypeLint(type=_key(offer)[2], first=known, other=other, reasons=reasons)


def lint_successive(before: Sequence[Offer], after: Sequence[Offer], device: str) -> list[Finding]:
    """Run the lints over what one provider offered and what it offers now."""
    old = {_key(offer): offer for offer in before}
    return [
        finding("LINT", device, f"{offer.type}: {reason.code} {_in_order(reason)}")
        for offer in after
        if (key := _key(offer)) in old
        for reason in lint(old[key], offer).lints
    ]


def _roles(offer: Offer) -> Iterator[Hashable]:
    """What an offer can be the first of: its type, its version, and who states something of it.

    Of offers that claim one version all that differ from another differ from the first that
    states the same thing, so no two have to be held against each other.
    """
    key = _key(offer)
    yield key
    version = (key, version_of(offer))
    if units_of(offer) is not None:
        yield version, "units"
    if fold(offer.description or ""):
        yield version, "description"
    if offer.features is not None:
        yield version, "features"


def _key(offer: Offer) -> Key:
    return offer.kind, offer.device_api, offer.type or ""


def _ask_both_ways(before: Offer, after: Offer) -> Iterator[tuple[_Name, Reason]]:
    """Which of two hosts is the older one, nobody says; each thing is told once."""
    reasons = (*lint(before, after).lints, *lint(after, before).lints)
    named: dict[_Name, Reason] = {}
    for reason in reasons:
        about = reason.detail.get("field", reason.detail.get("feature"))
        named.setdefault((reason.code, str(about)), reason)
    return iter(sorted(named.items(), key=lambda one: one[0]))


def _in_order(reason: Reason) -> str:
    return str(sorted(reason.detail.items(), key=lambda item: item[0]))


def _versions(offer: Offer) -> list[str]:
    values: list[object] = []
    if offer.interface is not UNSET:
        values.append(offer.interface.supports)
    if offer.state is not UNSET:
        values += [offer.state.emits, offer.state.accepts]
    return [value for value in values if isinstance(value, str)]
