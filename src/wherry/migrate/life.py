"""The life of a migration, step by step: values in, the next values and the claim out.

The table of `states` says what may follow what and which end is given back; here that
becomes the stored migration, the guest and one atomic claim.  The caller reads all in one
transaction, writes all in the same one, and calls `due` before anything else.

Source: design, section 7; docs/reference/migration-states.md.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.migrate import replug
from wherry.migrate.probing import open_reasons
from wherry.migrate.signal import Signal, admit, has_lapsed, is_repeat, render_time
from wherry.migrate.slots import refresh, slots_at_target
from wherry.migrate.states import FIRST, Case, Transition, has_ended
from wherry.model.checks import GuestResponse, Policy, Side
from wherry.model.claims import Claim, Holding
from wherry.model.errors import AlreadyExists, NoTarget
from wherry.model.guests import Guest, Slot
from wherry.model.migrations import Forced, JobAnswer, Migration, Step
from wherry.model.targets import Target
from wherry.schedule.plan_claim import end, give_back, place_slots, plan_move
from wherry.schedule.reasons import make_reason

SIDES: tuple[Side, ...] = ("source", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What begins a migration, beside the guest and its target."""

    uuid: str
    """Of the migration, its consumer and its claim: the client's."""
    policy: Policy
    answer: GuestResponse
    """The verdict that the target was chosen by."""
    is_to_be_probed: bool = False
    """Accepted but for what a probe shall settle."""
    held: Holding
    """All that the guest's consumer holds now."""
    now: float
    lease_s: int
    by: str = ""
    alternates: tuple[str, ...] = ()
    """Hosts to try next, the best first, if the target refuses."""
    forced: Forced | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What a step of a migration looks at."""

    guest: Guest
    held: Holding
    """What the migration's consumer holds: the guest's place on the source."""
    target: HostView | None
    """Where the guest goes, as of now; None where it is not known any more."""
    source: HostView | None = None
    """Where it comes from; the same."""
    guest_held: Holding | None = None
    """What the guest's consumer holds on the target; None where nothing of it can change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write, all of it or nothing."""

    migration: Migration
    guest: Guest
    claim: Claim | None = None
    """None where what is held stays as it is."""
    withdraws_jobs: bool = False
    """Jobs of this migration that still wait are of no use any more."""


def begin(guest: Guest, target: Target, host: HostView, start: Start) -> Decision:
    """Claim a target: the migration holds the source from now on, the guest the target.

    Args:
        guest: not held by another migration.
        target: accepted, with its mapping.
        host: the target, as it was decided on or later.
        start: everything else.

    Raises:
        AlreadyExists: another migration holds the guest.
        NoTarget: the target was not accepted.
        FactsChanged: the target does not offer any more what was decided on.
    """
    require_at_rest(guest)
    if not target.accepted and not start.is_to_be_probed:
        message = f"host {target.host} does not take guest {guest.uuid}"
        raise NoTarget(message)
    at = render_time(start.now)
    first = Migration(
        uuid=start.uuid,
        guest=guest.uuid,
        source=guest.host,
        target=target.host,
        state=FIRST,
        token=1,
        attempt=1,
        lease_until=start.now + start.lease_s,
        lease_s=start.lease_s,
        policy=start.policy,
        answer=start.answer,
        source_slots=guest.slots,
        target_slots=slots_there(guest, target, host, at=at),
        source_host_resources=guest.resources,
        facts=target.facts,
        alternates=tuple(name for name in start.alternates if name != target.host),
        forced=start.forced,
        history=(Step(at=at, event="claim", state=FIRST, token=1, host=target.host, by=start.by),),
    )
    claim = plan_move(
        guest, target, host, claim_id=start.uuid, migration=start.uuid, held=start.held
    )
    return Decision(migration=first, guest=replace(guest, migration=start.uuid), claim=claim)


def slots_there(guest: Guest, target: Target, host: HostView, *, at: str) -> dict[str, Slot]:
    """Give every slot of a guest as it will be on a target that was chosen.

    Raises:
        FactsChanged: the host has no such offer any more.
    """
    placed = {name: offer for name, (_, offer) in place_slots(guest, target, host).items()}
    return slots_at_target(guest, target.mapping, placed, pinned_at=at)


def advance(migration: Migration, signal: Signal, ends: Ends) -> Decision:
    """Take one step; one that was taken already and is asked for again changes nothing.

    Raises:
        WrongState: it is not possible from this state.
        TokenExpired: the sender's token is not, or no longer, the present one.
        NotAllowed: it needs a token.
    """
    signal = complete(migration, signal)
    if is_repeat(migration, signal) or _is_told_again(migration, signal):
        return Decision(migration=migration, guest=ends.guest)
    step = admit(migration, signal)
    moved = _moved(migration, signal, step)
    if signal.event in replug.EVENTS:
        moved = replug.note_plug(moved, signal, ends.target)
    return Decision(
        migration=moved,
        guest=_guest_after(moved, step, ends),
        claim=_claim_of(migration, signal, step, ends),
        withdraws_jobs=moved.state != "claimed",
    )


def _is_told_again(migration: Migration, signal: Signal) -> bool:
    """Whether a plug is told that was told just before, by who still carries it on."""
    if signal.event not in replug.EVENTS or signal.token != migration.token:
        return False
    last = migration.history[-1]
    same = (last.event, last.slot) == (signal.event, signal.slot)
    return same and not has_lapsed(migration, signal.now) and replug.is_told(migration, signal)


def complete(migration: Migration, signal: Signal) -> Signal:
    """Fill in the case of a signal where the migration tells it."""
    if signal.event == "confirm":
        ends = {*migration.confirmed, signal.side}
        both: Case = "to probe" if signal.probing else "both ends"
        return dataclasses.replace(signal, case=both if ends >= set(SIDES) else "one end")
    if signal.event == "finish" and not signal.case:
        return dataclasses.replace(signal, case="on target")
    return signal


def due(migration: Migration, now: float) -> Signal | None:
    """Tell what has come to pass by the clock alone; None if nothing has.

    A silent end is told before the lease, so that the history says who was silent.
    """
    if has_ended(migration.state):
        return None
    until = migration.preflight_until
    if migration.state == "claimed" and until is not UNSET and now >= until:
        silent = [side for side in SIDES if side not in migration.confirmed]
        # A probe whose answer is lost settles nothing.
        reasons = (
            *(make_reason("PREFLIGHT_TIMEOUT", side=side) for side in silent),
            *(() if silent else open_reasons(migration)),
        )
        return Signal(event="refuse", now=now, reasons=reasons)
    if not has_lapsed(migration, now):
        return None
    return Signal(event="lose" if migration.state == "started" else "expire", now=now)


def locate(
    *, source_runs: bool | None, target_runs: bool | None
) -> Literal["on source", "on target"] | None:
    """Tell where a lost guest is from what both hosts report since; None if they do not tell.

    One end alone proves nothing: until the switch-over the source still runs the guest, and
    the target may list a process that waits for the rest of its state.

    Args:
        source_runs: whether the source lists the guest; None: it has not reported since.
        target_runs: the same of the target.
    """
    if source_runs is None or target_runs is None or source_runs == target_runs:
        return None
    return "on source" if source_runs else "on target"


def require_at_rest(guest: Guest) -> None:
    """Make sure that no migration holds the guest.

    Raises:
        AlreadyExists: one does.
    """
    if guest.migration is not UNSET:
        why = f"it holds guest {guest.uuid}"
        raise AlreadyExists(what="migration", name=guest.migration, why=why)


def _moved(migration: Migration, signal: Signal, step: Transition) -> Migration:
    token = migration.token + step.moves_token
    told = Step(
        at=render_time(signal.now),
        event=signal.event,
        state=step.state,
        token=token,
        host=migration.target,
        slot="" if signal.slot is UNSET else signal.slot,
        where=replug.where_after(signal),
        by=signal.by,
        note=signal.note,
        reasons=signal.reasons,
    )
    moved = replace(
        migration,
        state=step.state,
        token=token,
        answers=_with_answer(migration, signal),
        history=_append(migration, told),
    )
    if signal.event in {"renew", "start"}:
        lease_s = migration.lease_s if signal.lease_s is UNSET else signal.lease_s
        return replace(moved, lease_s=lease_s, lease_until=signal.now + lease_s)
    if signal.event == "confirm" and signal.side is not UNSET:
        probing = signal.probing if signal.case == "to probe" else ()
        confirmed = _with_side(migration.confirmed, signal.side)
        return replace(moved, confirmed=confirmed, probing=probing)
    error = migration.error if signal.error is UNSET else signal.error
    if signal.event in replug.EVENTS:
        return replace(moved, error=error)
    return replace(moved, outcome=_outcome(signal.case), error=error)


def _append(migration: Migration, step: Step) -> tuple[Step, ...]:
    """Add a step; of renewals in a row the last one is kept, or a long move would fill it."""
    history = migration.history
    if step.event == "renew" and history and history[-1].event == "renew":
        return (*history[:-1], step)
    return (*history, step)


def _with_answer(migration: Migration, signal: Signal) -> dict[Side, JobAnswer]:
    if signal.answer is UNSET:
        return migration.answers
    return {**migration.answers, signal.answer.side: signal.answer}


def _with_side(confirmed: tuple[Side, ...], side: Side) -> tuple[Side, ...]:
    return tuple(each for each in SIDES if each in confirmed or each == side)


def _outcome(case: Case) -> Literal["finished", "failed"] | UnsetType:
    match case:
        case "on target":
            return "finished"
        case "on source":
            return "failed"
        case _:
            return UNSET


def _guest_after(migration: Migration, step: Transition, ends: Ends) -> Guest:
    match step.effect:
        case "keep both" | "change target":
            return ends.guest
        case "release target":
            out = replug.slots_out(migration, "source")
            return replace(ends.guest, slots=_but(ends.guest.slots, out), migration=UNSET)
        case "release source":
            # The next report tells the process that it runs in there.
            return replace(
                ends.guest,
                host=migration.target,
                slots=refresh(
                    _but(migration.target_slots, replug.slots_out(migration, "target")), ends.target
                ),
                process=UNSET,
                migration=UNSET,
            )


def _claim_of(migration: Migration, signal: Signal, step: Transition, ends: Ends) -> Claim | None:
    # The same step at the same token is the same claim, which takes effect once.
    claim_id = str(uuid5(UUID(migration.uuid), f"{signal.event}:{migration.token}"))
    match step.effect:
        case "keep both":
            return None
        case "change target":
            message = f"{signal.event} claims another target: see wherry.migrate.attempts"
            raise ValueError(message)
        case "release target":
            guest = replace(
                ends.held,
                consumer=migration.guest,
                consumer_type="INSTANCE",
                expected_generation=UNSET,
            )
            ended, again = give_back(ends.held, guest)
            out = replug.slots_out(migration, "source")
            kept = replug.without(again, out, ends.guest.slots, ends.source)
            return Claim(id=claim_id, holdings=(ended, kept))
        case "release source":
            out = replug.slots_out(migration, "target")
            if not out or ends.guest_held is None:
                return Claim(id=claim_id, holdings=(end(ends.held),))
            kept = replug.without(ends.guest_held, out, migration.target_slots, ends.target)
            return Claim(id=claim_id, holdings=(end(ends.held), kept))


def _but(slots: dict[str, Slot], out: tuple[str, ...]) -> dict[str, Slot]:
    return {name: slot for name, slot in slots.items() if name not in out}
