"""Migrations: claim a target, have both ends confirm, see the move through.

Source: design, section 7.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from wherry.app.engine import Engine
from wherry.app.packs import in_force
from wherry.app.steps import (
    require_guest,
    require_migration,
    settle,
    take_step,
    write_decision,
)
from wherry.inventory.fleet import FleetView
from wherry.migrate.life import Start, require_at_rest
from wherry.migrate.life import begin as begin_life
from wherry.migrate.preflight import expect_answers, plan_jobs
from wherry.migrate.signal import Signal, require_holder
from wherry.model.caller import Caller
from wherry.model.checks import GuestResponse, Policy
from wherry.model.errors import (
    AlreadyExists,
    CapacityExceeded,
    ConsumerChanged,
    ExclusiveConflict,
    FactsChanged,
    NotAllowed,
    NoTarget,
    NotFound,
    SlotTaken,
    WherryError,
)
from wherry.model.guests import Guest
from wherry.model.migrations import Migration, State
from wherry.model.targets import Refusal, Refused, Target, TargetsRequest
from wherry.model.wire import (
    AbortRequest,
    FinishRequest,
    MigrationList,
    MigrationRequest,
    RenewRequest,
)
from wherry.schedule.targets import ask, find_targets, judge_host
from wherry.store.guests import read_guest
from wherry.store.holdings import read_holding
from wherry.store.jobs import write_jobs
from wherry.store.migrations import read_migration, read_migrations, write_migration
from wherry.store.transaction import Tx

CANDIDATES = 8
"""Targets that one round tries, the best first."""
ROUNDS = 3
"""Rounds of finding anew, after all targets of one were taken by others meanwhile."""

TAKEN = (CapacityExceeded, SlotTaken, ExclusiveConflict, FactsChanged)
"""Somebody else was faster on this target: the next may still be free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a migration begins with, whichever target it gets."""

    uuid: str
    guest: Guest
    policy: Policy
    lease_s: int
    by: str


def begin(engine: Engine, uuid: str, request: MigrationRequest, caller: Caller) -> Migration:
    """Claim a target for a guest: the one asked for, or the best that can be had.

    Sent again with the same uuid it gives the migration that was begun then, as it is now.

    Raises:
        NotFound: there is no such guest or target.
        NoTarget: no host takes the guest; with every reason.
        AlreadyExists: the uuid is of another migration, or another one holds the guest.
        CapacityExceeded, SlotTaken, ExclusiveConflict, FactsChanged: others were faster on
            every target that was tried.
        ConsumerChanged: what the guest holds kept changing meanwhile.
    """
    policy = in_force(engine, request.policy)
    lease_s = request.lease_s or engine.settings.lease_s
    trouble: WherryError = NoTarget(f"no host takes guest {request.guest}")
    for _ in range(ROUNDS):
        # In one snapshot: the guest is not held by a migration that is not seen yet.
        begun, guest = engine.store.read(
            lambda tx: (read_migration(tx, uuid), read_guest(tx, request.guest))
        )
        if begun is not None:
            return _same(get(engine, uuid), request)
        if guest is None:
            raise NotFound(what="guest", name=request.guest)
        require_at_rest(guest)
        view = engine.view()
        asked = _Asked(uuid=uuid, guest=guest, policy=policy, lease_s=lease_s, by=caller.name)
        for target, answer in _candidates(engine, asked, view, request.target):
            try:
                return _claim(engine, asked, view, target, answer)
            except TAKEN as error:
                trouble = error
            except ConsumerChanged as error:
                trouble = error
                break
    raise trouble


def get(engine: Engine, uuid: str) -> Migration:
    """Give a migration, with what the clock has brought about.

    Raises:
        NotFound: there is none of this uuid.
    """
    settle(engine, uuid)
    return engine.store.read(lambda tx: require_migration(tx, uuid))


def list_migrations(
    engine: Engine, guest: str | None = None, state: State | None = None
) -> MigrationList:
    """List migrations, the latest first: all, of a guest, or in a state."""
    states = None if state is None else (state,)
    found = engine.store.read(lambda tx: read_migrations(tx, guest=guest, states=states))
    found.sort(key=lambda each: (each.history[0].at, each.uuid), reverse=True)
    return MigrationList(migrations=tuple(found))


def preflight(engine: Engine, uuid: str, token: int) -> Migration:
    """Ask both ends to confirm, and wait until both have, one refuses, or time is up.

    Asked again while both are being waited for, it waits for the same answers; once they are
    in, it gives what came of them.

    Raises:
        NotFound: there is no such migration.
        WrongState: the move has begun, or the migration has ended otherwise.
        TokenExpired: the token is not the present one.
    """
    settle(engine, uuid)
    asked = _ask_both_ends(engine, uuid, token)
    engine.moved.ring()
    while True:
        rings = engine.moved.rings
        now = get(engine, uuid)
        if now.state != "claimed" or now.attempt != asked.attempt or engine.closing:
            return now
        left = asked.preflight_until - engine.clock() if asked.preflight_until else 0.0
        engine.moved.wait(rings, max(0.01, left))


def start(engine: Engine, uuid: str, token: int, caller: Caller) -> Migration:
    """Note that the hypervisor is told to move the guest; from here on nothing expires.

    Raises:
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    return take_step(
        engine, uuid, Signal(event="start", now=engine.clock(), token=token, by=caller.name)
    )


def renew(engine: Engine, uuid: str, request: RenewRequest, caller: Caller) -> Migration:
    """Let the lease run anew from now.

    Raises:
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    signal = Signal(
        event="renew",
        now=engine.clock(),
        token=request.token,
        lease_s=request.lease_s,
        by=caller.name,
    )
    return take_step(engine, uuid, signal)


def finish(engine: Engine, uuid: str, request: FinishRequest, caller: Caller) -> Migration:
    """Note how the move ended: one end is let go.

    Raises:
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    signal = Signal(
        event="finish",
        now=engine.clock(),
        case="on target" if request.outcome == "finished" else "on source",
        token=request.token,
        error=request.error,
        by=caller.name,
    )
    return take_step(engine, uuid, signal)


def abort(engine: Engine, uuid: str, request: AbortRequest, caller: Caller) -> Migration:
    """Give the target back; without a token only an administrator may.

    Raises:
        NotAllowed: the token is left out, and the caller is no administrator.
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    if request.token is UNSET and caller.role != "admin":
        raise NotAllowed("only an administrator may abort a migration without its token")
    signal = Signal(
        event="abort",
        now=engine.clock(),
        token=None if request.token is UNSET else request.token,
        by=caller.name,
        note=request.note,
    )
    return take_step(engine, uuid, signal)


def _ask_both_ends(engine: Engine, uuid: str, token: int) -> Migration:
    view = engine.view()

    def write(tx: Tx) -> Migration:
        migration = require_migration(tx, uuid, lock=True)
        if migration.state in {"claimed", "confirmed"}:
            require_holder(migration, token, engine.clock())
        if _is_asked(migration):
            return migration
        jobs = plan_jobs(
            migration,
            require_guest(tx, migration.guest, lock=True),
            view.get(migration.source),
            view.get(migration.target),
            now=engine.clock(),
            wait_s=engine.settings.preflight_s,
        )
        waiting = expect_answers(migration, jobs)
        write_jobs(tx, jobs)
        write_migration(tx, waiting)
        return waiting

    return engine.store.write(write)


def _is_asked(migration: Migration) -> bool:
    """Whether both ends are being waited for, or what came of their answers is still so."""
    is_open = migration.state in {"claimed", "confirmed", "refused"}
    return is_open and migration.preflight_until is not UNSET


def _same(begun: Migration, request: MigrationRequest) -> Migration:
    """Give what was begun, if the request could have begun it."""
    if begun.guest != request.guest:
        why = f"it moves guest {begun.guest}"
    elif request.target not in (UNSET, begun.target):
        why = f"it goes to host {begun.target}"
    else:
        return begun
    raise AlreadyExists(what="migration", name=begun.uuid, why=why)


def _candidates(
    engine: Engine, asked: _Asked, view: FleetView, host: str | UnsetType
) -> Iterator[tuple[Target, GuestResponse]]:
    """Give targets with their verdicts, the best first.

    Raises:
        NotFound: there is no such host.
        NoTarget: none takes the guest.
    """
    guest = asked.guest
    question = ask(guest, TargetsRequest(policy=asked.policy), engine.cache)
    names = (host,) if host is not UNSET else _best(engine, asked, view)
    for name in names:
        there = view.get(name)
        if there is None:
            raise NotFound(what="host", name=name)
        judged, response = judge_host(question, view.get(guest.host), there)
        if isinstance(judged, Target):
            yield judged, response
        elif host is not UNSET:
            message = f"host {name} does not take guest {guest.uuid}"
            raise NoTarget(message, refused=_refused(judged))


def _best(engine: Engine, asked: _Asked, view: FleetView) -> tuple[str, ...]:
    guest = asked.guest
    request = TargetsRequest(policy=asked.policy, limit=CANDIDATES)
    found = find_targets(guest, view.get(guest.host), view, request, engine.cache, engine.ranking)
    if not found.targets:
        message = f"none of {found.refused.count} hosts takes guest {guest.uuid}"
        raise NoTarget(message, refused=found.refused)
    return tuple(target.host for target in found.targets)


def _refused(refusal: Refusal) -> Refused:
    rows = [reason for row in refusal.mapping for reason in row.reasons]
    codes = {reason.code for reason in (*refusal.reasons, *rows)}
    return Refused(count=1, by_reason=dict.fromkeys(sorted(codes), 1), hosts=(refusal,))


def _claim(
    engine: Engine, asked: _Asked, view: FleetView, target: Target, answer: GuestResponse
) -> Migration:
    host = view.get(target.host)
    if host is None:
        raise NotFound(what="host", name=target.host)

    def write(tx: Tx) -> Migration:
        guest = require_guest(tx, asked.guest.uuid, lock=True)
        if guest.generation != asked.guest.generation:
            raise ConsumerChanged(
                consumer=guest.uuid, expected=asked.guest.generation, found=guest.generation
            )
        start = Start(
            uuid=asked.uuid,
            policy=asked.policy,
            answer=answer,
            held=read_holding(tx, guest.uuid),
            now=engine.clock(),
            lease_s=asked.lease_s,
            by=asked.by,
        )
        return write_decision(tx, engine, begin_life(guest, target, host, start)).migration

    return engine.store.write(write)
