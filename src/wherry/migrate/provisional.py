"""Contracts of a guest that only its allocations tell of: pinned early, corrected later.

Who allocates through the Placement API says classes and units, and no word of devices.  What
can be told from these is told: on whose offers they are, how many instances, and the contract
that each would have if nothing else was chosen.  What an allocation does not prove stands in
``assumed``; the guest's record and the report of the running guest correct it.

    follow(wanted, host, before, now=…) -> Followed

- A slot on record whose units are still held on its provider stays as it is (R33).
- One whose units are held on another provider that serves its type has gone there: its contract
  goes along, and what follows the device is read anew.
- Classes of views name their type, also where a client counts in them.  Pool units are as many
  instances of one type as they are a multiple of; of several types the one that makes the fewest,
  and none where two make as few.
- A slot whose units are not held any more has ended.

A device with a name of its own is not named here: who made the guest chose it, and the report
tells which one it was.

Source: design, section 3 ("A guest"); specification of compatibility, section 9 ("Pinning").
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.life import in_effect_after_boot
from wherry.compat.pinning import Choice, pin
from wherry.compat.quantity import WHOLE_DEVICE, units_of
from wherry.compat.rebase import rebase
from wherry.inventory.host_view import HostView, OfferView, ProviderView
from wherry.inventory.serving import find_offer
from wherry.migrate.holdings import offer_of
from wherry.migrate.signal import render_time
from wherry.model.claims import Holding, Occupant
from wherry.model.device import Contract, Offer
from wherry.model.guests import Guest, Slot
from wherry.schedule.plan_claim import Allocations, occupy, units_on

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TENANT: Final = re.compile(r"[^\x00-\x1f\x7f]{0,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What allocations tell of a guest."""

    guest: Guest
    """As it is to be on record; its generation is that of the record before."""
    occupants: tuple[Occupant, ...]
    """Its devices, as the claim that writes the allocations is to hold them."""


def may_be_guest(consumer: str) -> bool:
    """Tell whether a consumer's id is one that a guest can have."""
    return _UUID.fullmatch(consumer) is not None


def follow(wanted: Holding, host: HostView, before: Guest | None, *, now: float) -> Followed | None:
    """Tell what a guest has by what its consumer is to hold; None where nothing is told of one.

    Args:
        wanted: what the consumer holds after the claim, with the devices that it has already.
        host: where that is.
        before: the guest on record, wherever it is; None where there is none.
        now: seconds since the epoch.
    """
    if host.root is None or not may_be_guest(wanted.consumer):
        return None
    held = _Held(wanted.allocations, host)
    slots = dict(_carried(before, held, host))
    names = _Names(wanted, slots)
    for place, is_guess in held.rest():
        name = names.new(place.provider.uuid, place.offer.type)
        slots[name] = _pinned(wanted.consumer, name, place, is_guess=is_guess, now=now)
    if before is None and not slots:
        return None
    return Followed(
        guest=_guest(wanted, host, before, {name: slot for name, (slot, _) in slots.items()}),
        occupants=_occupants(wanted, slots),
    )


Placed = tuple[Slot, OfferView]


class _Held:
    """Units that no slot accounts for yet, by provider: of views in their words, else of pools."""

    def __init__(self, allocations: Mapping[str, Mapping[str, int]], host: HostView) -> None:
        self.host = host
        self.providers = [
            each for each in host.providers if each.uuid in allocations and each.record.plan.offers
        ]
        self.units: Allocations = {uuid: dict(units) for uuid, units in allocations.items()}

    def take(self, contract: Contract, found: OfferView) -> bool:
        """Account for one instance, in whichever words it is held; says whether it is held."""
        plan = found.provider.record.plan
        here = self.units.get(plan.uuid, {})
        for name, view in plan.views.items():
            if here.get(name, 0) and view.type in {found.offer.type, contract.type}:
                self._subtract({plan.uuid: {name: 1}})
                return True
        need = units_on(contract, found.offer)
        if not self._has(need):
            return False
        self._subtract(need)
        return True

    def rest(self) -> Iterator[tuple[OfferView, bool]]:
        """Give an offer for each instance that is left, and whether its type is a guess."""
        for provider in self.providers:
            yield from ((found, False) for found in self._of_views(provider))
            found, times = _fewest(self._multiples(provider))
            if found is not None:
                for _ in range(times):
                    self._subtract(_recipe(found.offer))
                    yield found, _is_guess(provider)

    def _of_views(self, provider: ProviderView) -> Iterator[OfferView]:
        for name, view in sorted(provider.record.plan.views.items()):
            found = find_offer(self.host, provider.uuid, view.type)
            if found is not None:
                for _ in range(self.units[provider.uuid].pop(name, 0)):
                    yield found

    def _multiples(self, provider: ProviderView) -> Iterator[tuple[int, OfferView]]:
        """Give the offers that the units left on a provider are a multiple of."""
        left = {name: n for name, n in self.units[provider.uuid].items() if n}
        for found in self.host.offers:
            if found.provider.uuid != provider.uuid or found.offer.type is None:
                continue
            need = _recipe(found.offer)
            own = need.get(provider.uuid, {})
            number = min((left.get(name, 0) // n for name, n in own.items()), default=0)
            total = {uuid: _times(units, number) for uuid, units in need.items()}
            if number and total[provider.uuid] == left and self._has(total):
                yield number, found

    def _has(self, need: Allocations) -> bool:
        return all(
            self.units.get(uuid, {}).get(name, 0) >= amount
            for uuid, units in need.items()
            for name, amount in units.items()
        )

    def _subtract(self, need: Allocations) -> None:
        for uuid, units in need.items():
            for name, amount in units.items():
                self.units[uuid][name] -= amount


def _is_guess(provider: ProviderView) -> bool:
    """Whether units of a provider may be of another type than the one that they make up.

    What a client counts is of one type; only some classes tell of which.
    """
    plan = provider.record.plan
    return not plan.counts if provider.record.owner == "client" else len(plan.offers) > 1


def _fewest(multiples: Iterator[tuple[int, OfferView]]) -> tuple[OfferView | None, int]:
    """Choose the offer of the fewest instances; none where two make as few."""
    found = sorted(multiples, key=lambda pair: pair[0])
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None, 0
    return found[0][1], found[0][0]


def _recipe(offer: Offer) -> Allocations:
    """Give what one instance takes, by provider and class."""
    units = units_of(offer)
    if offer.pools is UNSET or not units:
        return {offer.provider: {WHOLE_DEVICE: 1}}
    need: Allocations = {}
    for name, amount in units.items():
        pool = offer.pools.get(name)
        home = offer.provider if pool is None or pool.provider is UNSET else pool.provider
        need.setdefault(home, {})[name] = amount
    return need


def _times(units: Mapping[str, int], number: int) -> dict[str, int]:
    return {name: amount * number for name, amount in units.items()}


def _carried(before: Guest | None, held: _Held, host: HostView) -> Iterator[tuple[str, Placed]]:
    """Give the slots on record that are held still: first where they were, then elsewhere."""
    slots = {} if before is None else before.slots
    left: dict[str, Slot] = {}
    for name, slot in sorted(slots.items()):
        found = offer_of(slot, host)
        if found is not None and held.take(slot.contract, found):
            yield name, (slot, found)
        else:
            left[name] = slot
    for name, slot in left.items():
        for provider in held.providers:
            contract = slot.contract
            found = find_offer(host, provider.uuid, contract.type, contract.kind)
            if found is None or provider.uuid == slot.provider:
                continue
            if held.take(contract, found):
                moved = replace(
                    slot,
                    provider=provider.uuid,
                    device=UNSET,
                    contract=rebase(contract, found.offer),
                )
                yield name, (moved, found)
                break


class _Names:
    """Names for new slots: of devices that are held under one already, then ``device0`` on."""

    def __init__(self, wanted: Holding, slots: Mapping[str, Placed]) -> None:
        self.free = [each for each in wanted.occupants if each.slot not in slots]
        self.taken = {*slots, *(each.slot for each in wanted.occupants)}

    def new(self, provider: str, type_name: str | None) -> str:
        """Give a name that no other slot has."""
        for each in self.free:
            if (each.provider, each.type) == (provider, type_name):
                self.free.remove(each)
                return each.slot
        name = next(n for n in map("device{}".format, count()) if n not in self.taken)
        self.taken.add(name)
        return name


def _pinned(consumer: str, name: str, found: OfferView, *, is_guess: bool, now: float) -> Placed:
    offer = found.offer
    choice = Choice()
    contract = pin(offer, choice, consumer=consumer, slot=name, pinned_at=render_time(now))
    unproven = [*(["type"] if is_guess else []), *_unproven(contract, offer)]
    assumed = tuple(dict.fromkeys([*(contract.assumed or ()), *unproven]))
    slot = Slot(
        provider=found.provider.uuid,
        type=contract.type,
        in_effect=in_effect_after_boot(offer, choice),
        contract=replace(contract, assumed=assumed or UNSET),
    )
    return slot, found


def _unproven(contract: Contract, offer: Offer) -> Iterator[str]:
    """Name what may have been chosen otherwise, for all that an allocation tells."""
    if contract.interface is not UNSET and isinstance(contract.interface.version, str):
        yield "interface.version"
    if contract.features:
        yield "features"
    offered = {} if offer.params is UNSET else offer.params
    for name in contract.params or {}:
        if name in offered and offered[name].settable:
            yield f"params.{name}"


def _guest(
    wanted: Holding, host: HostView, before: Guest | None, slots: Mapping[str, Slot]
) -> Guest:
    root = "" if host.root is None else host.root.uuid
    known = {slot.provider for slot in slots.values()}
    resources = {} if root in known else dict(wanted.allocations.get(root, {}))
    tenant = wanted.project if _TENANT.fullmatch(wanted.project) else ""
    if before is None:
        return Guest(
            uuid=wanted.consumer,
            host=host.name,
            tenant=tenant,
            resources=resources,
            slots=dict(slots),
        )
    stays = before.host == host.name
    return replace(
        before,
        host=host.name,
        resources=resources,
        slots=dict(slots),
        process=before.process if stays else UNSET,
        migration=UNSET,
    )


def _occupants(wanted: Holding, slots: Mapping[str, Placed]) -> tuple[Occupant, ...]:
    """Give the devices held: as they are where they are, and new ones for new slots."""
    before = {each.slot: each for each in wanted.occupants}
    made = {
        each.slot: each
        for each in occupy({name: (slot.contract, found) for name, (slot, found) in slots.items()})
    }
    kept = {name: each for name, each in before.items() if _stays(each, made.get(name))}
    new = {
        name: each
        for name, each in made.items()
        if name not in kept
        and (_counts_by_type(each, slots[name][1]) or not _has_names(slots[name][1]))
    }
    return tuple((kept | new).values())


def _stays(held: Occupant, made: Occupant | None) -> bool:
    return made is None or held.provider == made.provider


def _counts_by_type(made: Occupant, found: OfferView) -> bool:
    """Whether it matters to others on the provider of which type a device is."""
    return made.exclusive is not None or found.offer.positions is not UNSET


def _has_names(found: OfferView) -> bool:
    return bool(found.provider.record.plan.slots)
