"""One step of a migration, carried out: read all it looks at, decide, write all of it.

Every step of every door and of the clock goes through here, so that what is decided in
`wherry.migrate.life` is written as one transaction: migration, guest, claim and jobs.
"""

import dataclasses

from msgspec.structs import replace

from wherry.app.deciding import decide
from wherry.app.engine import Engine
from wherry.app.groups import claim_place
from wherry.app.tenancy import require_open
from wherry.inventory.fleet import FleetView
from wherry.migrate.attempts import Chosen, exhaust, may_help, move_on, pass_over
from wherry.migrate.life import Decision, Ends, advance, due
from wherry.migrate.preflight import Fresh, expect_answers, plan_jobs
from wherry.migrate.signal import Signal
from wherry.migrate.slots import name_devices
from wherry.migrate.states import FIRST
from wherry.model.bounds import Bounds
from wherry.model.claims import Claim, ClaimOutcome
from wherry.model.errors import (
    CapacityExceeded,
    ExclusiveConflict,
    FactsChanged,
    GroupConflict,
    NoPlace,
    NotFound,
    SlotTaken,
    TenantConflict,
)
from wherry.model.guests import Guest
from wherry.model.migrations import Migration
from wherry.model.targets import Refusal, TargetsRequest
from wherry.schedule.targets import ask, judge_host
from wherry.store.claims import write_claim
from wherry.store.groups import read_neighbours
from wherry.store.guests import read_guest, write_guest
from wherry.store.holdings import read_holding
from wherry.store.jobs import remove_jobs, write_jobs
from wherry.store.migrations import read_migration, write_migration
from wherry.store.tenancy import read_closed
from wherry.store.transaction import Tx

TAKEN = (
    CapacityExceeded,
    SlotTaken,
    ExclusiveConflict,
    NoPlace,
    GroupConflict,
    TenantConflict,
    FactsChanged,
)
"""Somebody else was faster on this target: the next may still be free."""


def take_step(engine: Engine, uuid: str, signal: Signal) -> Migration:
    """Carry out what is due by the clock, then one signal.

    Raises:
        NotFound: there is no such migration.
        WrongState: the step is not possible from its state.
        TokenExpired: the token is not the present one.
        NotAllowed: the step needs a token.
        ConsumerChanged: what the migration holds kept changing.
    """
    settle(engine, uuid)

    def write(tx: Tx, view: FleetView) -> Migration:
        migration = require_migration(tx, uuid, lock=True)
        return advance_by(tx, engine, view, migration, signal)

    moved = decide(engine, write)
    engine.moved.ring()
    return moved


def settle(engine: Engine, uuid: str) -> bool:
    """Write down what has come to pass by the clock alone; says whether anything had.

    Raises:
        NotFound: there is no such migration.
        ConsumerChanged: what it holds kept changing.
    """
    migration = engine.store.read(lambda tx: require_migration(tx, uuid))
    if due(migration, engine.clock()) is None:
        return False

    def write(tx: Tx, view: FleetView) -> bool:
        # Another process may have done it meanwhile.
        migration = require_migration(tx, uuid, lock=True)
        signal = due(migration, engine.clock())
        if signal is None:
            return False
        advance_by(tx, engine, view, migration, signal)
        return True

    done = decide(engine, write)
    engine.moved.ring()
    return done


def advance_by(
    tx: Tx, engine: Engine, view: FleetView, migration: Migration, signal: Signal
) -> Migration:
    """Take one step of a migration that is locked, within a transaction.

    Where a target is refused, the next alternate that takes the guest is claimed instead and
    both ends are asked anew.
    """
    if may_help(signal) and migration.alternates:
        guest = require_guest(tx, migration.guest, lock=True)
        moved, went_on = _try_alternates(tx, engine, view, migration, signal, guest)
        if went_on:
            return moved
        migration = moved
    if signal.event == "refuse":
        signal = exhaust(migration, signal)
    return write_decision(tx, engine, _decide(tx, view, migration, signal)).migration


def ask_both_ends(
    tx: Tx, engine: Engine, view: FleetView, migration: Migration, guest: Guest
) -> Migration:
    """Put up the jobs of an attempt; gives the migration that waits for both answers."""
    jobs = plan_jobs(
        migration,
        guest,
        view.get(migration.source),
        view.get(migration.target),
        now=engine.clock(),
        wait_s=engine.settings.preflight_s,
    )
    waiting = expect_answers(migration, jobs)
    write_jobs(tx, jobs)
    write_migration(tx, waiting)
    return waiting


def _try_alternates(
    tx: Tx, engine: Engine, view: FleetView, migration: Migration, signal: Signal, guest: Guest
) -> tuple[Migration, bool]:
    """Claim the first alternate that takes the guest; says whether one did.

    Those that do not are passed over and written down.
    """
    bounds = Bounds(read_neighbours(tx, guest.uuid), read_closed(tx, guest.tenant))
    request = TargetsRequest(policy=migration.policy)
    question = ask(guest, request, engine.cache, bounds)
    now, source = signal.now, view.get(migration.source)
    for name in migration.alternates:
        host = view.get(name)
        if host is None:
            migration = pass_over(migration, name, "the fleet does not know it", now=now)
            continue
        judged, answer = judge_host(question, source, host)
        if isinstance(judged, Refusal):
            migration = pass_over(migration, name, judged, now=now)
            continue
        chosen = Chosen(target=judged, answer=answer, host=host)
        held = read_holding(tx, guest.uuid)
        try:
            claim_place(tx, guest.uuid, name)
            require_open(tx, guest.tenant, name)
            decision = write_decision(
                tx, engine, move_on(migration, signal, chosen, guest, held=held)
            )
        except TAKEN as error:
            migration = pass_over(migration, name, str(error), now=now)
            continue
        return ask_both_ends(tx, engine, view, decision.migration, decision.guest), True
    return migration, False


def write_decision(tx: Tx, engine: Engine, decision: Decision) -> Decision:
    """Write a decision, all of it: the claim first, because it is what may be refused."""
    if decision.claim is not None:
        outcome = write_claim(tx, decision.claim, now=engine.clock())
        decision = _with_devices(decision, outcome)
    write_guest(tx, decision.guest)
    write_migration(tx, decision.migration)
    if decision.withdraws_jobs:
        remove_jobs(tx, decision.migration.uuid)
    return decision


def claim_for(tx: Tx, engine: Engine, guest: Guest, claim: Claim | None) -> Guest:
    """Write a guest's claim, if there is one; gives the guest with the devices it was given.

    Raises:
        WherryError: as `write_claim`; nothing of the claim is left then.
    """
    if claim is None:
        return guest
    outcome = write_claim(tx, claim, now=engine.clock())
    devices = outcome.devices.get(guest.uuid, {})
    return replace(guest, slots=name_devices(guest.slots, devices))


def _with_devices(decision: Decision, outcome: ClaimOutcome) -> Decision:
    """Write down which devices the guest was given where it goes."""
    migration = decision.migration
    if migration.state != FIRST:
        return decision
    devices = outcome.devices.get(migration.guest, {})
    slots = name_devices(migration.target_slots, devices)
    return dataclasses.replace(decision, migration=replace(migration, target_slots=slots))


def require_migration(tx: Tx, uuid: str, *, lock: bool = False) -> Migration:
    """Give a migration as stored.

    Raises:
        NotFound: there is none of this uuid.
    """
    migration = read_migration(tx, uuid, lock=lock)
    if migration is None:
        raise NotFound(what="migration", name=uuid)
    return migration


def require_guest(tx: Tx, uuid: str, *, lock: bool = False) -> Guest:
    """Give a guest as stored; with *lock*, held as it is until the transaction ends.

    Raises:
        NotFound: there is none of this uuid.
    """
    guest = read_guest(tx, uuid, lock=lock)
    if guest is None:
        raise NotFound(what="guest", name=uuid)
    return guest


def read_fresh(
    tx: Tx, engine: Engine, view: FleetView, migration: Migration, guest: Guest
) -> Fresh:
    """Give all that an attempt's rules are asked on again; the guest is locked already."""
    return Fresh(
        guest=guest,
        source=view.get(migration.source),
        target=view.get(migration.target),
        neighbours=read_neighbours(tx, guest.uuid),
        closed=read_closed(tx, guest.tenant, host=migration.target),
        now=engine.clock(),
    )


def _decide(tx: Tx, view: FleetView, migration: Migration, signal: Signal) -> Decision:
    ends = Ends(
        guest=require_guest(tx, migration.guest, lock=True),
        held=read_holding(tx, migration.uuid),
        target=view.get(migration.target),
        source=view.get(migration.source),
        guest_held=read_holding(tx, migration.guest) if migration.replug else None,
    )
    return advance(migration, signal, ends)
