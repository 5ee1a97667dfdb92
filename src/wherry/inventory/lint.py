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
from wherry.model.device import Offer
from wherry.model.inventory import Finding, HostPlan, PlannedProvider

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


def lint_plans(plans: Iterable[HostPlan]) -> list[Finding]:
    """Run the lints over all plans: each distinct offer of a type against the first of it.

    Offers that are alike are compared once, so a fleet of equal hosts costs one pass.
    """
    first: dict[Key, Offer] = {}
    found: dict[str, Finding] = {}
    seen: set[tuple[Key, str]] = set()
    for plan in sorted(plans, key=lambda plan: plan.host):
        for provider in plan.providers:
            for offer in provider.offers:
                key = (offer.kind, offer.device_api, offer.type or "")
                before = first.setdefault(key, offer)
                for one in _lints(before, offer, provider, seen, key):
                    found.setdefault(one.message, one)
    return [found[message] for message in sorted(found)]


def lint_successive(before: Sequence[Offer], after: Sequence[Offer], device: str) -> list[Finding]:
    """Run the lints over what one provider offered and what it offers now."""
    old = {(o.kind, o.device_api, o.type): o for o in before}
    return [
        one
        for offer in after
        if (key := (offer.kind, offer.device_api, offer.type)) in old
        for one in _findings(old[key], offer, device)
    ]


def _lints(
    before: Offer,
    after: Offer,
    provider: PlannedProvider,
    seen: set[tuple[Key, str]],
    key: Key,
) -> list[Finding]:
    alike = repr((after.interface, after.units, after.description, after.features))
    if (key, alike) in seen:
        return []
    seen.add((key, alike))
    return _findings(before, after, provider.name)


def _findings(before: Offer, after: Offer, device: str) -> list[Finding]:
    """Ask both ways: which of two hosts is the older one, nobody says."""
    reasons = {
        (reason.code, str(sorted(reason.detail.items(), key=lambda item: item[0])))
        for pair in ((before, after), (after, before))
        for reason in lint(*pair).lints
    }
    return [
        finding("LINT", device, f"{after.type}: {code} {detail}")
        for code, detail in sorted(reasons)
    ]


def _versions(offer: Offer) -> list[str]:
    values: list[object] = []
    if offer.interface is not UNSET:
        values.append(offer.interface.supports)
    if offer.state is not UNSET:
        values += [offer.state.emits, offer.state.accepts]
    return [value for value in values if isinstance(value, str)]
