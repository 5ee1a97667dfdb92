"""Migrations: claim a target, have both ends confirm, see the move through.

Source: design, section 7.
"""

from collections.abc import Mapping
from typing import cast

from msgspec import UNSET, structs

from wherry.app.choosing import (
    Asked,
    alternates_after,
    as_asked,
    find_candidates,
    force_of,
    names_to_try,
    over_doubts,
)
from wherry.app.deciding import decide
from wherry.app.engine import Engine
from wherry.app.groups import claim_place
from wherry.app.membership import members_of
from wherry.app.packs import in_force
from wherry.app.steps import (
    TAKEN,
    advance_by,
    ask_both_ends,
    read_fresh,
    require_guest,
    require_migration,
    settle,
    take_step,
    write_decision,
)
from wherry.app.tenancy import closed_to, require_open
from wherry.inventory.fleet import FleetView
from wherry.migrate.before_start import find_moved
from wherry.migrate.life import Start, require_at_rest
from wherry.migrate.life import begin as begin_life
from wherry.migrate.signal import Signal, admit, is_repeat, require_holder
from wherry.migrate.states import ENDED, Case
from wherry.migrate.story import tell
from wherry.model.bounds import Bounds
from wherry.model.caller import Caller
from wherry.model.checks import GuestResponse, Reason
from wherry.model.errors import (
    AlreadyExists,
    ConsumerChanged,
    NotAllowed,
    NoTarget,
    NotFound,
    NotStarted,
    WherryError,
)
from wherry.model.migrations import Migration, State, States
from wherry.model.targets import Target
from wherry.model.wire import (
    AbortRequest,
    FinishRequest,
    MigrationList,
    MigrationRequest,
    MigrationStory,
    PlugStep,
    RenewRequest,
    UnplugStep,
)
from wherry.store.groups import read_neighbours
from wherry.store.guests import read_guest
from wherry.store.holdings import read_holding
from wherry.store.migrations import OPEN, read_migration, read_page
from wherry.store.transaction import Tx

ROUNDS = 3
"""Rounds of finding anew, after all targets of one were taken by others meanwhile."""


_ALL: Mapping[States, tuple[State, ...]] = {"running": OPEN, "ended": tuple(sorted(ENDED))}
_PLUGS: Mapping[str, Case] = {
    "target": "in target",
    "source": "in source",
    "nowhere": "nowhere",
}


def begin(engine: Engine, uuid: str, request: MigrationRequest, caller: Caller) -> Migration:
    """Claim a target for a guest: the one asked for, or the best that can be had.

    Sent again with the same uuid it gives the migration that was begun then, as it is now.

    Raises:
        NotFound: there is no such guest or target.
        InvalidRequest: a destination is forced and not named.
        NotAllowed: it is forced by somebody who is no administrator.
        NoTarget: no host takes the guest; with every reason.
        AlreadyExists: the uuid is of another migration, or another one holds the guest.
        CapacityExceeded, SlotTaken, ExclusiveConflict, NoPlace, FactsChanged: others were
            faster on every target that was tried.
        ConsumerChanged: what the guest holds kept changing meanwhile.
    """
    forced = force_of(request, caller)
    policy = in_force(engine, over_doubts(request.policy) if request.force else request.policy)
    lease_s = request.lease_s or engine.settings.lease_s
    trouble: WherryError = NoTarget(f"no host takes guest {request.guest}")
    for _ in range(ROUNDS):
        # In one snapshot: the guest is not held by a migration that is not seen yet.
        begun, guest, neighbours = engine.store.read(
            lambda tx: (
                read_migration(tx, uuid),
                read_guest(tx, request.guest),
                read_neighbours(tx, request.guest),
            )
        )
        if begun is not None:
            return _same(get(engine, uuid), request)
        if guest is None:
            raise NotFound(what="guest", name=request.guest)
        require_at_rest(guest)
        view = engine.view()
        asked = Asked(
            uuid=uuid,
            guest=guest,
            bounds=Bounds(
                neighbours,
                closed_to(engine, guest.tenant),
                members_of(engine, request.member_of, is_told=True),
            ),
            policy=policy,
            lease_s=lease_s,
            by=caller.name,
            alternates=request.alternates,
            forced=forced,
        )
        names = names_to_try(engine, asked, view, request.target)
        for target, answer in find_candidates(engine, asked, view, names):
            rest = names[names.index(target.host) + 1 :]
            try:
                return _claim(engine, asked, view, target, answer, rest)
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


def get_story(engine: Engine, uuid: str) -> MigrationStory:
    """Give a migration with its story, and with what the clock has brought about.

    Raises:
        NotFound: there is none of this uuid.
    """
    found = get(engine, uuid)
    return MigrationStory(**structs.asdict(found), story=tell(found))


def list_migrations(
    engine: Engine,
    *,
    guest: str | None = None,
    host: str | None = None,
    state: States | None = None,
    limit: int = 100,
    marker: str | None = None,
) -> MigrationList:
    """List migrations, the latest first: all, of a guest, from or to a host, in some states.

    Raises:
        NotFound: there is no migration of the marker any more.
    """
    states = None if state is None else _ALL.get(state) or (cast("State", state),)
    found = engine.store.read(
        lambda tx: read_page(
            tx, limit=limit + 1, marker=marker, guest=guest, host=host, states=states
        )
    )
    page = tuple(found[:limit])
    return MigrationList(migrations=page, next=page[-1].uuid if len(found) > limit else None)


def ask_ends(engine: Engine, uuid: str, token: int) -> Migration:
    """Ask both ends to confirm, and wait for nobody: what they answer is written as it comes.

    Raises:
        NotFound, WrongState, TokenExpired: as `preflight`.
    """
    settle(engine, uuid)
    asked = _ask(engine, uuid, token)
    engine.moved.ring()
    return asked


def preflight(engine: Engine, uuid: str, token: int) -> Migration:
    """Ask both ends to confirm, and wait until both have, one refuses, or time is up.

    Asked again while both are being waited for, it waits for the same answers; once they are
    in, it gives what came of them.

    Raises:
        NotFound: there is no such migration.
        WrongState: the move has begun, or the migration has ended otherwise.
        TokenExpired: the token is not the present one.
    """
    ask_ends(engine, uuid, token)
    while True:
        rings = engine.moved.rings
        now = get(engine, uuid)
        if now.state != "claimed" or engine.closing:
            return now
        left = now.preflight_until - engine.clock() if now.preflight_until else 0.0
        engine.moved.wait(rings, max(0.01, left))


def start(engine: Engine, uuid: str, token: int, caller: Caller) -> Migration:
    """Note that the hypervisor is told to move the guest; from here on nothing expires.

    Facts that moved since both ends confirmed refuse the target, and then the next alternate
    is claimed and asked, if there is one.

    Raises:
        NotStarted: facts moved; what became of that is written.
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    settle(engine, uuid)

    def write(tx: Tx, view: FleetView) -> tuple[Migration, tuple[Reason, ...]]:
        migration = require_migration(tx, uuid, lock=True)
        signal = Signal(event="start", now=engine.clock(), token=token, by=caller.name)
        if is_repeat(migration, signal):
            return migration, ()
        admit(migration, signal)
        guest = require_guest(tx, migration.guest, lock=True)
        reasons = find_moved(migration, read_fresh(tx, engine, view, migration, guest))
        if reasons:
            signal = Signal(event="refuse", now=signal.now, by=caller.name, reasons=reasons)
        return advance_by(tx, engine, view, migration, signal), reasons

    moved, reasons = decide(engine, write)
    engine.moved.ring()
    if reasons:
        raise NotStarted(migration=uuid, state=moved.state, reasons=reasons)
    return moved


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


def unplug(engine: Engine, uuid: str, request: UnplugStep, caller: Caller) -> Migration:
    """Note that a NIC which is moved by replug is out of the guest.

    Raises:
        InvalidRequest: the slot is not moved so.
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    signal = Signal(
        event="unplug",
        now=engine.clock(),
        token=request.token,
        slot=request.slot,
        by=caller.name,
    )
    return take_step(engine, uuid, signal)


def plug(engine: Engine, uuid: str, request: PlugStep, caller: Caller) -> Migration:
    """Note where a NIC that was unplugged is plugged now, or that the plug failed.

    Raises:
        InvalidRequest: the slot is not moved by replug, or not unplugged.
        NotFound, WrongState, TokenExpired: as `take_step`.
    """
    signal = Signal(
        event="plug",
        now=engine.clock(),
        case=_PLUGS[request.where],
        token=request.token,
        slot=request.slot,
        error=request.error,
        by=caller.name,
        note="" if request.error is UNSET else request.error,
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


def _ask(engine: Engine, uuid: str, token: int) -> Migration:
    view = engine.view()

    def write(tx: Tx) -> Migration:
        migration = require_migration(tx, uuid, lock=True)
        if migration.state in {"claimed", "confirmed"}:
            require_holder(migration, token, engine.clock())
        if _is_asked(migration):
            return migration
        guest = require_guest(tx, migration.guest, lock=True)
        return ask_both_ends(tx, engine, view, migration, guest)

    return engine.store.write(write)


def _is_asked(migration: Migration) -> bool:
    """Whether both ends are being waited for, or what came of their answers is still so."""
    is_open = migration.state in {"claimed", "confirmed", "refused"}
    return is_open and migration.preflight_until is not UNSET


def _same(begun: Migration, request: MigrationRequest) -> Migration:
    """Give what was begun, if the request could have begun it."""
    if begun.guest != request.guest:
        why = f"it moves guest {begun.guest}"
    elif request.target is not UNSET and request.target not in _targets_of(begun):
        why = f"it goes to host {begun.target}"
    else:
        return begun
    raise AlreadyExists(what="migration", name=begun.uuid, why=why)


def _targets_of(begun: Migration) -> set[str]:
    """Name the hosts that a migration goes to, or has tried."""
    return {begun.target, *(step.host for step in begun.history)}


def _claim(
    engine: Engine,
    asked: Asked,
    view: FleetView,
    target: Target,
    answer: GuestResponse,
    rest: tuple[str, ...],
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
        claim_place(tx, guest.uuid, host.name)
        require_open(tx, guest.tenant, host.name)
        start = Start(
            uuid=asked.uuid,
            policy=asked.policy,
            answer=as_asked(answer, asked),
            held=read_holding(tx, guest.uuid),
            now=engine.clock(),
            lease_s=asked.lease_s,
            by=asked.by,
            is_to_be_probed=not target.accepted,
            alternates=alternates_after(asked, rest),
            forced=asked.forced,
        )
        return write_decision(tx, engine, begin_life(guest, target, host, start)).migration

    return engine.store.write(write)
