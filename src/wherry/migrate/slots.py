"""What a guest's slots become on the host that it moves to.

The pinned fields of a contract stay, those that follow the device are the target's, and in
effect is what the claim configures.  A slot that is replugged, or a guest that is shut down
and boots there, is given a new contract of the target's offer.

Source: specification of compatibility, section 9 ("Life of a contract", "In effect").
"""

from collections.abc import Mapping

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.life import in_effect_after_boot
from wherry.compat.pinning import Choice, pin
from wherry.compat.rebase import rebase
from wherry.inventory.host_view import HostView, OfferView
from wherry.inventory.serving import find_offer
from wherry.model.checks import MappingRow
from wherry.model.device import Offer
from wherry.model.guests import Guest, Slot

CARRIED = frozenset({"live", "suspend"})
"""Modes in which the device's state goes along, and so does its contract."""


def slots_at_target(
    guest: Guest,
    mapping: tuple[MappingRow, ...],
    placed: Mapping[str, OfferView],
    *,
    pinned_at: str,
) -> dict[str, Slot]:
    """Give every slot as it will be when the guest runs on the target."""
    return {
        row.slot: _at_target(guest.slots[row.slot], row, placed[row.slot].offer, pinned_at)
        for row in mapping
    }


def refresh(slots: Mapping[str, Slot], host: HostView | None) -> dict[str, Slot]:
    """Read anew what follows the devices; what the host does not offer any more stays."""
    return {name: _refreshed(slot, host) for name, slot in slots.items()}


def name_devices(slots: Mapping[str, Slot], devices: Mapping[str, str]) -> dict[str, Slot]:
    """Write down which devices the claim has given to which slots."""
    return {
        name: replace(slot, device=devices[name]) if name in devices else slot
        for name, slot in slots.items()
    }


def chosen_of(slot: Slot) -> Choice:
    """Give what was chosen for a slot, in the form in which contracts are pinned."""
    contract, chosen = slot.contract, slot.chosen
    return Choice(
        kind=contract.kind,
        type=contract.type,
        version=chosen.version,
        features=chosen.features,
        params=chosen.params,
        guest_address=contract.guest_address,
    )


def plug_slot(slot: Slot, offer: Offer, pinned_at: str) -> Slot:
    """Give a slot with a new device of an offer: its contract is pinned, and inherits nothing."""
    contract, chosen = slot.contract, chosen_of(slot)
    pinned = pin(
        offer,
        chosen,
        consumer=contract.consumer,
        slot=contract.slot,
        pinned_at=pinned_at,
        keep=contract.keep,
    )
    in_effect = in_effect_after_boot(offer, chosen)
    return replace(slot, type=pinned.type, in_effect=in_effect, contract=pinned)


def _at_target(slot: Slot, row: MappingRow, offer: Offer, pinned_at: str) -> Slot:
    there = replace(slot, provider=offer.provider, device=UNSET)
    if row.mode not in CARRIED:
        return plug_slot(there, offer, pinned_at)
    contract = rebase(slot.contract, offer)
    return replace(there, type=contract.type, in_effect=row.configure, contract=contract)


def _refreshed(slot: Slot, host: HostView | None) -> Slot:
    contract = slot.contract
    found = None
    if host is not None:
        found = find_offer(host, slot.provider, contract.type, contract.kind)
    return slot if found is None else replace(slot, contract=rebase(contract, found.offer))
