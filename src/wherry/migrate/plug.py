"""A device that is plugged into a running guest, or unplugged from it.

    plan_plug(guest, host, asked, *, held, claim_id, now) -> PlugDecision
    plan_unplug(guest, host, slot, *, held, claim_id) -> PlugDecision

A plugged device's contract is pinned from its provider's present offer, as at boot, and the
claim grows by what it takes.  Unplugging ends the contract, and the next device in that slot
inherits nothing; the claim shrinks.  All else that the consumer holds stays as it is.

Neither is possible while a migration holds the guest, which was decided on the devices that it
had.  To move a guest by unplugging its NIC and plugging another one is a mode of the migration
(``replug`` in its policy) which the caller asks for by slot; nothing here does it silently.

Source: specification of compatibility, section 9 ("Life of a contract"); design, section 7.
"""

from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.migrate.holdings import add, claim_of, subtract
from wherry.migrate.life import require_at_rest
from wherry.migrate.pinned import pin_slot
from wherry.migrate.signal import render_time
from wherry.model.claims import Claim, Holding
from wherry.model.errors import AlreadyExists, NotFound
from wherry.model.guests import Guest, SlotRequest
from wherry.model.wire import PlugRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugDecision:
    """What to write, all of it or nothing."""

    guest: Guest
    claim: Claim | None
    """None where the consumer holds nothing of what was unplugged."""


def plan_plug(
    guest: Guest,
    host: HostView | None,
    asked: PlugRequest,
    *,
    held: Holding,
    claim_id: str,
    now: float,
) -> PlugDecision:
    """Decide what a guest becomes with one more device.

    Args:
        guest: as stored.
        host: where it is; None where it is not known any more.
        asked: the slot and its device.
        held: what its consumer holds now.
        claim_id: uuid of the claim.
        now: seconds since the epoch.

    Raises:
        NotFound: the host is not known, or has no such provider.
        InvalidRequest: the provider does not offer what is asked.
        AlreadyExists: the slot or the device is taken, or a migration holds the guest.
    """
    if host is None:
        raise NotFound(what="host", name=guest.host)
    require_at_rest(guest)
    _require_free(guest, asked.slot, asked.device)
    placed = pin_slot(
        guest.uuid, asked.slot, asked.device, host, pinned_at=render_time(now), where="$.device"
    )
    plugged = {asked.slot: placed}
    wanted = add(held, asked.slot, placed, guest.slots.values(), host)
    return PlugDecision(
        guest=replace(guest, slots={**guest.slots, asked.slot: placed.slot}),
        claim=claim_of(held, wanted, host, plugged, claim_id=claim_id),
    )


def plan_unplug(
    guest: Guest, host: HostView | None, slot: str, *, held: Holding, claim_id: str
) -> PlugDecision:
    """Decide what a guest becomes with one device less.

    Its provider need not offer the device any more: what cannot be offered can be taken out.

    Args:
        guest: as stored.
        host: where it is; None where it is not known any more.
        slot: which of its devices.
        held: what its consumer holds now.
        claim_id: uuid of the claim.

    Raises:
        NotFound: the host is not known, or the guest has no such slot.
        AlreadyExists: a migration holds the guest.
    """
    if host is None:
        raise NotFound(what="host", name=guest.host)
    require_at_rest(guest)
    if slot not in guest.slots:
        raise NotFound(what=f"slot of guest {guest.uuid} named", name=slot)
    rest = {name: each for name, each in guest.slots.items() if name != slot}
    wanted = subtract(held, slot, guest.slots[slot], host)
    # What is given back fits whatever the facts are by now, so none are expected.
    return PlugDecision(
        guest=replace(guest, slots=rest),
        claim=None if wanted == held else Claim(id=claim_id, holdings=(wanted,)),
    )


def _require_free(guest: Guest, name: str, device: SlotRequest) -> None:
    if name in guest.slots:
        why = f"guest {guest.uuid} has {guest.slots[name].type} in it; unplug that first"
        raise AlreadyExists(what="slot", name=name, why=why)
    for other, slot in guest.slots.items():
        if device.device is not UNSET and slot.device == device.device:
            why = f"guest {guest.uuid} has it in slot {other}"
            raise AlreadyExists(what="device", name=device.device, why=why)
