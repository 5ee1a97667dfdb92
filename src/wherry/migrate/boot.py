"""What ``PUT /wherry/guests/{uuid}`` writes: the guest, and the claim if one is needed.

    plan_guest(request, host, *, uuid, stored, held, claim_id, now) -> BootDecision

The request is the record of a guest that boots or runs on *host*, with all its devices.

- A slot that is on record as asked stays as it is, its contract too, whatever its provider
  offers by now (R33): the same PUT again changes nothing and needs no claim.  What a report
  of the running guest has told of its device and address stands, since it is the later source.
- A slot that is new is booted or plugged: its contract is pinned from its provider's present
  offer and what was chosen, or kept as given.  So is one that comes from another provider, is
  of another type, or was chosen otherwise: a record that was wrong is corrected.  To choose
  for the next boot is `reboot`'s.
- A contract that assumes what the provider's offer does not (pinned from an allocation alone)
  is provisional: the record pins it anew.
- A device that is on the host already (a guest that ran before it was on record) is taken over
  by its name: `device` says that what the host counts as nobody's is this guest's.
- A slot that is not asked for any more has ended: what it took is free again.
- A guest that a migration holds is refused, as its place is being decided elsewhere.
- A guest that is on record on another host is refused: nothing here can know that it does not
  run there any more.  It is moved with a migration, or its record is deleted first.  If all
  that its consumer holds is on the host asked for, who allocates has moved it already: then
  the record follows, and it boots there.

Source: design, sections 3 ("A guest"), 4 and 7; specification of compatibility, section 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.migrate.holdings import claim_of, hold, offer_of, root_resources, taken_by
from wherry.migrate.life import require_at_rest
from wherry.migrate.pinned import PlacedSlot, pin_slot
from wherry.migrate.signal import render_time
from wherry.model.claims import Claim, Holding
from wherry.model.device import Offer
from wherry.model.errors import AlreadyExists, InvalidRequest, NotFound
from wherry.model.guests import Guest, GuestRequest, Slot, SlotRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class BootDecision:
    """What to write, all of it or nothing."""

    guest: Guest
    claim: Claim | None
    """None where the consumer holds already what the guest needs."""
    pinned: tuple[str, ...]
    """Slots that have a new contract."""
    is_changed: bool
    """Whether the guest differs from the stored one; if not, nothing of it is to be written."""


def plan_guest(
    request: GuestRequest,
    host: HostView | None,
    *,
    uuid: str,
    stored: Guest | None,
    held: Holding,
    claim_id: str,
    now: float,
) -> BootDecision:
    """Decide what a guest's record becomes and what its consumer shall hold.

    Args:
        request: all that the guest is.
        host: of its name; None where there is no such.
        uuid: of the guest and its consumer.
        stored: the guest on record; None where there is none.
        held: what the consumer holds now, with the generation that it must still have.
        claim_id: uuid of the claim.
        now: seconds since the epoch.

    Raises:
        NotFound: there is no such host or provider, or the host has no provider of its own.
        InvalidRequest: a provider does not offer what is asked; the path says of which slot.
        AlreadyExists: a migration holds the guest, or it is on record on another host, or the
            uuid is a migration's.
    """
    if host is None:
        raise NotFound(what="host", name=request.host)
    if held.consumer_type == "MIGRATION":
        why = "it holds the place of a guest, and is none itself"
        raise AlreadyExists(what="migration", name=uuid, why=why)
    if stored is not None:
        require_at_rest(stored)
        _require_here(stored, host, held)
    _require_sound(request)
    here = stored if stored is not None and stored.host == host.name else None
    before = {} if here is None else here.slots
    slots, left, pinned = _settle(request, before, host, uuid=uuid, at=render_time(now))
    resources = request.resources
    if resources is UNSET:
        resources = root_resources(held, host, slots)
    wanted = hold(
        held,
        host,
        slots,
        resources=resources,
        freed=_freed(before, left, host),
        left=left,
    )
    tenant = request.tenant or held.project
    guest = Guest(
        uuid=uuid,
        host=host.name,
        tenant=tenant,
        needs=request.needs,
        resources={name: amount for name, amount in resources.items() if amount},
        numa=request.numa,
        process=UNSET if here is None else here.process,
        slots={n: slots[n].slot if n in slots else left[n] for n in request.slots},
        generation=0 if stored is None else stored.generation,
    )
    wanted = replace(wanted, project=wanted.project or tenant)
    return BootDecision(
        guest=guest,
        claim=claim_of(held, wanted, host, slots, claim_id=claim_id),
        pinned=pinned,
        is_changed=guest != stored,
    )


def _settle(
    request: GuestRequest, before: Mapping[str, Slot], host: HostView, *, uuid: str, at: str
) -> tuple[dict[str, PlacedSlot], dict[str, Slot], tuple[str, ...]]:
    """Give the slots with their offers, those that stay without any, and what was pinned."""
    slots: dict[str, PlacedSlot] = {}
    left: dict[str, Slot] = {}
    pinned: list[str] = []
    for name, asked in request.slots.items():
        old = before.get(name)
        if old is not None and _is_as_asked(old, asked):
            found = offer_of(old, host)
            stays = _told(old, asked)
            if found is None:
                left[name] = stays
                continue
            if not _is_provisional(old, found.offer):
                slots[name] = PlacedSlot(stays, found)
                continue
        placed = pin_slot(uuid, name, asked, host, pinned_at=at, where=f"$.slots.{name}")
        if old is not None and _is_same_device(old, asked):
            placed = placed._replace(slot=replace(placed.slot, device=_first(asked, old)))
        slots[name] = placed
        pinned += [name] if old is None or placed.slot.contract != old.contract else []
    return slots, left, tuple(pinned)


def _is_as_asked(old: Slot, asked: SlotRequest) -> bool:
    """Whether a slot on record is what is asked, so that its contract stays."""
    return asked.contract is UNSET and _is_same_device(old, asked) and old.chosen == asked.chosen


def _is_same_device(old: Slot, asked: SlotRequest) -> bool:
    return (
        old.provider == asked.provider
        and old.type == asked.type
        and asked.kind in {UNSET, old.contract.kind}
    )


def _told(old: Slot, asked: SlotRequest) -> Slot:
    """Add to a slot on record what is told of it and was not known."""
    address = old.contract.guest_address
    contract = replace(
        old.contract,
        keep=asked.keep,
        guest_address=asked.guest_address if address is UNSET else address,
    )
    return replace(old, device=_first(asked, old), contract=contract)


def _first(asked: SlotRequest, old: Slot) -> str | UnsetType:
    return asked.device if old.device is UNSET else old.device


def _is_provisional(old: Slot, offer: Offer) -> bool:
    return not set(old.contract.assumed or ()) <= set(offer.assumed or ())


def _freed(before: Mapping[str, Slot], left: Mapping[str, Slot], host: HostView) -> set[str]:
    """Name the providers that the guest had devices of, but for those held as they are."""
    taken = [taken_by(slot, host) for name, slot in before.items() if name not in left]
    return {uuid for units in taken for uuid in units}


def _require_here(stored: Guest, host: HostView, held: Holding) -> None:
    if stored.host == host.name:
        return
    if held.allocations and all(host.find_provider(uuid) for uuid in held.allocations):
        return
    why = (
        f"it is on record on host {stored.host}; move it with a migration, or delete the record"
        f" before it boots on {host.name}"
    )
    raise AlreadyExists(what="guest", name=stored.uuid, why=why)


def _require_sound(request: GuestRequest) -> None:
    for name, amount in ({} if request.resources is UNSET else request.resources).items():
        if amount < 0:
            message = f"{amount} of {name} was asked, and amounts are 0 or more"
            raise InvalidRequest(message, path=f"$.resources.{name}")
    taken: dict[tuple[str, str], str] = {}
    for name, asked in request.slots.items():
        if asked.device is UNSET:
            continue
        first = taken.setdefault((asked.provider, asked.device), name)
        if first != name:
            message = f"device {asked.device} is in slot {first} already"
            raise InvalidRequest(message, path=f"$.slots.{name}.device")
