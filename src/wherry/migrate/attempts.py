"""The next attempt of a migration: its target is refused, and an alternate takes the place.

    may_help(signal) -> bool
    pass_over(migration, host, told, …) -> Migration
    move_on(migration, signal, chosen, guest, held=…) -> Decision
    exhaust(migration, signal) -> Signal

The migration goes on holding the source; the guest's consumer holds the alternate instead of the
target that refused, by one claim.  Each attempt has a new token, which the jobs of both ends
carry: an answer to the one before, and whoever holds its token, comes too late.  The history
tells of each attempt, and of each alternate that was passed over.

Source: design, section 7, points 2 and 3; specification of compatibility, section 14, point 5.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.migrate.life import Decision, slots_there
from wherry.migrate.signal import Signal, admit, render_time
from wherry.model.checks import GuestResponse, Reason
from wherry.model.claims import Holding
from wherry.model.guests import Guest
from wherry.model.migrations import Migration, Step
from wherry.model.targets import Refusal, Target
from wherry.schedule.plan_claim import plan_other_target

_OF_THE_GUEST: Final = frozenset({"PREFLIGHT_PROCESS", "PREFLIGHT_CONTRACT", "BLOCKER"})
"""What would be said again of every target."""
_OF_ITS_SIDE: Final = frozenset({"PREFLIGHT_OBJECTION", "PREFLIGHT_DEVICE_ABSENT"})
"""What is so where it is the source that says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An alternate that takes the guest as of now."""

    target: Target
    answer: GuestResponse
    host: HostView


def may_help(signal: Signal) -> bool:
    """Whether another target may take a guest that was refused with these reasons.

    It may unless all of them are of the guest or its source alone: those stand in the way of
    every target.  Silence helps nobody to know, so an end that was silent is asked again.
    """
    if signal.event != "refuse":
        return False
    return not signal.reasons or any(not _is_of_source(reason) for reason in signal.reasons)


def pass_over(
    migration: Migration, host: str, told: Refusal | str, *, now: float, by: str = ""
) -> Migration:
    """Write down that an alternate does not take the guest any more, and why.

    Args:
        migration: which loses this alternate.
        host: the alternate.
        told: its refusal, or what else stands in the way, in words.
        now: seconds since the epoch.
        by: who found that.
    """
    step = Step(
        at=render_time(now),
        event="pass over",
        state=migration.state,
        token=migration.token,
        host=host,
        by=by,
        note=told if isinstance(told, str) else "",
        reasons=() if isinstance(told, str) else tuple(_reasons_of(told)),
    )
    return replace(
        migration,
        alternates=tuple(each for each in migration.alternates if each != host),
        history=(*migration.history, step),
    )


def move_on(
    migration: Migration, signal: Signal, chosen: Chosen, guest: Guest, *, held: Holding
) -> Decision:
    """Give up the target for an alternate, with a new token, and nothing answered yet.

    Args:
        migration: claimed or confirmed.
        signal: the refusal of its target.
        chosen: the alternate.
        guest: as stored.
        held: what the guest's consumer holds, on the target before.

    Raises:
        WrongState: the move has begun, or the migration has ended.
        FactsChanged: the alternate does not offer any more what was decided on.
    """
    again = dataclasses.replace(signal, event="retry")
    step = admit(migration, again)
    token, host = migration.token + step.moves_token, chosen.target.host
    told = Step(
        at=render_time(signal.now),
        event=again.event,
        state=step.state,
        token=token,
        host=host,
        by=signal.by,
        note=signal.note,
        reasons=signal.reasons,
    )
    moved = replace(
        migration,
        target=host,
        state=step.state,
        token=token,
        attempt=token,
        answer=chosen.answer,
        target_slots=slots_there(guest, chosen.target, chosen.host, at=told.at),
        facts=chosen.target.facts,
        preflight_until=UNSET,
        answers={},
        confirmed=(),
        probing=(),
        probe={},
        alternates=tuple(each for each in migration.alternates if each != host),
        history=(*migration.history, told),
    )
    # The same alternate after the same token is the same claim, which takes effect once.
    claim_id = str(uuid5(UUID(migration.uuid), f"retry:{migration.token}:{host}"))
    claim = plan_other_target(guest, chosen.target, chosen.host, claim_id=claim_id, held=held)
    return Decision(migration=moved, guest=guest, claim=claim, withdraws_jobs=True)


def exhaust(migration: Migration, signal: Signal) -> Signal:
    """Give the last refusal all that every attempt was refused with, each with its host."""
    refused = dict(_refused_before(migration))
    if not refused:
        return signal
    earlier = [_at(reason, host) for host, step in refused.items() for reason in step.reasons]
    last = [_at(reason, migration.target) for reason in signal.reasons]
    return dataclasses.replace(signal, reasons=(*earlier, *last))


def _refused_before(migration: Migration) -> Iterator[tuple[str, Step]]:
    """Each host that was given up or passed over so far, with the step that tells why."""
    target = ""
    for step in migration.history:
        if step.event == "retry":
            yield target, step
        elif step.event == "pass over":
            yield step.host, step
        if step.event in {"claim", "retry"}:
            target = step.host


def _at(reason: Reason, host: str) -> Reason:
    return replace(reason, detail={**reason.detail, "host": host})


def _is_of_source(reason: Reason) -> bool:
    if reason.code in _OF_ITS_SIDE:
        return reason.detail.get("side") == "source"
    return reason.code in _OF_THE_GUEST


def _reasons_of(refusal: Refusal) -> Iterator[Reason]:
    yield from refusal.reasons
    for row in refusal.mapping:
        for reason in row.reasons:
            yield replace(reason, detail={**reason.detail, "slot": row.slot})
