"""Guests: what they hold, and the contract of each of their devices.

Source: design, section 3 ("A guest").
"""

from wherry.app.deciding import decide
from wherry.app.engine import Engine
from wherry.app.packs import in_force
from wherry.app.steps import claim_for, require_guest
from wherry.inventory.fleet import FleetView
from wherry.migrate.boot import plan_guest
from wherry.migrate.life import require_at_rest
from wherry.migrate.plug import plan_plug, plan_unplug
from wherry.migrate.reboot import RebootDecision, plan_reboot
from wherry.model.checks import Policy
from wherry.model.claims import Claim
from wherry.model.guests import Guest, GuestRequest
from wherry.model.targets import TargetsRequest
from wherry.model.wire import GuestList, PlugRequest, RebootAnswer, RebootRequest
from wherry.schedule.plan_claim import end
from wherry.schedule.targets import open_hosts
from wherry.store.claims import write_claim
from wherry.store.guests import read_guest, read_guests, remove_guest, write_guest
from wherry.store.holdings import read_holding
from wherry.store.transaction import Tx


def put_guest(engine: Engine, uuid: str, request: GuestRequest) -> Guest:
    """Record a guest as it is asked: allocate what it needs and does not hold, pin contracts.

    The same request again changes nothing.

    Raises:
        NotFound, InvalidRequest, AlreadyExists: as `plan_guest`.
        CapacityExceeded, SlotTaken, ExclusiveConflict, UnitsNotTaken: there is no room.
        FactsChanged, ConsumerChanged: what was decided on kept changing.
    """

    def write(tx: Tx, view: FleetView) -> Guest:
        stored = read_guest(tx, uuid, lock=True)
        decision = plan_guest(
            request,
            view.get(request.host),
            uuid=uuid,
            stored=stored,
            # A client that writes what it holds locks the guest, which may not be there yet.
            held=read_holding(tx, uuid, lock=stored is None),
            claim_id=engine.new_id(),
            now=engine.clock(),
        )
        if stored is not None and not decision.is_changed and decision.claim is None:
            return stored
        return _write(tx, engine, decision.guest, decision.claim)

    return decide(engine, write)


def get_guest(engine: Engine, uuid: str) -> Guest:
    """Give a guest as stored.

    Raises:
        NotFound: there is none of this uuid.
    """
    return engine.store.read(lambda tx: require_guest(tx, uuid))


def list_guests(
    engine: Engine,
    host: str | None = None,
    tenant: str | None = None,
    *,
    limit: int | None = None,
    marker: str | None = None,
) -> GuestList:
    """List guests by uuid: all, on a host, of a project; so many of them, after a uuid."""
    found = engine.store.read(
        lambda tx: read_guests(tx, host=host, tenant=tenant, limit=limit, marker=marker)
    )
    return GuestList(guests=tuple(found))


def reboot(engine: Engine, uuid: str, asked: RebootRequest) -> RebootAnswer:
    """Pin contracts anew after a reboot, and say which hosts that opens and closes.

    With ``preview`` nothing is written: the answer says what a reboot would do.

    Raises:
        NotFound: there is none of this uuid, or its host is gone.
        AlreadyExists: a migration holds it.
        InvalidRequest: what is chosen from now on is not offered, or names no slot.
        CapacityExceeded, ExclusiveConflict: a new contract takes more than there is.
        FactsChanged, ConsumerChanged: what was decided on kept changing.
    """

    def write(tx: Tx, view: FleetView) -> tuple[RebootDecision, Guest]:
        guest = require_guest(tx, uuid, lock=not asked.preview)
        decision = plan_reboot(
            guest,
            view.get(guest.host),
            asked,
            held=read_holding(tx, uuid),
            claim_id=engine.new_id(),
            now=engine.clock(),
        )
        if asked.preview:
            return decision, decision.guest
        if not decision.is_changed and decision.claim is None:
            return decision, guest
        return decision, _write(tx, engine, decision.guest, decision.claim)

    if asked.preview:
        view = engine.view()
        decision, guest = engine.store.read(lambda tx: write(tx, view))
    else:
        decision, guest = decide(engine, write)
    opened, closed = _moved_hosts(engine, decision.before, guest) if decision.pinned else ((), ())
    return RebootAnswer(
        guest=guest,
        pinned=decision.pinned,
        reasons=dict(decision.reasons),
        not_offered=decision.not_offered,
        opened=opened,
        closed=closed,
        preview=asked.preview,
    )


def plug(engine: Engine, uuid: str, asked: PlugRequest) -> Guest:
    """Add a device to a running guest: claimed, and its contract pinned.

    Raises:
        NotFound, InvalidRequest, AlreadyExists: as `plan_plug`.
        CapacityExceeded, SlotTaken, ExclusiveConflict, UnitsNotTaken: there is no room.
        FactsChanged, ConsumerChanged: what was decided on kept changing.
    """

    def write(tx: Tx, view: FleetView) -> Guest:
        guest = require_guest(tx, uuid, lock=True)
        decision = plan_plug(
            guest,
            view.get(guest.host),
            asked,
            held=read_holding(tx, uuid),
            claim_id=engine.new_id(),
            now=engine.clock(),
        )
        return _write(tx, engine, decision.guest, decision.claim)

    return decide(engine, write)


def unplug(engine: Engine, uuid: str, slot: str) -> Guest:
    """Take a device from a running guest: its contract ends, and what it took is free.

    Raises:
        NotFound: there is no such guest, or it has no such slot.
        AlreadyExists: a migration holds it.
        ConsumerChanged: what it holds kept changing.
    """

    def write(tx: Tx, view: FleetView) -> Guest:
        guest = require_guest(tx, uuid, lock=True)
        host, held = view.get(guest.host), read_holding(tx, uuid)
        decision = plan_unplug(guest, host, slot, held=held, claim_id=engine.new_id())
        return _write(tx, engine, decision.guest, decision.claim)

    return decide(engine, write)


def delete_guest(engine: Engine, uuid: str) -> None:
    """Forget a guest, and free all that it held.

    Raises:
        NotFound: there is none of this uuid.
        AlreadyExists: a migration holds it; abort or finish that first.
    """

    def write(tx: Tx, _view: FleetView) -> None:
        require_at_rest(require_guest(tx, uuid, lock=True))
        held = read_holding(tx, uuid)
        if held.allocations or held.occupants:
            write_claim(tx, Claim(id=engine.new_id(), holdings=(end(held),)), now=engine.clock())
        remove_guest(tx, uuid)

    decide(engine, write)


def _moved_hosts(
    engine: Engine, before: Guest, after: Guest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the hosts that take a guest by now, and those that do so no more."""
    view = engine.view()
    request = TargetsRequest(policy=in_force(engine, Policy()))
    was = open_hosts(before, view, request, engine.cache)
    now = open_hosts(after, view, request, engine.cache)
    return tuple(sorted(now - was)), tuple(sorted(was - now))


def _write(tx: Tx, engine: Engine, guest: Guest, claim: Claim | None) -> Guest:
    return write_guest(tx, claim_for(tx, engine, guest, claim))
