"""The devices of a running guest, and the slots on its record that they are.

A hypervisor names devices in its own words (``hostdev0``), a record in those of who wrote it.
So a device is told by itself, then by the name of its slot, then by the provider that it is an
instance of; devices that are alike are told apart only where the slots are alike too, since
then it makes no difference.

    pair_up(slots, running, host) -> Pairing
    correct(slot, running) -> (Slot, told, unfit)

Source: design, section 3 ("A guest").
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.host_view import HostView, ProviderView
from wherry.model.device import Contract, ContractInterface, Migration
from wherry.model.facts import RunningSlot
from wherry.model.guests import Slot

_ADDRESS: Final = re.compile(r"[0-9a-z][0-9a-z.:/_-]{0,99}")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.:-]+")
_VERSION_MAX: Final = 200
_NAME_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which running device is which slot."""

    pairs: Mapping[str, RunningSlot]
    """Slot on record to its device."""
    noticed: tuple[tuple[str, str], ...]
    """Codes of what does not go together, each with the slot or device."""


def pair_up(
    slots: Mapping[str, Slot], running: Mapping[str, RunningSlot], host: HostView
) -> Pairing:
    """Find which device of a running guest is which slot of its record.

    Args:
        slots: on record.
        running: by the names that the hypervisor has for them.
        host: where the guest runs.
    """
    counts = Counter(each.device for each in running.values())
    twice = sorted(device for device, times in counts.items() if times > 1)
    noticed = [("GUEST_DEVICE_TWICE", device) for device in twice]
    pairs: dict[str, RunningSlot] = {}
    rest = {label: each for label, each in running.items() if each.device not in twice}
    by_device = {slot.device: name for name, slot in slots.items() if slot.device is not UNSET}
    for label, each in tuple(rest.items()):
        if each.device in by_device:
            pairs[by_device[each.device]] = rest.pop(label)
    named = [label for label in rest if label in slots and label not in pairs]
    settled = {*pairs, *named}
    for label in named:
        each = rest.pop(label)
        home = _home_of(each.device, host)
        if home is not None and home.uuid != slots[label].provider:
            text = f"{label}: {each.device} is of {home.record.plan.name}"
            noticed.append(("GUEST_DEVICE_ELSEWHERE", text))
        else:
            pairs[label] = each
    unpaired = [name for name in slots if name not in settled]
    ambiguous = _by_place(slots, unpaired, rest, host, pairs)
    noticed += [("GUEST_DEVICE_AMBIGUOUS", ", ".join(names)) for names in ambiguous]
    noticed += [("GUEST_DEVICE_UNKNOWN", each.device) for each in rest.values()]
    told = {*pairs, *(name for names in ambiguous for name in names)}
    unseen = [name for name in unpaired if name not in told and _is_vfio(slots[name])]
    noticed += [("GUEST_SLOT_UNSEEN", name) for name in unseen]
    return Pairing(pairs=pairs, noticed=tuple(noticed))


def correct(slot: Slot, running: RunningSlot) -> tuple[Slot, tuple[str, ...], tuple[str, ...]]:
    """Put into a slot what its running device tells.

    Returns the slot, what is new in words, and texts that no record can hold.
    """
    contract = slot.contract
    told: list[str] = []
    unfit: list[str] = []
    if slot.device != running.device:
        told.append(f"device {running.device}")
    if running.guest_address is not UNSET:
        address = running.guest_address.lower()
        if not _ADDRESS.fullmatch(address):
            unfit.append(repr(running.guest_address))
        elif address != contract.guest_address:
            contract = replace(contract, guest_address=address)
            told.append(f"guest address {address}")
    if running.version is not UNSET:
        if not 1 <= len(running.version) <= _VERSION_MAX:
            unfit.append(repr(running.version[:_VERSION_MAX]))
        else:
            if running.version != _version(contract):
                told.append(f"version {running.version}")
            contract = _with_version(contract, running.version)
    blocked = _with_blockers(contract, running)
    if blocked != contract:
        told.append(f"blockers {', '.join(_names(running)) or 'none'}")
    return replace(slot, device=running.device, contract=blocked), tuple(told), tuple(unfit)


def blocker_name(text: str) -> str:
    """Make a name that a contract can hold of what the lower level says blocks a move."""
    name = _NO_NAME.sub("-", text).strip("-_.:")[:_NAME_MAX]
    return name or "unnamed"


def _by_place(
    slots: Mapping[str, Slot],
    names: Sequence[str],
    rest: dict[str, RunningSlot],
    host: HostView,
    pairs: dict[str, RunningSlot],
) -> list[list[str]]:
    """Pair what is left by provider and type; names slots that cannot be told apart."""
    ambiguous: list[list[str]] = []
    for key in dict.fromkeys((slots[name].provider, slots[name].type) for name in names):
        here = [n for n in names if (slots[n].provider, slots[n].type) == key]
        labels = [label for label, each in rest.items() if _is_of(each.device, *key, host)]
        if not labels:
            continue
        if len(here) > 1 and not _are_alike([slots[name] for name in here]):
            ambiguous.append(here)
            for label in labels:
                del rest[label]
            continue
        for name, label in zip(sorted(here), sorted(labels), strict=False):
            pairs[name] = rest.pop(label)
    return ambiguous


def _are_alike(slots: Sequence[Slot]) -> bool:
    """Whether slots differ in nothing but what a device would tell them apart by."""
    bare = [
        replace(
            each,
            device=UNSET,
            contract=replace(each.contract, slot="", pinned_at=UNSET, guest_address=UNSET),
        )
        for each in slots
    ]
    told = any(each.contract.guest_address is not UNSET for each in slots)
    return not told and all(each == bare[0] for each in bare)


def _home_of(device: str, host: HostView) -> ProviderView | None:
    return next((each for each in host.providers if _has(each, device)), None)


def _has(provider: ProviderView, device: str) -> bool:
    plan = provider.record.plan
    return device in plan.slots or any(each.id == device for each in plan.instances)


def _is_of(device: str, provider: str, type_name: str, host: HostView) -> bool:
    """Whether a device is an instance of this type on this provider, as the host reports."""
    home = _home_of(device, host)
    if home is None or home.uuid != provider:
        return False
    types = {each.type for each in home.record.plan.instances if each.id == device}
    return not types or type_name in types


def _is_vfio(slot: Slot) -> bool:
    """Agents see devices of VFIO in a process; of others nothing follows from not seeing them."""
    return slot.contract.device_api.startswith("vfio-")


def _version(contract: Contract) -> object:
    return UNSET if contract.interface is UNSET else contract.interface.version


def _with_version(contract: Contract, version: str) -> Contract:
    """State the version that the guest has negotiated; it is assumed no more."""
    stated = ContractInterface() if contract.interface is UNSET else contract.interface
    assumed = tuple(
        path for path in contract.assumed or () if path not in {"interface", "interface.version"}
    )
    return replace(
        contract,
        interface=replace(stated, version=version),
        assumed=assumed if contract.assumed else contract.assumed,
    )


def _names(running: RunningSlot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(blocker_name, running.blockers or ())))


def _with_blockers(contract: Contract, running: RunningSlot) -> Contract:
    if running.blockers is UNSET:
        return contract
    ability = Migration() if contract.migration is UNSET else contract.migration
    blocked = replace(ability, blockers=_names(running) or UNSET)
    return replace(contract, migration=UNSET if blocked == Migration() else blocked)
