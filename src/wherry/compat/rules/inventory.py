"""One type name means one thing, and its version moves when its features do.

Lints over two offers of one type; the features, versions and prose are compared by the same
helpers as in a check.

Source: docs/reference/compat.md, R18, R25 and R26.
"""

from typing import Final

from msgspec import UNSET

from wherry.compat.prose import fold
from wherry.compat.quantity import units_of
from wherry.compat.table import Finding, cause
from wherry.model.device import Offer, OfferInterface, Supports
from wherry.model.versions import Semver, parse_semver

RULES: Final = ("R18", "R25", "R26")

_AMBIGUOUS = cause("LINT_TYPE_AMBIGUOUS")
_REMOVED = cause("LINT_FEATURE_REMOVED")
_ADDED = cause("LINT_FEATURE_ADDED")


def check(before: Offer, after: Offer) -> list[Finding]:
    """Name what is wrong between the two; nothing if they are not of one type."""
    if before.type is None or _identity(before) != _identity(after):
        return []
    return [*_ambiguous(before, after), *_features(before, after)]


def _identity(offer: Offer) -> tuple[str, str, str | None]:
    return offer.kind, offer.device_api, offer.type


def _semver(offer: Offer) -> Semver | None:
    """The version, if the interface is a semver that parses; no policy is semver."""
    stated = OfferInterface() if offer.interface is UNSET else offer.interface
    if stated.policy not in {UNSET, "semver"} or not isinstance(stated.supports, str):
        return None
    return parse_semver(stated.supports)


def version_of(offer: Offer) -> tuple[object, ...]:
    """Name the interface version: equal for offers that claim the same one."""
    return _semver(offer) or _published(offer)


def _published(offer: Offer) -> tuple[str, Supports]:
    """Policy and versions as JSON; left out is semver and null."""
    stated = OfferInterface() if offer.interface is UNSET else offer.interface
    policy = "semver" if stated.policy is UNSET else stated.policy
    return policy, None if stated.supports is UNSET else stated.supports


def _ambiguous(before: Offer, after: Offer) -> list[Finding]:
    if version_of(before) != version_of(after):
        return []
    found: list[Finding] = []
    old, new = units_of(before), units_of(after)
    if old is not None and new is not None and old != new:
        found.append((_AMBIGUOUS, {"field": "units", "wanted": old, "offered": new}))
    said = [fold(offer.description or "") for offer in (before, after)]
    if all(said) and said[0] != said[1]:
        detail = {"field": "description", "wanted": said[0], "offered": said[1]}
        found.append((_AMBIGUOUS, detail))
    return found


def _features(before: Offer, after: Offer) -> list[Finding]:
    old, new = _semver(before), _semver(after)
    if old is None or new is None or new < old or new.major != old.major:
        return []
    if before.features is None or after.features is None:
        return []
    had, has = before.features or {}, after.features or {}
    found: list[Finding] = [(_REMOVED, {"feature": name}) for name in had if name not in has]
    if new.minor == old.minor:
        found += [(_ADDED, {"feature": name}) for name in has if name not in had]
    return found
