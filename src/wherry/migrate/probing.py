"""The last resort of the pre-flight: the text read on the source is written to the target's, once.

Only where the policy permits it, and only where nothing but four kinds of unknown stands in the
way after every rule was asked on what both ends have just read.  Both agents read first; where
both could, the source's text goes to the target's agent in one job, which is handed out once.
The outcome is a value that is combined with the verdict; a probe never takes a ``no`` away.

Source: specification of compatibility, section 17.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal
from uuid import UUID, uuid5

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.probe import SETTLED, combine_guest
from wherry.compat.rules import probe_outcome
from wherry.compat.verdicts import to_reasons
from wherry.migrate.signal import Signal
from wherry.migrate.slots import CARRIED
from wherry.model.checks import ProbeOutcome, Reason
from wherry.model.migrations import JobAnswer, JobSlot, Migration, PreflightJob, Side

Kind = Literal["probe read", "probe write"]
ACCEPTED: Final = "accepted"


def is_permitted(migration: Migration) -> bool:
    """Whether the policy permits a probe in its mode."""
    return migration.policy.probe == "last_resort" and migration.policy.mode in CARRIED


def is_open(migration: Migration, reason: Reason) -> bool:
    """Whether a reason is one that a probe may settle, of a slot that is carried over."""
    rows = {row.slot for row in migration.answer.mapping if row.mode in CARRIED}
    return reason.code in SETTLED and reason.detail.get("slot") in rows


def is_settled(migration: Migration, reason: Reason) -> bool:
    """Whether the target has taken the source's text for what a reason does not know."""
    outcome = migration.probe.get(str(reason.detail.get("slot")))
    return reason.code in SETTLED and outcome is not None and outcome.write == ACCEPTED


def open_reasons(migration: Migration) -> tuple[Reason, ...]:
    """Give what is still not known of the slots that a probe was to settle."""
    return tuple(
        replace(reason, detail={**reason.detail, "slot": row.slot})
        for row in migration.answer.mapping
        if row.slot in migration.probing
        for reason in row.reasons
        if reason.code in SETTLED
    )


def plan_reads(
    migration: Migration, asked: Iterable[PreflightJob], *, now: float, wait_s: float
) -> tuple[PreflightJob, ...]:
    """Plan that both ends read the attribute of each instance.

    Args:
        migration: which both ends have confirmed but for what the probe shall settle.
        asked: the jobs of its pre-flight, which name the devices.
        now: seconds since the epoch.
        wait_s: how long both have.
    """
    jobs = {job.side: job for job in asked}
    return tuple(
        _job(migration, "probe read", side, _slots(migration, side, jobs), now=now, wait_s=wait_s)
        for side in jobs
    )


def plan_write(
    migration: Migration,
    reads: Mapping[Side, JobAnswer],
    target: PreflightJob,
    *,
    now: float,
    wait_s: float,
) -> PreflightJob | None:
    """Plan the one write, where both ends could read every instance; None where they could not."""
    source = reads["source"]
    sides = (source.probe, reads["target"].probe)
    if any(side.get(slot) != "read" for side in sides for slot in migration.probing):
        return None
    slots = {
        slot: replace(asked, text=source.texts.get(slot, ""))
        for slot, asked in target.slots.items()
    }
    return _job(migration, "probe write", "target", slots, now=now, wait_s=wait_s)


def judge_probe(
    migration: Migration,
    reads: Mapping[Side, JobAnswer],
    written: JobAnswer | None,
    *,
    now: float,
    by: str,
) -> tuple[Migration, Signal]:
    """Decide by what a probe saw; the migration keeps the outcomes and the verdict with them.

    A probe that was not made settles nothing: what was not known stands in the way.
    """
    outcomes = {
        slot: outcome
        for slot in migration.probing
        if (outcome := _outcome(slot, reads, written)) is not None
    }
    answer = combine_guest(migration.answer, migration.policy, dict(outcomes))
    told = replace(migration, probe=outcomes, answer=answer)
    refused = [
        replace(reason, detail={**reason.detail, "slot": slot})
        for slot, outcome in outcomes.items()
        for reason in to_reasons(probe_outcome.check(outcome))
    ]
    left = [one for one in open_reasons(migration) if not is_settled(told, one)]
    reasons = (*refused, *left)
    event: Literal["refuse", "probe"] = "refuse" if reasons else "probe"
    note = "" if reasons else "the target took what the source says of its device"
    token = migration.attempt
    return told, Signal(event=event, now=now, token=token, by=by, note=note, reasons=reasons)


def _outcome(
    slot: str, reads: Mapping[Side, JobAnswer], written: JobAnswer | None
) -> ProbeOutcome | None:
    source, target = reads["source"].probe.get(slot), reads["target"].probe.get(slot)
    if source is None or target is None:
        return None
    if source != "read" or target != "read":
        return ProbeOutcome(source=source, target=target, write=None)
    write = None if written is None else written.probe.get(slot)
    return None if write is None else ProbeOutcome(source=source, target=target, write=write)


def _slots(
    migration: Migration, side: Side, jobs: Mapping[Side, PreflightJob]
) -> dict[str, JobSlot]:
    """The instances of one side; one that is made for the guest has the source's name."""
    named = jobs["source"].slots
    return {
        slot: asked if asked.device is not UNSET else replace(asked, device=named[slot].device)
        for slot, asked in jobs[side].slots.items()
        if slot in migration.probing and slot in named
    }


def _job(
    migration: Migration,
    kind: Kind,
    side: Side,
    slots: dict[str, JobSlot],
    *,
    now: float,
    wait_s: float,
) -> PreflightJob:
    deadline = min(now + wait_s, migration.lease_until)
    return PreflightJob(
        id=str(uuid5(UUID(migration.uuid), f"{kind}:{side}:{migration.attempt}")),
        kind=kind,
        host=migration.source if side == "source" else migration.target,
        migration=migration.uuid,
        token=migration.attempt,
        side=side,
        deadline=deadline,
        wait_s=deadline - now,
        guest=migration.guest,
        slots=slots,
    )
