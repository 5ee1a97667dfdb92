"""The last resort: what a read here and a write there adds to an answer.

The check stays pure and asks no device; the probe's outcome is a value that is combined with
the answer.  It may settle what is unknown of versions, and never takes a no away.

Source: docs/reference/compat.md, section 17.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from wherry.compat.judgement import NOTHING
from wherry.compat.rules import probe_outcome
from wherry.compat.verdicts import in_order, is_accepted, to_reasons, worst
from wherry.model.checks import (
    CheckResponse,
    GuestResponse,
    MappingRow,
    Policy,
    ProbeOutcome,
    Reason,
    Verdict,
)
from wherry.model.device import Mode

SETTLED: Final = frozenset(
    {
        "VERSION_ABSENT",
        "VERSION_INCOMPARABLE",
        "STATE_FORMAT_ABSENT",
        "STATE_FORMAT_INCOMPARABLE",
    }
)
"""The four kinds of unknown that a successful probe takes away, and nothing else."""

_TAKEN: Final = ProbeOutcome(source="read", target="read", write="accepted")


def combine(answer: CheckResponse, policy: Policy, outcome: ProbeOutcome | None) -> CheckResponse:
    """Add what a probe saw to an answer, or take away what it settled.

    Verdict, acceptance, the policy's mode and ``configure`` follow; all else stays, also the
    verdicts of other modes.  A probe that was not made, or whose answer was lost, is None.
    """
    if outcome is None or not _may_be_probed(policy.mode):
        return answer
    reasons = _settled(answer.reasons, outcome)
    verdict = worst(reason.severity for reason in reasons)
    return replace(
        answer,
        verdict=verdict,
        accepted=is_accepted(verdict, policy),
        modes={**answer.modes, policy.mode: verdict},
        reasons=reasons,
        configure=NOTHING if verdict == "no" else answer.configure,
    )


def combine_guest(
    answer: GuestResponse, policy: Policy, outcomes: Mapping[str, ProbeOutcome | None]
) -> GuestResponse:
    """Add what the probes of a guest's slots saw, each to its row; the mapping stays."""
    rows = tuple(_row(row, outcomes.get(row.slot)) for row in answer.mapping)
    if rows == answer.mapping:
        return answer
    verdict = worst([*(r.severity for r in answer.reasons), *(row.verdict for row in rows)])
    return replace(
        answer,
        verdict=verdict,
        accepted=is_accepted(verdict, policy),
        modes={**answer.modes, policy.mode: verdict},
        mapping=rows,
    )


def is_called_for(answer: CheckResponse, policy: Policy) -> bool:
    """Tell whether a probe is permitted and would decide: accepted with it, not without."""
    if policy.probe != "last_resort" or answer.accepted:
        return False
    return combine(answer, policy, _TAKEN).accepted


def slots_called_for(answer: GuestResponse, policy: Policy) -> tuple[str, ...]:
    """Name the slots to probe: none, unless all of them together would decide."""
    if policy.probe != "last_resort" or answer.accepted:
        return ()
    slots = [row.slot for row in answer.mapping if _may_be_probed(row.mode) and _is_open(row)]
    decided = combine_guest(answer, policy, dict.fromkeys(slots, _TAKEN))
    return tuple(slots) if decided.accepted else ()


def _may_be_probed(mode: Mode) -> bool:
    return mode in {"live", "suspend"}


def _is_open(row: MappingRow) -> bool:
    return any(reason.code in SETTLED for reason in row.reasons)


def _row(row: MappingRow, outcome: ProbeOutcome | None) -> MappingRow:
    if outcome is None or not _may_be_probed(row.mode):
        return row
    reasons = _settled(row.reasons, outcome)
    verdict: Verdict = worst(reason.severity for reason in reasons)
    configure = NOTHING if verdict == "no" else row.configure
    return replace(row, reasons=reasons, verdict=verdict, configure=configure)


def _settled(reasons: tuple[Reason, ...], outcome: ProbeOutcome) -> tuple[Reason, ...]:
    objections = to_reasons(probe_outcome.check(outcome))
    if objections:
        return in_order((*reasons, *objections))
    return tuple(reason for reason in reasons if reason.code not in SETTLED)
