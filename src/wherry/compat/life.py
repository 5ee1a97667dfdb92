"""The life of a contract: what is in effect after a boot, and what a reboot pins.

A warm reboot stays in the QEMU process, so what the claim has masked or set stays so and the
version alone moves on; a new process may pick up what the provider offers now.  A contract
marked ``keep`` survives either where the provider can still be configured to it.

Source: docs/reference/compat.md, R33 and section 9, "Life of a contract" to "Keep".
"""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from wherry.compat.judgement import judge
from wherry.compat.pinning import Choice, pin
from wherry.compat.rebase import rebase
from wherry.compat.table import Finding
from wherry.compat.verdicts import reasons_in, verdict_in
from wherry.model.checks import Configure, Policy, Reason
from wherry.model.device import Contract, Offer, ParamValue

RebootKind = Literal["warm", "new_process"]
"""A reboot whose kind is not known counts as ``new_process``, which claims the more."""

_NOT_ASKED: Final = frozenset({"R27", *(f"R{number}" for number in range(60, 67))})
"""Rules of moving, which a contract that is kept in place does not meet."""


class Kept(Struct, frozen=True, kw_only=True):
    """Whether the present provider can still be configured to a contract."""

    is_possible: bool
    reasons: tuple[Reason, ...]
    contract: Contract
    """Rebased on the present offer: pinned fields as they were."""
    configure: Configure
    """What a new process must be given."""


class Rebooted(Struct, frozen=True, kw_only=True):
    """What a reboot leaves: the contract, the settings in effect, and what to report."""

    contract: Contract
    in_effect: Configure
    is_pinned_anew: bool
    reasons: tuple[Reason, ...] = ()
    """Why a marked contract could not be kept; empty otherwise."""


class Reboot(Struct, frozen=True, kw_only=True):
    """How a guest rebooted, and what is known of the slot."""

    kind: RebootKind
    in_effect: Configure
    """What the last boot, plug or claim applied."""
    chosen: Choice
    """What is chosen for the guest now, as at boot; a warm reboot does not look at it."""
    negotiated: str | UnsetType = UNSET
    """The version that the guest has negotiated since, if it is reported."""
    pinned_at: str | UnsetType = UNSET
    configure_failed: bool = False
    """The settings that `keep` would need could not be applied."""


def in_effect_after_boot(offer: Offer, chosen: Choice) -> Configure:
    """Give the settings in effect after a boot or a plug, in the form of ``configure``."""
    params = {name: value for name, value in chosen.params.items() if value is not None}
    if chosen.features is UNSET or not offer.features:
        return Configure(params=params)
    masked = sorted(name for name in offer.features if name not in chosen.features)
    return Configure(params=params, mask_features=tuple(masked))


def keep(contract: Contract, offer: Offer) -> Kept:
    """Check whether a contract can stay on its present provider, as nothing moves.

    Asked is mode suspend with an empty policy, without the stages claim and preflight and
    without the rules of moving.
    """
    rebased = rebase(contract, offer)
    judgement = judge(rebased, offer, Policy(mode="suspend"))
    findings = [finding for finding in judgement.findings if _is_asked(finding)]
    verdict = verdict_in(findings, "suspend")
    return Kept(
        is_possible=verdict in {"ok", "warn"},
        reasons=reasons_in(findings, "suspend"),
        contract=rebased,
        configure=Configure() if verdict == "no" else judgement.settings,
    )


def reboot(contract: Contract, offer: Offer, how: Reboot) -> Rebooted:
    """Give what a reboot makes of a slot on its present provider.

    The caller applies ``in_effect``; should that fail for a contract that was kept, it asks
    again with ``configure_failed``.

    Raises:
        OffersNothing: the provider offers nothing now, and nothing was chosen.
    """
    if not contract.keep:
        return _pinned_anew(contract, offer, how)
    kept = keep(contract, offer)
    if not kept.is_possible or how.configure_failed:
        return _pinned_anew(contract, offer, how, kept.reasons)
    in_effect = how.in_effect if how.kind == "warm" else kept.configure
    return Rebooted(contract=kept.contract, in_effect=in_effect, is_pinned_anew=False)


def _is_asked(finding: Finding) -> bool:
    cause, _ = finding
    return cause.stage == "filter" and cause.rule not in _NOT_ASKED


def _pinned_anew(
    contract: Contract, offer: Offer, how: Reboot, reasons: tuple[Reason, ...] = ()
) -> Rebooted:
    if how.kind == "warm":
        chosen, in_effect = _still(contract, offer, how), how.in_effect
    else:
        chosen, in_effect = how.chosen, in_effect_after_boot(offer, how.chosen)
    pinned = pin(
        offer,
        chosen,
        consumer=contract.consumer,
        slot=contract.slot,
        pinned_at=how.pinned_at,
        keep=contract.keep,
    )
    return Rebooted(contract=pinned, in_effect=in_effect, is_pinned_anew=True, reasons=reasons)


def _still(contract: Contract, offer: Offer, how: Reboot) -> Choice:
    """What a guest that starts anew in the same process is shown: what is in effect."""
    features: tuple[str, ...] | UnsetType = UNSET
    if offer.features:
        masked = how.in_effect.mask_features
        features = tuple(name for name in offer.features if name not in masked)
    return Choice(
        kind=contract.kind,
        type=contract.type,
        version=how.negotiated,
        features=features,
        params=_params_still(contract, offer, how.in_effect),
        guest_address=contract.guest_address,
    )


def _params_still(contract: Contract, offer: Offer, in_effect: Configure) -> dict[str, ParamValue]:
    """Per offered parameter what was set, else where it stands, else the contract's value."""
    values: dict[str, ParamValue] = {}
    ours = contract.params or {}
    for name, param in (offer.params or {}).items():
        if name in in_effect.params:
            values[name] = in_effect.params[name]
        elif param.value is not UNSET:
            values[name] = param.value
        elif name in ours:
            values[name] = ours[name]
    return values
