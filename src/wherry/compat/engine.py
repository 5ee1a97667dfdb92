"""The check: may this guest's device go on living on that provider?

Every rule is asked and every reason given; the verdict is the heaviest of them.  A pure
function of its arguments: it reads no clock, no store, no host.

Source: docs/reference/compat.md, sections 4 and 9.
"""

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.judgement import NOTHING, Judgement, judge, provider_findings
from wherry.compat.rebase import rebase
from wherry.compat.table import Finding
from wherry.compat.verdicts import is_accepted, reasons_in, verdict_in, verdicts
from wherry.model.checks import CheckResponse, Policy, ReturnPath
from wherry.model.device import Contract, ForeignRecord, Offer


def check(
    contract: Contract | ForeignRecord | None,
    offer: Offer | ForeignRecord | None,
    policy: Policy,
    source_offer: Offer | ForeignRecord | UnsetType | None = UNSET,
) -> CheckResponse:
    """Compare a contract with an offer and give the verdict with all its reasons.

    Args:
        contract: what the guest was given; None where nothing is recorded.
        offer: what the target can give; None where nothing is recorded.
        policy: what the caller wants and takes.
        source_offer: what the source can give now; if it is given, the return path is told.
    """
    judgement = judge(contract, offer, policy)
    response = complete(judgement, contract, offer, policy)
    if source_offer is UNSET or source_offer is None:
        return response
    back = _return_path(judgement, contract, offer, policy, source_offer)
    return replace(response, return_path=back)


def complete(
    judgement: Judgement,
    contract: Contract | ForeignRecord | None,
    offer: Offer | ForeignRecord | None,
    policy: Policy,
) -> CheckResponse:
    """Add the rules of the single provider to a judgement, and answer.

    ``complete(judge(contract, shape_of(offer), policy), contract, offer, policy)`` is always
    ``check(contract, offer, policy)``.
    """
    if not judgement.is_gated:
        judgement = judgement.plus(provider_findings(contract, offer, policy))
    return respond(judgement, policy)


def respond(judgement: Judgement, policy: Policy) -> CheckResponse:
    """Answer from a judgement that is complete."""
    by_mode = verdicts(judgement.findings)
    verdict = by_mode[policy.mode]
    is_configured = verdict != "no" and policy.mode in {"live", "suspend"}
    return CheckResponse(
        verdict=verdict,
        accepted=is_accepted(verdict, policy),
        modes=by_mode,
        reasons=reasons_in(judgement.findings, policy.mode),
        configure=judgement.settings if is_configured else NOTHING,
        downtime_ms=judgement.downtime_ms if policy.mode == "live" else None,
    )


def _return_path(
    forward: Judgement,
    contract: Contract | ForeignRecord | None,
    offer: Offer | ForeignRecord | None,
    policy: Policy,
    source_offer: Offer | ForeignRecord,
) -> ReturnPath:
    """Check the way back: the contract rebased on the offer, against the source's own.

    A closed gate of the way there is the answer here too.  Room at home is no question of
    compatibility, so the rules of stage claim are not asked.
    """
    findings: tuple[Finding, ...] = forward.findings
    if isinstance(contract, Contract) and isinstance(offer, Offer) and not forward.is_gated:
        back = replace(policy, offer_generation=UNSET, guest_address=UNSET)
        findings = judge(rebase(contract, offer), source_offer, back).findings
    return ReturnPath(
        verdict=verdict_in(findings, policy.mode), reasons=reasons_in(findings, policy.mode)
    )
