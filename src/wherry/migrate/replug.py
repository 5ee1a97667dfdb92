"""NICs that are unplugged before a move and plugged anew after it: which device is in the guest.

A slot is moved so only where the caller asks for it by name (``replug`` in the policy).  Then the
claim holds two devices for it: the old one on the source, with the migration, and the new one on
the target, with the guest, whose contract is pinned from the target's offer when it is plugged.
Whoever carries the migration on tells what becomes of each; what was not told counts as planned.

When the migration ends, a device that is in no guest is given back with its contract: the record
says what the guest really has, also where a plug has failed.

Source: specification of compatibility, section 9 ("Life of a contract"); design, section 7.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.inventory.serving import find_offer
from wherry.migrate.holdings import subtract
from wherry.migrate.signal import Signal, render_time
from wherry.migrate.slots import plug_slot
from wherry.migrate.states import Case
from wherry.model.claims import Holding
from wherry.model.errors import InvalidRequest
from wherry.model.guests import Slot
from wherry.model.migrations import Migration, Plugged, Side

EVENTS: Final = frozenset({"unplug", "plug"})
_BY_CASE: Final[Mapping[Case, Plugged]] = {
    "": "out",
    "in target": "target",
    "in source": "source",
    "nowhere": "out",
}


def require_replugged(migration: Migration, signal: Signal) -> str:
    """Give the slot that an event is about.

    Raises:
        InvalidRequest: the caller did not ask to replug it, or plugs what is not unplugged.
    """
    slot = "" if signal.slot is UNSET else signal.slot
    row = next((row for row in migration.answer.mapping if row.slot == slot), None)
    if row is None or row.mode != "replug":
        message = f"slot {slot} is not moved by replug: ask for that when the migration begins"
        raise InvalidRequest(message, path="$.slot")
    if signal.event == "plug" and slot not in migration.replug:
        raise InvalidRequest(f"slot {slot} is not unplugged yet", path="$.slot")
    return slot


def where_after(signal: Signal) -> Plugged | Literal[""]:
    """Say where the device is that an event tells of; nothing where it tells of none."""
    return _BY_CASE[signal.case] if signal.event in EVENTS else ""


def is_told(migration: Migration, signal: Signal) -> bool:
    """Whether the same was told of the slot before."""
    return signal.slot is not UNSET and migration.replug.get(signal.slot) == _BY_CASE[signal.case]


def note_plug(migration: Migration, signal: Signal, target: HostView | None) -> Migration:
    """Write down where the device of a slot is; a new one is pinned from what is offered now.

    Raises:
        InvalidRequest: as `require_replugged`.
    """
    slot = require_replugged(migration, signal)
    where = _BY_CASE[signal.case]
    slots = dict(migration.target_slots)
    if where == "target" and target is not None:
        slots[slot] = _pinned(slots[slot], target, at=render_time(signal.now))
    return replace(migration, replug={**migration.replug, slot: where}, target_slots=slots)


def slots_out(migration: Migration, side: Side) -> tuple[str, ...]:
    """Name the slots whose device is not in the guest, if that runs on a side."""
    return tuple(slot for slot, where in sorted(migration.replug.items()) if where != side)


def without(
    held: Holding, out: tuple[str, ...], slots: Mapping[str, Slot], host: HostView | None
) -> Holding:
    """Plan that a guest does not hold the devices that are not in it.

    Where the host is not known any more they stay held, until a report tells of them.
    """
    for slot in out if host is not None else ():
        if slot in slots and host is not None:
            held = subtract(held, slot, slots[slot], host)
    return held


def _pinned(slot: Slot, target: HostView, *, at: str) -> Slot:
    contract = slot.contract
    found = find_offer(target, slot.provider, contract.type, contract.kind)
    return slot if found is None else plug_slot(slot, found.offer, at)
