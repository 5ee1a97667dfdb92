"""One type name that means two things, found before a guest finds it.

The lints of the specification run over offers of one kind, device_api and type: within a
provider's host, between hosts, and between a provider's successive offers.

Source: specification of compatibility, section 11; founding e-mail on versions that pack
driver and ids into one text.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from wherry.compat.lints import lint
from wherry.inventory.findings import finding
from wherry.model.checks import Reason
from wherry.model.device import Offer
from wherry.model.inventory import Finding, PlannedProvider
from wherry.model.wire import TypeLint

_PACKED = re.compile(r"(?:^|[^0-9a-f])[0-9a-f]{4}[-:_][0-9a-f]{4}(?:[^0-9a-f]|$)", re.ASCII)
Key = tuple[str, str, str]


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
    """Run the lints over a fleet: each offer of a type against the first one of it.

    Args:
        offers: name of a provider and what it offers.  Of offers that are alike one is
            enough, so a fleet of equal hosts costs one pass over its shapes.
    """
    first: dict[Key, tuple[str, Offer]] = {}
    found: list[TypeLint] = []
    for name, offer in offers:
        key = _key(offer)
        known, before = first.setdefault(key, (name, offer))
        if reasons := _ask_both_ways(before, offer):
            found.append(TypeLint(type=key[2], first=known, other=name, reasons=reasons))
    return found


def lint_successive(before: Sequence[Offer], after: Sequence[Offer], device: str) -> list[Finding]:
    """Run the lints over what one provider offered and what it offers now."""
    old = {_key(offer): offer for offer in before}
    return [
        finding("LINT", device, f"{offer.type}: {reason.code} {_in_order(reason)}")
        for offer in after
        if (key := _key(offer)) in old
        for reason in _ask_both_ways(old[key], offer)
    ]


def _key(offer: Offer) -> Key:
    return offer.kind, offer.device_api, offer.type or ""


def _ask_both_ways(before: Offer, after: Offer) -> tuple[Reason, ...]:
    """Which of two hosts is the older one, nobody says."""
    reasons = (
        reason for pair in ((before, after), (after, before)) for reason in lint(*pair).lints
    )
    named = {(reason.code, _in_order(reason)): reason for reason in reasons}
    return tuple(named[name] for name in sorted(named))


def _in_order(reason: Reason) -> str:
    return str(sorted(reason.detail.items(), key=lambda item: item[0]))


def _versions(offer: Offer) -> list[str]:
    values: list[object] = []
    if offer.interface is not UNSET:
        values.append(offer.interface.supports)
    if offer.state is not UNSET:
        values += [offer.state.emits, offer.state.accepts]
    return [value for value in values if isinstance(value, str)]
