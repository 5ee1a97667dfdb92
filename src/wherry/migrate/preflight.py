"""Pre-flight: both ends confirm that what a migration was decided on still stands.

It confirms and never discovers a new rule: the devices must be there and their facts not have
moved, the guest must be in the same process with the same contracts, and the rules that chose
the target are asked once more on what was just read.  Every objection is told.  Silence is
told by `wherry.migrate.life.due`.

* ``plan_jobs(migration, guest, source, target, *, now, wait_s)`` gives
  ``(PreflightJob, PreflightJob)``: what the source is asked, and the target;
* ``expect_answers(migration, jobs)`` gives the ``Migration`` that waits for both;
* ``judge_answer(migration, job, answer, fresh)`` gives the ``Signal`` to `advance` by:
  ``confirm``, or ``refuse`` with every reason.

Source: design, section 7, point 3; specification of compatibility, sections 1 and 14.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, UnsetType, to_builtins
from msgspec.structs import replace

from wherry.compat.table import Finding
from wherry.compat.verdicts import reasons_in
from wherry.inventory.host_view import HostView
from wherry.inventory.serving import find_offer
from wherry.migrate.contract_now import differences
from wherry.migrate.probing import is_open, is_permitted
from wherry.migrate.rules_again import Again, ask_again
from wherry.migrate.signal import Signal
from wherry.migrate.slots import CARRIED
from wherry.model.checks import MappingRow, Reason, Side
from wherry.model.errors import InvalidRequest, TokenExpired, WrongState
from wherry.model.groups import Neighbours
from wherry.model.guests import Guest, Slot
from wherry.model.migrations import JobAnswer, JobSlot, Migration, PreflightJob
from wherry.model.tenancy import Closed
from wherry.schedule.reasons import cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What is known once the report that came with an answer is taken."""

    guest: Guest
    source: HostView | None
    """None where the host is not known any more."""
    target: HostView | None
    neighbours: Neighbours
    """The guest's groups, and where the others of them are."""
    closed: Closed
    """The target, if its aggregates are for other tenants."""
    now: float


def plan_jobs(
    migration: Migration,
    guest: Guest,
    source: HostView | None,
    target: HostView | None,
    *,
    now: float,
    wait_s: float,
) -> tuple[PreflightJob, PreflightJob]:
    """Plan what the source and the target are asked; the jobs of one attempt keep their ids.

    Args:
        migration: claimed.
        guest: as stored.
        source: where it is; None if the host is not known, which leaves out device names.
        target: where it would go; the same.
        now: seconds since the epoch.
        wait_s: how long both have; no longer than the lease lasts.

    Raises:
        WrongState: nothing is claimed, or the move has begun.
    """
    if migration.state != "claimed":
        raise WrongState(migration=migration.uuid, state=migration.state, event="preflight")
    deadline = min(now + wait_s, migration.lease_until)
    rows = migration.answer.mapping
    # What is booted anew there may be shut down here, with its mdevs gone.
    staying = [row.slot for row in rows if row.mode != "cold" and row.slot in guest.slots]
    carried = any(row.mode in CARRIED for row in rows)

    def job(side: Side, host: str, slots: dict[str, JobSlot]) -> PreflightJob:
        return PreflightJob(
            id=str(uuid5(UUID(migration.uuid), f"preflight:{side}:{migration.attempt}")),
            host=host,
            migration=migration.uuid,
            token=migration.attempt,
            side=side,
            deadline=deadline,
            wait_s=deadline - now,
            guest=guest.uuid,
            slots=slots,
            process=guest.process if side == "source" and carried else UNSET,
        )

    here = {name: _source_slot(guest.slots[name], source) for name in staying}
    there = {name: _target_slot(slot, target) for name, slot in migration.target_slots.items()}
    return job("source", migration.source, here), job("target", migration.target, there)


def expect_answers(migration: Migration, jobs: tuple[PreflightJob, PreflightJob]) -> Migration:
    """Give the migration that waits until its jobs' deadline for both ends."""
    return replace(migration, preflight_until=min(job.deadline for job in jobs))


def judge_answer(
    migration: Migration, job: PreflightJob, answer: JobAnswer, fresh: Fresh
) -> Signal:
    """Decide whether an answer confirms its end; with whatever stands in the way if not.

    Args:
        migration: as stored; what the other end has answered is looked at as well.
        job: what was asked.
        answer: what the agent says; its report is taken already.
        fresh: guest and hosts after that.

    Raises:
        TokenExpired: the answer is to another attempt.
        InvalidRequest: it speaks for the other end.
    """
    if answer.side != job.side:
        message = f"job {job.id} asks the {job.side}, and the answer is the {answer.side}'s"
        raise InvalidRequest(message, path="$.side")
    if answer.token != migration.attempt or job.token != migration.attempt:
        raise TokenExpired(migration=migration.uuid, token=answer.token)
    against = _in_the_way(migration, job, answer, fresh)
    open_ = [one for one in against if is_open(migration, one)] if is_permitted(migration) else []
    reasons = () if len(open_) == len(against) else against
    return Signal(
        event="refuse" if reasons else "confirm",
        probing=tuple(dict.fromkeys(str(one.detail["slot"]) for one in open_)),
        now=fresh.now,
        token=answer.token,
        side=answer.side,
        by=f"agent of {job.host}",
        note=_note(migration, job, answer),
        reasons=reasons,
        answer=replace(answer, report=UNSET),
    )


def _in_the_way(
    migration: Migration, job: PreflightJob, answer: JobAnswer, fresh: Fresh
) -> tuple[Reason, ...]:
    own = _source_findings if answer.side == "source" else _target_findings
    found = [*_said(migration, answer), *own(migration, job, answer, fresh)]
    policy = migration.policy
    answers = {**migration.answers, answer.side: answer}
    asked = Again(
        guest=fresh.guest,
        source=fresh.source,
        target=fresh.target,
        neighbours=fresh.neighbours,
        closed=fresh.closed,
        of_source=answers.get("source"),
        of_target=answers.get("target"),
    )
    reasons = (*reasons_in(found, policy.mode), *ask_again(migration, asked))
    taken = {"info", *policy.accept}
    against = tuple(reason for reason in reasons if reason.severity not in taken)
    if against or answer.ok or _says_why(job, answer):
        return against
    # A plain no is a no, though nobody can say why.
    unsaid = _finding("PREFLIGHT_OBJECTION", side=answer.side, message="no reason was given")
    return reasons_in([unsaid], policy.mode)


def _says_why(job: PreflightJob, answer: JobAnswer) -> bool:
    """Whether an answer tells what it objects to; then it is judged by that."""
    told = answer.missing or answer.objections or answer.blockers
    return bool(told) or answer.process not in {UNSET, job.process}


def _said(migration: Migration, answer: JobAnswer) -> Iterator[Finding]:
    """What the agent itself says stands in the way."""
    for slot in answer.missing:
        yield _finding("PREFLIGHT_DEVICE_ABSENT", side=answer.side, slot=slot)
    known = {row.slot for row in migration.answer.mapping}
    strays = [f"{name}: {text}" for name in sorted(answer.blockers) if name not in known
              for text in answer.blockers[name]]  # fmt: skip
    objections = () if _is_streamless(migration, answer.side) else answer.objections
    for message in chain(objections, strays):
        yield _finding("PREFLIGHT_OBJECTION", side=answer.side, message=message)


def _source_findings(
    migration: Migration, job: PreflightJob, answer: JobAnswer, fresh: Fresh
) -> Iterator[Finding]:
    wanted, found = job.process, answer.process
    if wanted is not UNSET and found is not UNSET and wanted != found:
        yield _finding("PREFLIGHT_PROCESS", wanted=wanted, offered=found)
    for row in migration.answer.mapping:
        if row.mode in CARRIED:
            yield from _contract_findings(migration, row, answer, fresh.guest)


def _contract_findings(
    migration: Migration, row: MappingRow, answer: JobAnswer, guest: Guest
) -> Iterator[Finding]:
    before, now = migration.source_slots[row.slot], guest.slots.get(row.slot)
    wanted, offered = differences(before, now, answer.guest_addresses.get(row.slot, UNSET))
    if wanted or offered:
        yield _finding("PREFLIGHT_CONTRACT", slot=row.slot, wanted=wanted, offered=offered)


def _target_findings(
    migration: Migration, job: PreflightJob, answer: JobAnswer, fresh: Fresh
) -> Iterator[Finding]:
    for uuid, wanted in sorted(migration.facts.items()):
        found = None if fresh.target is None else fresh.target.find_provider(uuid)
        offered = None if found is None else found.record.facts_generation
        if offered != wanted:
            yield _finding(
                "PREFLIGHT_FACTS_MOVED",
                side=answer.side,
                provider=uuid,
                wanted=wanted,
                offered=offered,
                host=job.host,
            )


def _is_streamless(migration: Migration, side: Side) -> bool:
    """Whether the guest is shut down here: what keeps QEMU from streaming does not matter."""
    return side == "source" and migration.policy.mode == "cold"


def _note(migration: Migration, job: PreflightJob, answer: JobAnswer) -> str:
    """What is worth keeping though it decides nothing."""
    notes = []
    if _is_streamless(migration, answer.side) and answer.objections:
        notes.append(f"not asked of a guest that is shut down: {'; '.join(answer.objections)}")
    if job.process is not UNSET and answer.process is UNSET:
        notes.append("the QEMU process could not be told")
    return "; ".join(notes)


def _source_slot(slot: Slot, host: HostView | None) -> JobSlot:
    return JobSlot(
        provider=slot.provider,
        device_parent=_device_of(host, slot.provider),
        device=slot.device,
        type=slot.type,
    )


def _target_slot(slot: Slot, host: HostView | None) -> JobSlot:
    contract = slot.contract
    provider = None if host is None else host.find_provider(slot.provider)
    found = None
    if host is not None:
        found = find_offer(host, slot.provider, contract.type, contract.kind)
    has_names = provider is not None and bool(provider.record.plan.slots)
    return JobSlot(
        provider=slot.provider,
        device_parent=_device_of(host, slot.provider),
        # A device that is made for the guest has no name to look for yet.
        device=slot.device if has_names else UNSET,
        type=slot.type if found is None else found.offer.type or slot.type,
        configure=to_builtins(slot.in_effect),
    )


def _device_of(host: HostView | None, provider: str) -> str | UnsetType:
    found = None if host is None else host.find_provider(provider)
    return UNSET if found is None else found.record.plan.device


def _finding(code: str, **detail: Any) -> Finding:
    return cause(code), detail
