"""All rules of a pair, evaluated once: those of the records, then those of the provider.

`judge` reads nothing that belongs to a single provider, so a judgement of a shape holds for
every offer of that shape; `provider_findings` adds the three rules that do.

Source: docs/reference/compat.md, sections 6 to 9, and 13 ("Shapes").
"""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from wherry.compat.estimate import downtime_ms
from wherry.compat.pair import Pair
from wherry.compat.rules import (
    ability,
    assumed,
    blockers,
    capacity,
    constraints,
    description,
    dirty_tracking,
    downtime,
    exclusive,
    features,
    gates,
    generation,
    guest_address,
    identity,
    interface_version,
    modes,
    packs,
    params,
    parent,
    peer_to_peer,
    state_format,
    state_tags,
    units,
)
from wherry.compat.table import Finding, Findings
from wherry.compat.verdicts import verdict_in, verdicts
from wherry.model.checks import Configure, Policy, Verdict
from wherry.model.device import Contract, ForeignRecord, Mode, Offer

Rule = Callable[[Pair], Findings]

RECORD_RULES: Final[tuple[Rule, ...]] = (
    assumed.check,
    identity.check,
    parent.check,
    description.check,
    interface_version.check,
    state_format.check,
    state_tags.check,
    features.check,
    params.check,
    constraints.check,
    packs.check,
    units.check,
    ability.check,
    dirty_tracking.check,
    blockers.check,
    modes.check,
)
"""Asked of contract and shape."""

PROVIDER_RULES: Final[tuple[Rule, ...]] = (capacity.check, exclusive.check, generation.check)
"""R51, R52 and R70: asked of the provider's own numbers."""

NOTHING: Final = Configure()


class Judgement(Struct, frozen=True):
    """What the rules found on a pair, in all modes at once."""

    findings: tuple[Finding, ...]
    is_gated: bool = False
    """A gate closed (R00, R17): nothing else was asked, and nothing will be."""
    settings: Configure = NOTHING
    """What a claim would set in mode live or suspend, if the verdict is not no."""
    downtime_ms: int | None = None
    """The estimate of R65."""

    @property
    def verdicts(self) -> dict[Mode, Verdict]:
        """The verdict in each mode, as far as these findings tell."""
        return verdicts(self.findings)

    def configure(self, mode: Mode) -> Configure:
        """Give what the claim must set in a mode (R42)."""
        if mode in {"cold", "replug"} or verdict_in(self.findings, mode) == "no":
            return NOTHING
        return self.settings

    def plus(self, more: list[Finding]) -> "Judgement":
        """The same with further findings."""
        if not more:
            return self
        return Judgement((*self.findings, *more), self.is_gated, self.settings, self.downtime_ms)


class Asked(Struct, frozen=True, kw_only=True):
    """What differs between the check of a pair and that of a pair within a guest."""

    guest_address: str | UnsetType = UNSET
    """Where the target has prepared the device (R69)."""
    with_downtime: bool = True
    """R65 is asked of a pair; of a guest, for the sum of its slots."""
    with_peer_to_peer: bool = False
    """R61 is asked within a guest of several vfio devices."""


def judge(
    contract: Contract | ForeignRecord | None,
    offer: Offer | ForeignRecord | None,
    policy: Policy,
    asked: Asked | None = None,
) -> Judgement:
    """Evaluate all rules but R51, R52 and R70, once, for all modes.

    Args:
        contract: what the guest was given; None where nothing is recorded.
        offer: an offer or its shape; the result is the same.
        policy: what the caller wants; its mode does not matter here.
        asked: of a pair within a guest; left out: a pair by itself.
    """
    closed = gates.check(contract, offer)
    if closed or not isinstance(contract, Contract) or not isinstance(offer, Offer):
        return Judgement(tuple(closed), is_gated=True)
    pair = Pair(contract, offer, policy)
    found: list[Finding] = []
    for check in RECORD_RULES:
        found += check(pair)
    estimate = downtime_ms(contract, offer, policy)
    if asked is None:
        found += guest_address.check(contract, policy.guest_address)
        found += downtime.check(estimate, policy)
    else:
        found += _within_guest(pair, asked, estimate)
    return Judgement(tuple(found), settings=_settings(pair), downtime_ms=estimate)


def _within_guest(pair: Pair, asked: Asked, estimate: int | None) -> list[Finding]:
    found = list(guest_address.check(pair.contract, asked.guest_address))
    if asked.with_downtime:
        found += downtime.check(estimate, pair.policy)
    if asked.with_peer_to_peer:
        found += peer_to_peer.check(pair)
    return found


def _settings(pair: Pair) -> Configure:
    if not pair.offer.params and not pair.offer.features:
        return NOTHING
    values, masked = params.to_set(pair), features.to_mask(pair)
    return Configure(params=values, mask_features=masked) if values or masked else NOTHING


def provider_findings(
    contract: Contract | ForeignRecord | None, offer: Offer | ForeignRecord | None, policy: Policy
) -> list[Finding]:
    """Evaluate R51, R52 and R70 on the provider's own numbers; the gates are passed."""
    if not isinstance(contract, Contract) or not isinstance(offer, Offer):
        return []
    pair = Pair(contract, offer, policy)
    found: list[Finding] = []
    for check in PROVIDER_RULES:
        found += check(pair)
    return found
